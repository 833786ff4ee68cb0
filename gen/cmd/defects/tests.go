// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// source is a package of the project.
type source struct {
	ImportPath, Dir      string
	GoFiles              []string
	Imports, TestImports []string
	XTestImports         []string

	// name is the directory below the module's.
	name  string
	sites []*defect
}

func (p *source) files() (files []string) {
	for _, f := range p.GoFiles {
		files = append(files, filepath.Join(p.Dir, f))
	}
	return files
}

// imports reports whether p or its tests import path.
func (p *source) imports(path string) bool {
	return slices.Contains(p.Imports, path) || slices.Contains(p.TestImports, path) || slices.Contains(p.XTestImports, path)
}

// load lists the packages of the module in dir. Defects come from only, or from all.
func load(ctx context.Context, dir, only string) ([]*source, error) {
	module, err := output(ctx, dir, "go", "list", "-m")
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSpace(module) + "/"
	text, err := output(ctx, dir, "go", "list", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", prefix+"...")
	if err != nil {
		return nil, err
	}
	var all []*source
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		p := &source{}
		err := d.Decode(p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		p.name = strings.TrimPrefix(p.ImportPath, prefix)
		if strings.Contains(p.name, "testdata") {
			continue
		}
		// The suite consists of tests, which run in the guest. A package that imports
		// testing is test code, as a file _test.go is.
		if p.name == "vmtest/guest/suite" || slices.Contains(p.Imports, "testing") || only != "" && p.name != only {
			p.sites = []*defect{}
		}
		all = append(all, p)
	}
	if only != "" && !slices.ContainsFunc(all, func(p *source) bool { return p.name == only }) {
		return nil, fmt.Errorf("no package %q", only)
	}
	return all, nil
}

// output runs a command in dir and returns its output.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, &stderr)
	}
	return string(out), nil
}

// errNotCompiled is returned for a defect that the compiler refuses.
var errNotCompiled = errors.New("does not compile")

// tester runs tests on defects.
type tester struct {
	// dir is a copy of the module. The defect is in a file there, so that programs
	// that a test builds have it as well.
	dir      string
	packages []*source
	timeout  time.Duration
	// own leaves out the tests of importers.
	own bool
	// guest adds the tests that a guest runs.
	guest bool
	// sound are the commands that pass without a defect.
	sound map[string]bool
}

// test returns the test that notices the defect: a package and its test, or a command in the
// guest. It returns "" if nothing does.
func (t *tester) test(ctx context.Context, d *defect) (by string, err error) {
	sound, err := os.ReadFile(d.file)
	if err != nil {
		return "", err
	}
	broken := d.apply(sound)
	defer func() { err = errors.Join(err, os.WriteFile(d.file, sound, 0o644)) }()
	if err := os.WriteFile(d.file, broken, 0o644); err != nil {
		return "", err
	}
	if _, err := output(ctx, t.dir, "go", "build", "-o", os.DevNull, d.pkg.ImportPath); err != nil {
		return "", errors.Join(errNotCompiled, ctx.Err())
	}
	for _, p := range t.judges(d.pkg) {
		out, failed, err := t.run(ctx, "go", "test", "-count=1", "-failfast", "-timeout", t.timeout.String(), p.ImportPath)
		if err != nil || failed {
			return firstFailure(p.name, out), errors.Join(err, t.check(ctx, d, sound, "go", "test", "-timeout", t.timeout.String(), p.ImportPath))
		}
	}
	if args := t.inGuest(d.pkg); args != nil {
		if _, failed, err := t.run(ctx, args...); err != nil || failed {
			return "in the guest: " + strings.Join(args, " "), errors.Join(err, t.check(ctx, d, sound, args...))
		}
	}
	return "", nil
}

// run reports whether a command fails, and returns its output.
func (t *tester) run(ctx context.Context, args ...string) (out string, failed bool, err error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = t.dir
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
		return string(text), true, nil
	}
	return string(text), false, err
}

// check returns an error if the command fails without the defect as well.
func (t *tester) check(ctx context.Context, d *defect, sound []byte, args ...string) error {
	line := strings.Join(args, " ")
	if t.sound[line] {
		return nil
	}
	if err := os.WriteFile(d.file, sound, 0o644); err != nil {
		return err
	}
	out, failed, err := t.run(ctx, args...)
	if failed {
		err = fmt.Errorf("%s fails without a defect:\n%s", line, out)
	}
	t.sound[line] = err == nil
	return err
}

// judges returns the packages whose tests run on a defect in p: p, then the
// packages that import it, directly or indirectly, the nearest first.
func (t *tester) judges(p *source) []*source {
	judges := []*source{p}
	for i := 0; i < len(judges) && !t.own; i++ {
		for _, q := range t.packages {
			if !slices.Contains(judges, q) && q.imports(judges[i].ImportPath) {
				judges = append(judges, q)
			}
		}
	}
	return judges
}

// inGuest returns the command that tests p in a guest, or nil.
func (t *tester) inGuest(p *source) []string {
	switch below := func(dir string) bool { return p.name == dir || strings.HasPrefix(p.name, dir+"/") }; {
	case !t.guest:
		return nil
	case below("bpf"): // make guest
		xpsgen := strings.TrimSuffix(p.ImportPath, p.name) + "gen/cmd/xpsgen"
		return []string{"go", "test", "-count=1", "-failfast", "-timeout", t.timeout.String(),
			"-exec", "go run " + xpsgen + " vm run --env XPS_TEST_REQUIRE=xps --", p.ImportPath}
	case below("vmtest/guest/bench"): // make bench-check
		return []string{"go", "run", "./gen/cmd/xpsgen", "bench", "--check"}
	case below("vmtest/guest/objects"): // make objects
		return []string{"env", "XPS_TEST_REQUIRE=objects", "go", "test", "-count=1", "-timeout", t.timeout.String(), "./vmtest/ipobjects"}
	case below("vmtest/guest"): // make vmtest
		return []string{"go", "run", "./gen/cmd/xpsgen", "vmtest"}
	}
	return nil
}

// firstFailure returns the package and the first test that failed in out.
func firstFailure(pkg, out string) string {
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			return pkg + " " + strings.Fields(name)[0]
		}
	}
	return pkg
}
