// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// SetPatches returns a manifest's text with the patches of a series on a base replaced.
// Everything else stays, including comments; a comment above a patch stays with its
// key. A series that is new on a base with an explicit stack is added to its end.
func SetPatches(data []byte, series, base string, patches []Patch) ([]byte, error) {
	lines := strings.Split(string(data), "\n")
	if err := addToStack(lines, series, base); err != nil {
		return nil, err
	}
	start, end, err := extent(lines, 0, len(lines), "series", keyLine, series)
	if err != nil {
		return nil, err
	}
	lines, start, end = addForm(lines, start, end, base)
	body := lines[start:end]
	comments := map[string][]string{}
	at := -1 // where the first list item was, in kept
	var kept []string
	for i := 0; i < len(body); {
		if tableName(body[i]) != "series.base.patch" {
			kept = append(kept, body[i])
			i++
			continue
		}
		n, key := itemExtent(body[i:])
		// Comments directly above belong to the item. Above the first item
		// they belong to the list.
		if at >= 0 {
			above := len(kept)
			for above > at && strings.HasPrefix(strings.TrimSpace(kept[above-1]), "#") {
				above--
			}
			comments[key] = slices.Clone(kept[above:])
			kept = kept[:above]
		} else {
			at = len(kept)
		}
		i += n
		for i < len(body) && strings.TrimSpace(body[i]) == "" {
			i++
		}
	}
	if at < 0 {
		for len(kept) > 0 && strings.TrimSpace(kept[len(kept)-1]) == "" {
			kept = kept[:len(kept)-1]
		}
		kept = append(kept, "")
		at = len(kept)
	}
	var items []string
	for _, p := range patches {
		items = append(items, comments[p.Key]...)
		items = append(items, "[[series.base.patch]]", fmt.Sprintf("key = %q", p.Key), fmt.Sprintf("file = %q", p.File), "")
	}
	edited := slices.Concat(kept[:at], items, kept[at:])
	for len(edited) > 0 && strings.TrimSpace(edited[len(edited)-1]) == "" {
		edited = edited[:len(edited)-1]
	}
	out := slices.Concat(lines[:start], edited, lines[end:])
	text := strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
	return []byte(text), checkPatches(text, series, base, patches)
}

var stackLine = lazyregexp.New(`^(\s*stack\s*=\s*\[.*[^,\s])\s*,?\s*\](.*)$`)

// addToStack adds a series to a base's stack, if that has one and the series is
// not in it.
func addToStack(lines []string, series, base string) error {
	p, _, err := parse(Name, []byte(strings.Join(lines, "\n")))
	if err != nil {
		return fmt.Errorf("edit %s: %w", Name, err)
	}
	b, s := findBase(p.Bases, base), p.Find(series)
	if b == nil || s == nil || len(b.Stack) == 0 || s.Role == Alternative || slices.Contains(b.Stack, series) {
		return nil
	}
	start, end, err := extent(lines, 0, len(lines), "base", nameLine, base)
	if err != nil {
		return err
	}
	for i := start; i < end; i++ {
		if m := stackLine.FindStringSubmatch(lines[i]); m != nil {
			lines[i] = fmt.Sprintf("%s, %q]%s", m[1], series, m[2])
			return nil
		}
	}
	return fmt.Errorf("edit %s: add series %q to the stack of base %q: unsupported format of the stack (edit it by hand)", Name, series, base)
}

// addForm finds the lines of a series' base within the lines of the series. If
// there are none it adds them at the end of the series.
func addForm(lines []string, start, end int, base string) (all []string, from, to int) {
	if from, to, err := extent(lines, start, end, "series.base", nameLine, base); err == nil {
		return lines, from, to
	}
	form := []string{"", "[[series.base]]", fmt.Sprintf("name = %q", base)}
	after := slices.Clone(lines[end:])
	if len(after) > 0 && strings.TrimSpace(after[0]) != "" {
		after = append([]string{""}, after...)
	}
	return slices.Concat(lines[:end], form, after), end + 1, end + len(form)
}

// checkPatches checks that an edited manifest has the expected patches.
func checkPatches(text, series, base string, patches []Patch) error {
	p, _, err := parse(Name, []byte(text))
	if err != nil {
		return fmt.Errorf("edit %s: %w", Name, err)
	}
	if s := p.Find(series); s != nil {
		if f := s.On(base); f != nil && slices.EqualFunc(f.Patches, patches,
			func(a, b Patch) bool { return a.Key == b.Key && a.File == b.File }) {
			return nil
		}
	}
	return fmt.Errorf("edit %s: the patches of series %q on %q have a form that cannot be edited; write them as [[series.base.patch]], key, file",
		Name, series, base)
}

var (
	tableLine   = lazyregexp.New(`^\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]`)
	nameLine    = lazyregexp.New(`^\s*name\s*=\s*["']([^"']*)["']`)
	keyLine     = lazyregexp.New(`^\s*key\s*=\s*["']([^"']*)["']`)
	versionLine = lazyregexp.New(`^(\s*version\s*=\s*)\d+`)
)

// tableName is the table that a line opens, "" if it opens none.
func tableName(line string) string {
	if m := tableLine.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// extent finds the lines of an item of an array of tables, with the tables
// nested in it. It leaves out comments that belong to what follows. The item is
// the one in whose own table the expression finds name.
func extent(lines []string, from, to int, table string, field *lazyregexp.Regexp, name string) (start, end int, err error) {
	start = -1
	own, found := false, false
	for i := from; i < to; i++ {
		t := tableName(lines[i])
		if t != "" {
			if found && !strings.HasPrefix(t, table+".") {
				end = i
				for end > start && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(strings.TrimSpace(lines[end-1]), "#")) {
					end--
				}
				return start, end, nil
			}
			if own = t == table; own {
				start = i
			}
		}
		if m := field.FindStringSubmatch(lines[i]); m != nil && own && m[1] == name {
			found = true
		}
	}
	if !found {
		return 0, 0, fmt.Errorf("edit %s: no [[%s]] %q", Name, table, name)
	}
	end = to
	for end > start && strings.TrimSpace(lines[end-1]) == "" {
		end--
	}
	return start, end, nil
}

// itemExtent counts the lines of a table, and finds its key.
func itemExtent(lines []string) (n int, key string) {
	for n = 1; n < len(lines); n++ {
		l := strings.TrimSpace(lines[n])
		if l == "" || strings.HasPrefix(l, "[") || strings.HasPrefix(l, "#") {
			break
		}
		if m := keyLine.FindStringSubmatch(lines[n]); m != nil {
			key = m[1]
		}
	}
	return n, key
}

// SetVersion returns a manifest's text with another version of a series.
func SetVersion(data []byte, series string, version int) ([]byte, error) {
	lines := strings.Split(string(data), "\n")
	start, end, err := extent(lines, 0, len(lines), "series", keyLine, series)
	if err != nil {
		return nil, err
	}
	line := fmt.Sprintf("version = %d", version)
	at := -1
	for i := start + 1; i < end && tableName(lines[i]) == ""; i++ {
		if m := versionLine.FindStringSubmatch(lines[i]); m != nil {
			lines[i], at = fmt.Sprintf("%s%d", m[1], version)+lines[i][len(m[0]):], i
			break
		}
		if keyLine.MatchString(lines[i]) {
			at = -i // where a new line belongs, below the key
		}
	}
	if at < 0 {
		lines = slices.Insert(lines, -at+1, line)
	}
	out := []byte(strings.Join(lines, "\n"))
	p, _, err := parse(Name, out)
	if err != nil {
		return nil, fmt.Errorf("edit %s: %w", Name, err)
	}
	if s := p.Find(series); s == nil || s.Version != version {
		return nil, fmt.Errorf("edit %s: the version of series %q cannot be edited; write it as version = N", Name, series)
	}
	return out, nil
}
