// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// File is the change of a diff to one file.
type File struct {
	// Old and New are the names before and after. They differ only for a rename or a
	// copy. Old is empty for a new file, New for a deleted one.
	Old, New string
	// OldMode and NewMode are set if the diff names them.
	OldMode, NewMode string
	// Renamed and Copied say how New came from Old.
	Renamed, Copied bool
	// Added and Removed are numbers of lines.
	Added, Removed int
	// Hunks is the number of hunks.
	Hunks int
	// Line is the first line of its diff in [Patch.Diff], from 1.
	Line int
}

// Name returns the new name, or the old name of a deleted file.
func (f *File) Name() string {
	if f.New != "" {
		return f.New
	}
	return f.Old
}

var hunkLine = lazyregexp.New(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)

// Files parses the diff.
func (p *Patch) Files() ([]File, error) {
	files, _, err := readDiff(p.Diff)
	return files, err
}

// diffReader parses a diff line by line.
type diffReader struct {
	lines []string
	at    int
	files []File
}

// readDiff parses a diff up to its end and returns the text after it.
func readDiff(text string) (files []File, tail string, err error) {
	r := &diffReader{lines: strings.SplitAfter(text, "\n")}
	for r.at < len(r.lines) && strings.HasPrefix(r.lines[r.at], "diff --git ") {
		if err := r.file(); err != nil {
			return nil, "", err
		}
	}
	if len(r.files) == 0 {
		if r.at < len(r.lines) && r.lines[r.at] != "" {
			return nil, "", fail(r.at+1, ErrDamaged, "%.60q does not begin a git diff", strings.TrimSuffix(r.lines[r.at], "\n"))
		}
		return nil, "", fail(0, ErrEmpty, "changes no file")
	}
	return r.files, strings.Join(r.lines[r.at:], ""), nil
}

// line returns the current line without its newline.
func (r *diffReader) line() (string, bool) {
	if r.at >= len(r.lines) || r.lines[r.at] == "" {
		return "", false
	}
	return strings.TrimSuffix(r.lines[r.at], "\n"), true
}

// file parses the diff of one file.
func (r *diffReader) file() error {
	head, _ := r.line()
	f := File{Line: r.at + 1}
	var ok bool
	if f.Old, f.New, ok = splitNames(strings.TrimPrefix(head, "diff --git ")); !ok {
		return fail(r.at+1, ErrDamaged, "%q does not name two files", head)
	}
	r.at++
	changed := false
	for {
		line, ok := r.line()
		if !ok {
			break
		}
		known, changes := f.extended(line)
		if strings.HasPrefix(line, "Binary files ") || strings.HasPrefix(line, "GIT binary patch") {
			return fail(r.at+1, ErrBinary, "%s", f.Name())
		}
		if !known {
			break
		}
		changed = changed || changes
		r.at++
	}
	if err := r.hunks(&f); err != nil {
		return err
	}
	if f.Hunks == 0 && !changed {
		return fail(f.Line, ErrDamaged, "%s: its diff changes nothing", f.Name())
	}
	r.files = append(r.files, f)
	return nil
}

// extended parses a header line before the first hunk. changes is true if the line alone
// is a change, such as a new mode.
func (f *File) extended(line string) (known, changes bool) {
	for _, h := range []struct {
		start   string
		do      func(rest string)
		changes bool
	}{
		{"old mode ", func(s string) { f.OldMode = s }, true},
		{"new mode ", func(s string) { f.NewMode = s }, true},
		{"new file mode ", func(s string) { f.NewMode, f.Old = s, "" }, true},
		{"deleted file mode ", func(s string) { f.OldMode, f.New = s, "" }, true},
		{"rename from ", func(s string) { f.Old, f.Renamed = unquoteName(s), true }, true},
		{"rename to ", func(s string) { f.New, f.Renamed = unquoteName(s), true }, true},
		{"copy from ", func(s string) { f.Old, f.Copied = unquoteName(s), true }, true},
		{"copy to ", func(s string) { f.New, f.Copied = unquoteName(s), true }, true},
		{"similarity index ", nil, false},
		{"dissimilarity index ", nil, false},
		{"index ", nil, false},
		{"--- ", nil, false},
		{"+++ ", nil, false},
	} {
		if rest, ok := strings.CutPrefix(line, h.start); ok {
			if h.do != nil {
				h.do(rest)
			}
			return true, h.changes
		}
	}
	return false, false
}

// hunks parses the hunks of a file and checks their line counts.
func (r *diffReader) hunks(f *File) error {
	for {
		head, ok := r.line()
		if !ok || !strings.HasPrefix(head, "@@ ") {
			return nil
		}
		m := hunkLine.FindStringSubmatch(head)
		if m == nil {
			return fail(r.at+1, ErrDamaged, "%s: %q is not a hunk header", f.Name(), head)
		}
		start := r.at + 1
		old, added := count(m[2]), count(m[4])
		r.at++
		for old > 0 || added > 0 {
			line, ok := r.line()
			if !ok {
				return fail(start, ErrDamaged, "%s: hunk is truncated, %d lines missing", f.Name(), max(old, added))
			}
			switch {
			case strings.HasPrefix(line, "-"):
				old--
				f.Removed++
			case strings.HasPrefix(line, "+"):
				added--
				f.Added++
			case strings.HasPrefix(line, `\`):
			case line == "", strings.HasPrefix(line, " "):
				old--
				added--
			default:
				return fail(r.at+1, ErrDamaged, "%s: %.40q belongs to no hunk (was a line wrapped?)", f.Name(), line)
			}
			if old < 0 || added < 0 {
				return fail(start, ErrDamaged, "%s: hunk has more lines than its header says", f.Name())
			}
			r.at++
		}
		if line, ok := r.line(); ok && strings.HasPrefix(line, `\ `) {
			r.at++
		}
		f.Hunks++
	}
}

// count parses a line count. A missing count means one.
func count(s string) int {
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1 << 30
	}
	return n
}

// splitNames parses the two names of a "diff --git" line.
func splitNames(s string) (oldName, newName string, ok bool) {
	if strings.HasPrefix(s, `"`) || strings.HasSuffix(s, `"`) {
		var first, second string
		if strings.HasPrefix(s, `"`) {
			q, err := strconv.QuotedPrefix(s)
			if err != nil {
				return "", "", false
			}
			first, second = q, strings.TrimPrefix(s[len(q):], " ")
		} else {
			i := strings.Index(s, ` "`)
			if i < 0 {
				return "", "", false
			}
			first, second = s[:i], s[i+1:]
		}
		first, second = unquoteName(first), unquoteName(second)
		return cutSide(first, second)
	}
	// A name may contain " b/". Without a rename both halves are equal.
	for i := strings.Index(s, " b/"); i >= 0; {
		if o, n, ok := cutSide(s[:i], s[i+1:]); ok && o == n {
			return o, n, true
		}
		next := strings.Index(s[i+1:], " b/")
		if next < 0 {
			break
		}
		i += 1 + next
	}
	i := strings.Index(s, " b/")
	if i < 0 {
		return "", "", false
	}
	return cutSide(s[:i], s[i+1:])
}

func cutSide(a, b string) (oldName, newName string, ok bool) {
	oldName, okA := strings.CutPrefix(a, "a/")
	newName, okB := strings.CutPrefix(b, "b/")
	return oldName, newName, okA && okB && oldName != "" && newName != ""
}

// unquoteName undoes git's quoting of unusual names.
func unquoteName(s string) string {
	if u, err := strconv.Unquote(s); err == nil && strings.HasPrefix(s, `"`) {
		return u
	}
	return s
}
