// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"path"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// checkIgnored checks the patterns that a patch adds to .gitignore files. Another file in
// or below the directory of the pattern must contain the name.
func checkIgnored(ctx context.Context, j *job, p *Patch) (Result, error) {
	var wrong []string
	n := 0
	for _, f := range p.Files {
		if path.Base(f.New) != ".gitignore" {
			continue
		}
		for _, l := range added([]*File{f}, anyFile) {
			pattern := strings.TrimPrefix(strings.TrimRight(l.Text, " "), "!")
			if pattern == "" || strings.HasPrefix(pattern, "#") {
				continue
			}
			n++
			if strings.ContainsAny(pattern, "*?[") {
				continue // a wildcard
			}
			name := path.Base(strings.Trim(pattern, "/"))
			dir := path.Join(path.Dir(f.New), strings.TrimPrefix(path.Dir(pattern), "/"))
			out, err := j.repo.git(ctx, "grep", "-lF", "-e", name, p.After, "--", dir+"/")
			if err != nil && !exited(err) {
				return Result{}, err
			}
			if strings.TrimSpace(strings.ReplaceAll(out, p.After+":"+f.New, "")) != "" {
				continue
			}
			wrong = append(wrong, fmt.Sprintf("%s: no file in %s/ names %q", f.New, dir, name))
		}
	}
	switch {
	case len(wrong) > 0:
		return fail("%s", wrong[0]).with(wrong...), nil
	case n == 0:
		return pass("no pattern added"), nil
	}
	return pass("%d patterns", n), nil
}

var entryField = lazyregexp.New(`^[A-Z]:\t\S`)

// badEntries returns the lines that a patch adds to MAINTAINERS and that are neither a
// field nor the title of an entry.
func badEntries(f *File) (wrong []string) {
	for i, l := range f.Lines {
		if l.Op != '+' || strings.TrimSpace(l.Text) == "" || entryField.MatchString(l.Text) {
			continue
		}
		// A title stands after a blank line and before a field.
		before, after := near(f.Lines[:i], -1), near(f.Lines[i+1:], 1)
		if (before == nil || strings.TrimSpace(before.Text) == "") && after != nil && entryField.MatchString(after.Text) {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("MAINTAINERS:%d: neither a field nor a title: %s", l.New, l.Text))
	}
	return wrong
}

// near returns the first line of the new file in lines, from the end if step is -1.
func near(lines []Line, step int) *Line {
	for i := range lines {
		if step < 0 {
			i = len(lines) - 1 - i
		}
		if lines[i].Op != '-' {
			return &lines[i]
		}
	}
	return nil
}
