// SPDX-License-Identifier: GPL-2.0-only OR MIT

package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// Options describe a run. Root, Exec and KTAP are required.
type Options struct {
	// Root is the directory of the workbench, whose go.mod names the versions.
	Root string
	// Exec is the command that runs a program in the guest: the value of go test
	// -exec. It must not print anything itself.
	Exec []string
	// Only selects packages by their import paths; empty means all.
	Only []string
	// Logs is the directory for the output of go test, a file for each package.
	Logs string
	// KTAP receives the results: a group for each package.
	KTAP io.Writer
	// Progress receives events. May be nil.
	Progress progress.Func
}

// packageTimeout ends the tests of one package, under TCG and on a busy machine.
const packageTimeout = 40 * time.Minute

// Result is the outcome of a run.
type Result struct {
	// Passed, Failed and Skipped count tests; Failed has those on the list.
	Passed, Failed, Skipped int
	// Problems say why the run failed, one per line. A problem is a failure
	// that is not on the list, or an entry of the list that is no longer right.
	// Empty means passed.
	Problems []string
}

// Run runs the tests of all peers. The error is the workbench's.
func Run(ctx context.Context, opt Options) (*Result, error) {
	list, err := Load()
	if err != nil {
		return nil, err
	}
	type job struct {
		peer *Peer
		pkg  string
	}
	var jobs []job
	for i := range list.Peers {
		p := &list.Peers[i]
		for _, pkg := range p.Packages {
			if len(opt.Only) == 0 || slices.Contains(opt.Only, path.Join(p.Module, pkg)) {
				jobs = append(jobs, job{p, pkg})
			}
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("run the tests of peers: no package %s", strings.Join(opt.Only, " "))
	}
	w := ktap.NewWriter(opt.KTAP)
	w.Plan(len(jobs))
	var all Result
	passed := map[string]int{}
	dirs := map[string]string{}
	defer func() {
		for _, dir := range dirs {
			_ = os.RemoveAll(dir)
		}
	}()
	for _, j := range jobs {
		if dirs[j.peer.Module] == "" {
			dir, err := copyModule(ctx, opt.Root, j.peer.Module)
			if err != nil {
				return nil, err
			}
			dirs[j.peer.Module] = dir
			for name, target := range j.peer.Links {
				if err := link(dir, name, target); err != nil {
					return nil, fmt.Errorf("copy %s: %w", j.peer.Module, err)
				}
			}
		}
		r, err := opt.test(ctx, j.peer, j.pkg, dirs[j.peer.Module], list.skip(j.peer.Module, j.pkg))
		if err != nil {
			return nil, err
		}
		one := judge(r, list.reasons(j.peer.Module, j.pkg), list.leftOut(j.peer.Module, j.pkg))
		one.write(w, path.Join(j.peer.Module, j.pkg))
		passed[j.peer.Module] += one.passed
		all.Passed += one.passed
		all.Failed += one.failed
		all.Skipped += one.skipped
		for _, p := range one.problems {
			all.Problems = append(all.Problems, path.Join(j.peer.Module, j.pkg)+": "+p)
		}
	}
	if err := w.Err(); err != nil {
		return nil, err
	}
	for _, p := range list.Peers {
		if n := passed[p.Module]; len(opt.Only) == 0 && n < p.Passes {
			all.Problems = append(all.Problems, fmt.Sprintf("%s: only %d tests passed, the list wants %d", p.Module, n, p.Passes))
		}
	}
	return &all, nil
}

// copyModule copies a module of the workbench's go.mod to a new directory. The
// module cache is read-only, and the go command writes to the module's
// directory. The caller removes the new directory.
func copyModule(ctx context.Context, root, module string) (string, error) {
	cmd := &proc.Cmd{Args: []string{"go", "mod", "download", "-json", module}, Dir: root, Env: goEnv()}
	out, err := cmd.Output(ctx)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", module, err)
	}
	var m struct{ Dir, Version string }
	if err := json.Unmarshal(out, &m); err != nil || m.Dir == "" {
		return "", fmt.Errorf("download %s: unexpected output of go mod download: %q", module, out)
	}
	dir, err := os.MkdirTemp("", "xpsgen-peer-")
	if err != nil {
		return "", fmt.Errorf("copy %s: %w", module, err)
	}
	err = filepath.WalkDir(m.Dir, func(from string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(m.Dir, from)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		return "", errors.Join(fmt.Errorf("copy %s: %w", module, err), os.RemoveAll(dir))
	}
	return dir, nil
}

// link creates the symbolic link dir/name. Its target must exist.
func link(dir, name, target string) error {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), target)); err != nil {
		return fmt.Errorf("link %s: %w (another version of the module?)", name, err)
	}
	return os.Symlink(target, path)
}

// goEnv returns the environment of the go command in another module: the environment
// of this process without GOFLAGS and GOWORK.
func goEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return name == "GOFLAGS" || name == "GOWORK"
	})
	return append(env, "GOWORK=off", "CGO_ENABLED=0")
}

// test runs the tests of one package in one guest.
func (opt *Options) test(ctx context.Context, p *Peer, pkg, dir, skip string) (r *results, err error) {
	defer opt.Progress.Step("test "+path.Join(p.Module, pkg), "")(&err)
	ctx, cancel := context.WithTimeoutCause(ctx, packageTimeout+5*time.Minute,
		fmt.Errorf("%s did not end within %s", path.Join(p.Module, pkg), packageTimeout))
	defer cancel()
	run := opt.Exec
	if p.Before != "" {
		run = append(slices.Clip(run), "/bin/sh", "-c", p.Before+` && exec "$0" "$@"`)
	}
	args := append([]string{"go", "test", "-json", "-count", "1", "-timeout", packageTimeout.String(), "-exec", quote(run)}, p.Flags...)
	if skip != "" {
		args = append(args, "-skip", skip)
	}
	var out bytes.Buffer
	cmd := &proc.Cmd{Args: append(args, pkg), Dir: dir, Env: goEnv(), Stdout: &out, Stderr: &out}
	failed := cmd.Run(ctx)
	name := strings.NewReplacer("/", "_", ".", "_").Replace(path.Join(p.Module, pkg)) + ".json"
	if err := os.WriteFile(filepath.Join(opt.Logs, name), out.Bytes(), 0o644); err != nil {
		return nil, fmt.Errorf("keep the output of go test: %w", err)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r, err = readResults(&out)
	if err != nil {
		return nil, err
	}
	if len(r.tests) == 0 {
		return nil, fmt.Errorf("test %s: no test ran: %w\n%s", path.Join(p.Module, pkg), failed, strings.Join(tail(r.output, maxOutput), "\n"))
	}
	return r, nil
}

// quote writes a command the way go test -exec splits it.
func quote(args []string) string {
	var parts []string
	for _, a := range args {
		if strings.ContainsAny(a, " \t\n\"'") || a == "" {
			q := `"`
			if strings.Contains(a, `"`) {
				q = "'"
			}
			a = q + a + q
		}
		parts = append(parts, a)
	}
	return strings.Join(parts, " ")
}

func tail(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }
