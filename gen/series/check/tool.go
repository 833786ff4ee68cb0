// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"xpsgen/vmtest/proc"
)

// ToolError is a missing program or script that a check needs.
type ToolError struct {
	// Tool is the program, or the path of the script in its tree.
	Tool string
	// Tree is the tree that lacks the script; empty for a program.
	Tree string
}

func (e *ToolError) Error() string {
	if e.Tree != "" {
		return fmt.Sprintf("%s has no %s (name a project that has it in scripts of series.toml)", e.Tree, e.Tool)
	}
	return fmt.Sprintf("%s is not installed (run xpsgen deps or make deps)", e.Tool)
}

// needTools fails if a program is missing that the check runs for this patch. A check
// without a file to look at needs none.
func (j *job) needTools(c *Check, p *Patch) error {
	if p != nil && !j.concerns(c, p) {
		return nil
	}
	for _, t := range c.tools {
		if t == "clang" {
			t = Clang()
		}
		if _, err := exec.LookPath(t); err != nil {
			return &ToolError{Tool: t}
		}
	}
	return nil
}

// concerns reports whether a patch has a file for a check of scripts or specs.
func (j *job) concerns(c *Check, p *Patch) bool {
	suffix := map[string]string{"shellcheck": ".sh", "yamllint": ".yaml"}[c.Name]
	if suffix == "" {
		return true
	}
	for _, f := range p.Files {
		if strings.HasSuffix(f.New, suffix) {
			return true
		}
	}
	return false
}

// clangs are the names of clang, the newest last. Distributions package several versions,
// and the oldest may be too old for the tree.
var clangs = []string{"clang", "clang-17", "clang-18", "clang-19", "clang-20", "clang-21", "clang-22"}

// Clang returns the newest clang in PATH with a version in its name, or "clang".
func Clang() string {
	for i := len(clangs) - 1; i > 0; i-- {
		if _, err := exec.LookPath(clangs[i]); err == nil {
			return clangs[i]
		}
	}
	return clangs[0]
}

// output runs a program in the directory dir. A nonzero exit status is no error; it is
// returned as code.
func output(ctx context.Context, dir string, stdin string, args ...string) (stdout, stderr string, code int, err error) {
	var out, errOut strings.Builder
	c := &proc.Cmd{Args: args, Dir: dir, Env: plainEnv(), Stdout: &out, Stderr: &errOut}
	if stdin != "" {
		c.Stdin = strings.NewReader(stdin)
	}
	err = c.Run(ctx)
	var perr *proc.Error
	if errors.As(err, &perr) && perr.ExitCode >= 0 && ctx.Err() == nil {
		return out.String(), errOut.String(), perr.ExitCode, nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", "", 0, &ToolError{Tool: args[0]}
	}
	return out.String(), errOut.String(), 0, err
}
