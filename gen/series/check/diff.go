// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// File is the change of a patch to one file.
type File struct {
	// Old and New are the names before and after. Old is empty for a new file, New
	// for a deleted one.
	Old, New string
	// OldBlob is the old content's object name in the patch, full or abbreviated;
	// empty if missing.
	OldBlob string
	// Lines are the lines of all hunks.
	Lines []Line
}

// Line is a line of a hunk.
type Line struct {
	// Op is '+', '-' or ' '.
	Op byte
	// Text is the line without Op and newline.
	Text string
	// New is the line number in the new file. For a '-' line it is the number of the
	// line that follows.
	New int
}

// Name returns the new name, or the old name of a deleted file.
func (f *File) Name() string {
	if f.New != "" {
		return f.New
	}
	return f.Old
}

var (
	diffHeader  = lazyregexp.New(`^diff --git a/(\S+) b/(\S+)$`)
	indexHeader = lazyregexp.New(`^index ([0-9a-f]+)\.\.([0-9a-f]+)`)
	hunkHeader  = lazyregexp.New(`^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)
)

// scanDiff parses the diffs of a patch and skips everything else. It returns no error,
// because git reports a damaged patch.
func scanDiff(patch string) []*File {
	var files []*File
	var f *File
	var left, right, number int
	for line := range strings.Lines(patch) {
		line = strings.TrimRight(line, "\r\n")
		if left > 0 || right > 0 {
			op := byte(' ')
			if line != "" {
				op = line[0]
			}
			text := strings.TrimPrefix(line, string(op))
			switch op {
			case '+':
				f.Lines = append(f.Lines, Line{Op: op, Text: text, New: number})
				number++
				right--
			case '-':
				f.Lines = append(f.Lines, Line{Op: op, Text: text, New: number})
				left--
			case ' ':
				f.Lines = append(f.Lines, Line{Op: op, Text: text, New: number})
				number++
				left--
				right--
			}
			continue
		}
		if m := diffHeader.FindStringSubmatch(line); m != nil {
			f = &File{Old: m[1], New: m[2]}
			files = append(files, f)
			continue
		}
		if f == nil {
			continue
		}
		switch {
		case line == "--- /dev/null" || strings.HasPrefix(line, "new file mode "):
			f.Old = ""
		case line == "+++ /dev/null" || strings.HasPrefix(line, "deleted file mode "):
			f.New = ""
		case strings.HasPrefix(line, "index "):
			if m := indexHeader.FindStringSubmatch(line); m != nil {
				f.OldBlob = m[1]
			}
		case strings.HasPrefix(line, "@@ "):
			if m := hunkHeader.FindStringSubmatch(line); m != nil {
				left, right = count(m[1]), count(m[3])
				number, _ = strconv.Atoi(m[2])
			}
		}
	}
	return files
}

// count parses a line count of a hunk. A missing count means 1.
func count(s string) int {
	if s == "" {
		return 1
	}
	n, _ := strconv.Atoi(s)
	return n
}

// added returns the lines that a patch adds to files for which want is true.
func added(files []*File, want func(name string) bool) (lines []Line) {
	for _, f := range files {
		if f.New == "" || !want(f.New) {
			continue
		}
		for _, l := range f.Lines {
			if l.Op == '+' {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// removed returns the lines that a patch removes.
func removed(files []*File, want func(name string) bool) (lines []Line) {
	for _, f := range files {
		if !want(f.Name()) {
			continue
		}
		for _, l := range f.Lines {
			if l.Op == '-' {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

func hasSuffix(suffix ...string) func(string) bool {
	return func(name string) bool {
		for _, s := range suffix {
			if strings.HasSuffix(name, s) {
				return true
			}
		}
		return false
	}
}

func anyFile(string) bool { return true }
