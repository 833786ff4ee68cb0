// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

const kdocScript = "scripts/kernel-doc"

// checkKdoc compares kernel-doc's warnings before and after the patch.
func checkKdoc(ctx context.Context, j *job, p *Patch) (Result, error) {
	var before, after []string
	for _, f := range p.Files {
		if hasSuffix(".c", ".h")(f.Name()) {
			if f.Old != "" {
				before = append(before, f.Old)
			}
			if f.New != "" {
				after = append(after, f.New)
			}
		}
	}
	if len(after) == 0 {
		return pass("no C file touched"), nil
	}
	script, err := j.script(ctx, kdocScript)
	if err != nil {
		return Result{}, err
	}
	was, err := j.kdoc(ctx, script, p.Before, before)
	if err != nil {
		return Result{}, err
	}
	is, err := j.kdoc(ctx, script, p.After, after)
	if err != nil {
		return Result{}, err
	}
	more := is.minus(was)
	ours := slices.DeleteFunc(slices.Clone(more), doxygen)
	switch {
	case len(ours) > 0:
		return fail("%d new: %s", len(ours), ours[0]).with(more...), nil
	case len(more) > 0:
		return pass("was: %d now: %d, only for Doxygen comments in libbpf", was.total(), is.total()).with(more...), nil
	}
	return pass("was: %d now: %d", was.total(), is.total()), nil
}

// doxygen reports whether a finding is only about a Doxygen comment in libbpf. Such a
// comment begins like a kernel-doc comment. kernel-doc also prints its first line.
func doxygen(finding string) bool {
	return strings.HasPrefix(finding, " * @brief ") ||
		strings.HasPrefix(finding, "warning: tools/lib/bpf/") && strings.Contains(finding, "This comment starts with '/**', but isn't a kernel-doc comment")
}

var kdocLine = lazyregexp.New(`(?i)^(warning|error):\s+(\S+?):(\d+)\s*(.*)$`)

// kdoc runs kernel-doc on files as of a commit.
func (j *job) kdoc(ctx context.Context, script, commit string, files []string) (findings, error) {
	dir, err := os.MkdirTemp("", "xpsgen-kdoc-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{script, "-Wall", "-none"}
	for _, f := range files {
		text, ok, err := j.repo.show(ctx, commit, f)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		path := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
		args = append(args, path)
	}
	if len(args) == 3 {
		return findings{}, nil
	}
	_, stderr, code, err := output(ctx, j.repo.src, "", args...)
	if err != nil {
		return nil, err
	}
	all := findings{}
	for line := range strings.Lines(strings.ReplaceAll(stderr, dir+"/", "")) {
		line = strings.TrimRight(line, "\n")
		if m := kdocLine.FindStringSubmatch(line); m != nil {
			all[strings.ToLower(m[1])+": "+m[2]+": "+m[4]]++
		} else if strings.TrimSpace(line) != "" {
			all[line]++
		}
	}
	if code != 0 && len(all) == 0 {
		return nil, fmt.Errorf("%s: exit status %d", kdocScript, code)
	}
	return all, nil
}
