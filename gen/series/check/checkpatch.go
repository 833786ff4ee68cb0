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

const checkpatchScript = "scripts/checkpatch.pl"

// ignoredTypes are the checkpatch types that this check ignores, as netdev's runner does or
// for the reason given. The runner also ignores long lines in messages. This check does
// not, because submitting-patches asks for 75 columns.
var ignoredTypes = []string{
	"MACRO_ARG_REUSE", "ALLOC_SIZEOF_STRUCT", "NO_AUTHOR_SIGN_OFF",
	"GIT_COMMIT_ID", "CAMELCASE", "FILE_PATH_CHANGES", "BAD_REPORTED_BY_LINK",
	// The check verify_signedoff reports it.
	"MISSING_SIGN_OFF",
	// A base from a package has no history to look up commits.
	"UNKNOWN_COMMIT_ID",
}

// ignoredElsewhere are rules for the kernel that do not apply to user space.
var ignoredElsewhere = []string{"SSCANF_TO_KSTRTO", "PREFER_KERNEL_TYPES", "NEW_TYPEDEFS", "ENOSYS", "SPDX_LICENSE_TAG",
	// ip declares externs at the top of its files, and its tests are executable.
	"AVOID_EXTERNS", "EXECUTE_PERMISSIONS"}

var checkpatchTotal = lazyregexp.New(`total: (\d+) errors, (\d+) warnings, (?:(\d+) checks, )?\d+ lines checked`)

func checkPatchScript(ctx context.Context, j *job, p *Patch) (Result, error) {
	script, err := j.script(ctx, checkpatchScript)
	if err != nil {
		return Result{}, err
	}
	ignore := slices.Clone(ignoredTypes)
	args := []string{"perl", script, "--strict", "--codespell", "--show-types", "--color=never"}
	if n := j.Target.LineLength; n > 0 {
		args = append(args, fmt.Sprintf("--max-line-length=%d", n))
	}
	if j.Build != kbuild {
		ignore = append(ignore, ignoredElsewhere...)
		args = append(args, "--no-tree")
	}
	dict, err := codespellDictionary(ctx)
	if err != nil {
		return Result{}, err
	}
	if dict != "" {
		args = append(args, "--codespellfile="+dict)
	}
	args = append(args, "--ignore="+strings.Join(ignore, ","), "-")
	stdout, stderr, code, err := output(ctx, j.repo.src, p.Text, args...)
	if err != nil {
		return Result{}, err
	}
	if strings.Contains(stderr, "No codespell typos will be found") {
		return Result{}, fmt.Errorf("%s: %s", checkpatchScript, strings.TrimSpace(stderr))
	}
	m := checkpatchTotal.FindStringSubmatch(stdout)
	if m == nil {
		return fail("checkpatch: exit status %d without a result", code).with(stdout, stderr), nil
	}
	summary := strings.TrimSuffix(m[0], " lines checked")
	summary = summary[:strings.LastIndex(summary, ",")]
	switch {
	case m[1] != "0":
		return fail("%s", summary).with(stdout), nil
	case m[2] != "0" || m[3] != "" && m[3] != "0":
		return warn("%s", summary).with(stdout), nil
	}
	return pass("%s", summary), nil
}

// codespellDictionary finds codespell's dictionary. checkpatch only looks in one place,
// or asks the first Python in PATH. An empty result leaves the choice to checkpatch.
func codespellDictionary(context.Context) (string, error) {
	for _, pattern := range []string{
		"/usr/share/codespell/dictionary.txt",
		"/usr/lib/python3/dist-packages/codespell_lib/data/dictionary.txt",
		"/usr/lib/python3*/site-packages/codespell_lib/data/dictionary.txt",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, f := range found {
			if _, err := os.Stat(f); err == nil {
				return f, nil
			}
		}
	}
	return "", nil
}

// script returns the path of a script in the tree of the scripts. It calls atHead first.
func (j *job) script(ctx context.Context, name string) (string, error) {
	if err := j.atHead(ctx); err != nil {
		return "", err
	}
	s := j.scripts
	path := filepath.Join(s.repo.src, name)
	if _, err := os.Stat(path); err != nil {
		return "", &ToolError{Tool: name, Tree: s.Project + " " + s.Base}
	}
	return path, nil
}

// atHead checks out the last commit of the thread. If the scripts are in another tree, it
// checks out the base there.
func (j *job) atHead(ctx context.Context) error {
	if err := j.repo.at(ctx, j.Head()); err != nil {
		return err
	}
	if j.scripts == j.Thread {
		return nil
	}
	return j.scripts.repo.at(ctx, j.scripts.BaseCommit)
}
