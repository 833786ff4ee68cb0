// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
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
	return fmt.Sprintf("%s is not installed (%s)", e.Tool, e.remedy())
}

// remedy says how to get a program.
func (e *ToolError) remedy() string {
	switch e.Tool {
	case "ruff":
		return "Debian 12 has no package of it: install it with pipx or cargo"
	case "sparse", "clang":
		return "run xpsgen deps --for series-build"
	case "gcc", "make":
		return "run xpsgen deps"
	}
	return "run xpsgen deps --for series"
}

// lacks returns a message if a program that a check needs is missing or too old; "" if not.
// A check without a file to look at needs no program.
func (j *job) lacks(ctx context.Context, c *Check, p *Patch) (string, error) {
	if p != nil {
		if concerned, err := j.concerns(ctx, c, p); err != nil || !concerned {
			return "", err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if why, ok := j.lacking[c.Name]; ok {
		return why, nil
	}
	why, err := j.lacksNow(ctx, c)
	if err != nil {
		return "", err
	}
	j.lacking[c.Name] = why
	return why, nil
}

func (j *job) lacksNow(ctx context.Context, c *Check) (string, error) {
	for _, t := range c.tools {
		program := t
		if t == "clang" {
			program = Clang()
		}
		if _, err := exec.LookPath(program); err != nil {
			return (&ToolError{Tool: t}).Error(), nil
		}
		least, err := j.leastVersion(ctx, t)
		if err != nil {
			return "", err
		}
		if least == "" || !c.builds {
			continue
		}
		have, err := programVersion(ctx, program)
		if err != nil {
			return "", err
		}
		if have != "" && olderVersion(have, least) {
			return fmt.Sprintf("%s is %s, and %s %s needs %s (run xpsgen deps --for series-build, or put a newer %s in PATH)",
				program, have, j.Project, j.Base, least, t), nil
		}
	}
	return "", nil
}

// leastVersion returns the oldest version of a compiler that can build a kernel tree; empty
// if the tree does not say.
func (j *job) leastVersion(ctx context.Context, tool string) (string, error) {
	name := map[string]string{"gcc": "gcc", "clang": "llvm"}[tool]
	if name == "" || j.Build != kbuild {
		return "", nil
	}
	script, ok, err := j.repo.show(ctx, j.BaseCommit, "scripts/min-tool-version.sh")
	if err != nil || !ok {
		return "", err
	}
	stdout, _, code, err := output(ctx, os.TempDir(), script, "sh", "-s", "--", name)
	if err != nil || code != 0 {
		return "", err
	}
	return strings.TrimSpace(stdout), nil
}

var versionNumber = lazyregexp.New(`\d+\.\d+(?:\.\d+)?`)

// programVersion returns the version that a program prints, or nothing.
func programVersion(ctx context.Context, program string) (string, error) {
	stdout, _, _, err := output(ctx, os.TempDir(), "", program, "--version")
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(stdout, "\n")
	numbers := versionNumber.FindAllString(first, -1)
	if len(numbers) == 0 {
		return "", nil
	}
	// "gcc (Debian 12.2.0-14+deb12u1) 12.2.0"
	return numbers[len(numbers)-1], nil
}

// olderVersion reports whether a is older than b. Missing numbers are 0.
func olderVersion(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		var x, y int
		if i < len(as) {
			x, _ = strconv.Atoi(as[i])
		}
		if i < len(bs) {
			y, _ = strconv.Atoi(bs[i])
		}
		if x != y {
			return x < y
		}
	}
	return false
}

// concerns reports whether a patch has a file that the check is for.
func (j *job) concerns(ctx context.Context, c *Check, p *Patch) (bool, error) {
	if c.concerns == nil {
		return true, nil
	}
	for _, f := range p.Files {
		if f.New == "" {
			continue
		}
		if yes, err := c.concerns(ctx, j, p, f.New); err != nil || yes {
			return yes, err
		}
	}
	return false, nil
}

// suffixed, scripts and pages are for [Check.concerns]. Each selects files of one kind.
func suffixed(suffix string) func(context.Context, *job, *Patch, string) (bool, error) {
	return func(_ context.Context, _ *job, _ *Patch, name string) (bool, error) {
		return strings.HasSuffix(name, suffix), nil
	}
}

func scripts(language string) func(context.Context, *job, *Patch, string) (bool, error) {
	return func(ctx context.Context, j *job, p *Patch, name string) (bool, error) {
		is, err := j.language(ctx, p.After, name)
		return is == language, err
	}
}

func pages(_ context.Context, _ *job, _ *Patch, name string) (bool, error) { return isPage(name), nil }

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

// output runs a program in the directory dir. A nonzero exit status is not an error; it is
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
