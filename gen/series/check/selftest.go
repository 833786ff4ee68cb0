// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"path"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// checkSelftest checks networking selftests. A new program must be in the Makefile, a
// binary in .gitignore, and lists must be sorted.
func checkSelftest(ctx context.Context, j *job, p *Patch) (Result, error) {
	var wrong []string
	n := 0
	for _, f := range p.Files {
		if f.New == "" || !strings.HasPrefix(f.New, "tools/testing/selftests/") || !strings.Contains(f.New, "/net/") {
			continue
		}
		n++
		more, err := j.selftestFile(ctx, p, f)
		if err != nil {
			return Result{}, err
		}
		wrong = append(wrong, more...)
	}
	switch {
	case len(wrong) > 0:
		return fail("%s", wrong[0]).with(wrong...), nil
	case n == 0:
		return pass("no networking selftest touched"), nil
	}
	return pass("%d files", n), nil
}

func (j *job) selftestFile(ctx context.Context, p *Patch, f *File) (wrong []string, err error) {
	dir, base := path.Split(f.New)
	text, _, err := j.repo.show(ctx, p.After, f.New)
	if err != nil {
		return nil, err
	}
	switch base {
	case "config":
		wrong = unsortedConfig(f.New, text)
	case "Makefile":
		wrong = unsortedMakefile(f.New, text)
	}
	if f.Old != "" {
		return wrong, nil
	}
	binary := strings.HasSuffix(base, ".c") && !strings.HasSuffix(base, ".bpf.c")
	needle := base
	if binary {
		needle, _, _ = strings.Cut(base, ".")
	} else if !hasSuffix(".sh", ".py")(base) {
		return wrong, nil
	}
	lists := []string{"Makefile"}
	if binary {
		lists = append(lists, ".gitignore")
	}
	for _, l := range lists {
		text, _, err := j.repo.show(ctx, p.After, dir+l)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(text, needle) {
			wrong = append(wrong, fmt.Sprintf("%s is not in %s%s", needle, dir, l))
		}
	}
	return wrong, nil
}

// unsortedConfig finds config lines that are out of order. It ignores underscores, as
// netdev's runner does.
func unsortedConfig(name, text string) (wrong []string) {
	last := ""
	for line := range strings.Lines(text) {
		key, _, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		if last != "" && strings.ReplaceAll(key, "_", "") < strings.ReplaceAll(last, "_", "") {
			wrong = append(wrong, fmt.Sprintf("%s: %s must come before %s", name, key, last))
		}
		last = key
	}
	return wrong
}

var makeList = lazyregexp.New(`^([A-Z_][A-Z0-9_]*)\s*(?::?=|\+=)\s*\\$`)

// unsortedMakefile finds list items, one per line, that are out of order. Items without a
// directory come first.
func unsortedMakefile(name, text string) (wrong []string) {
	variable, last := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if variable == "" {
			if m := makeList.FindStringSubmatch(line); m != nil && !strings.Contains(m[1], "FLAGS") && !strings.Contains(m[1], "LIBS") {
				variable, last = m[1], ""
			}
			continue
		}
		item := strings.TrimSpace(strings.TrimSuffix(line, "\\"))
		if item != "" && !strings.HasPrefix(item, "#") && !strings.HasPrefix(item, "$") {
			if last != "" && listLess(item, last) {
				wrong = append(wrong, fmt.Sprintf("%s: %s: %s must come before %s", name, variable, item, last))
			}
			last = item
		}
		if !strings.HasSuffix(line, "\\") {
			variable = ""
		}
	}
	return wrong
}

func listLess(a, b string) bool {
	if a < b {
		if n, m := strings.Count(a, "/"), strings.Count(b, "/"); n != m {
			return n < m
		}
		return strings.ToLower(a) < strings.ToLower(b)
	}
	return false
}
