// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// ApplyError is a patch that does not apply. Neither the cache nor any tree
// was changed.
type ApplyError struct {
	// Tree is the tree that the patch was applied to: "linux 6.12.117".
	Tree string
	// Patch is the patch, the Nth of Total.
	Patch    Patch
	N, Total int
	// File is the file of the tree that does not fit, if git named one.
	File string
	// Hunk is which hunk of File does not apply, from 1; 0 if not known.
	Hunk int
	// Line is the line of the error in the patch file; 0 if unknown.
	Line int
	// Reason is the cause in a few words.
	Reason string
	// Output is all that git said.
	Output string
	// Dir is the user's directory, if the base is one.
	Dir string
}

func (e *ApplyError) Error() string {
	at := e.Patch.Path
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	what := ""
	if e.File != "" {
		what = " " + e.File
	}
	if e.Hunk > 0 {
		what += fmt.Sprintf(" hunk %d", e.Hunk)
	}
	if what != "" {
		what += ":"
	}
	msg := fmt.Sprintf("apply patch %d of %d to %s: %s:%s %s", e.N, e.Total, e.Tree, at, what, e.Reason)
	if e.Dir != "" {
		msg += fmt.Sprintf("\n%s is taken as the base: if it has a part of the series already, "+
			"check out a commit without the patches, or use it unpatched with --no-apply", e.Dir)
	}
	return msg
}

var (
	applyFailed  = lazyregexp.New(`(?m)^error: patch failed: (.+):(\d+)$`)
	applyFile    = lazyregexp.New(`(?m)^error: (.+): (patch does not apply|does not exist in index|already exists in index|wrong type|does not match index|cannot .+)$`)
	applyCorrupt = lazyregexp.New(`(?m)^error: (corrupt (?:binary )?patch|patch fragment without header|.*) at line (\d+)`)
	applySpace   = lazyregexp.New(`(?m)^<stdin>:(\d+): (.+)\.$`)
	applyAny     = lazyregexp.New(`(?m)^(?:error|fatal): (.+)$`)
)

// newApplyError returns the error for the patch at index i. output is what git printed.
func newApplyError(s *Source, i int, output string) *ApplyError {
	e := &ApplyError{Tree: s.Name(), Patch: s.Patches[i], N: i + 1, Total: len(s.Patches),
		Output: strings.TrimSpace(output), Dir: s.opt.Dir}
	e.explain(s.content[i])
	if enc := transferEncoding(s.content[i]); enc != "" {
		e.Reason += " (the patch is in " + enc + ", a mail encoding: apply it with git am, and write it again with git format-patch)"
	}
	return e
}

// transferEncoding returns the mail encoding that makes the patch unreadable
// for git apply; empty if there is none.
func transferEncoding(patch []byte) string {
	head, _, _ := bytes.Cut(bytes.ReplaceAll(patch, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	if m := mimeEncoding.FindSubmatch(head); m != nil {
		return strings.ToLower(string(m[1]))
	}
	return ""
}

var mimeEncoding = lazyregexp.New(`(?mi)^Content-Transfer-Encoding:\s*(base64|quoted-printable)\s*$`)

func (e *ApplyError) explain(patch []byte) {
	if m := applyFailed.FindStringSubmatch(e.Output); m != nil {
		e.File, e.Reason = m[1], "does not apply"
		start, _ := strconv.Atoi(m[2])
		e.Hunk, e.Line = findHunk(patch, e.File, start)
		if bytes.Contains(patch, []byte("\r\n")) {
			e.Reason += " (the patch has CRLF line ends)"
		}
		return
	}
	if m := applyFile.FindStringSubmatch(e.Output); m != nil {
		e.File, e.Reason = m[1], strings.TrimSuffix(m[2], " in index")
		_, e.Line = findHunk(patch, e.File, -1)
		return
	}
	if m := applySpace.FindStringSubmatch(e.Output); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Reason = m[2]
		return
	}
	if m := applyCorrupt.FindStringSubmatch(e.Output); m != nil {
		e.Reason = m[1]
		e.Line, _ = strconv.Atoi(m[2])
		return
	}
	if m := applyAny.FindStringSubmatch(e.Output); m != nil {
		e.Reason = m[1]
		return
	}
	e.Reason, _, _ = strings.Cut(e.Output, "\n")
}

var hunkHeader = lazyregexp.New(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)

// findHunk returns which hunk of file starts at the given old line, and on
// which line of the patch it is. With start -1 it returns the line of the
// file's header.
func findHunk(patch []byte, file string, start int) (hunk, line int) {
	sc := bufio.NewScanner(bytes.NewReader(patch))
	sc.Buffer(nil, 1<<20)
	inFile, old, added := false, 0, 0
	for n := 1; sc.Scan(); n++ {
		text := sc.Text()
		if old > 0 || added > 0 { // within a hunk's body
			switch {
			case strings.HasPrefix(text, "-"):
				old--
			case strings.HasPrefix(text, "+"):
				added--
			case strings.HasPrefix(text, `\`):
			default:
				old--
				added--
			}
			continue
		}
		if rest, ok := strings.CutPrefix(text, "diff --git "); ok {
			inFile, hunk = strings.HasSuffix(rest, " b/"+file) || strings.HasPrefix(rest, "a/"+file+" "), 0
			if inFile && start < 0 {
				return 0, n
			}
			continue
		}
		m := hunkHeader.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		old, added = hunkSize(m[2]), hunkSize(m[4])
		if !inFile {
			continue
		}
		hunk++
		if at, _ := strconv.Atoi(m[1]); at == start {
			return hunk, n
		}
	}
	return 0, 0
}

// hunkSize reads a line count of a hunk's header, where none means one.
func hunkSize(s string) int {
	if s == "" {
		return 1
	}
	n, _ := strconv.Atoi(s)
	return n
}
