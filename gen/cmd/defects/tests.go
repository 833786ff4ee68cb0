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

// load lists the packages, or those that only matches.
func load(ctx context.Context, only string) ([]*source, error) {
	module, err := output(ctx, "go", "list", "-m")
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSpace(module) + "/"
	text, err := output(ctx, "go", "list", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", prefix+"...")
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
		// The suite is made of tests. They run in the guest.
		if p.name == "vmtest/guest/suite" || only != "" && p.name != only {
			p.sites = []*defect{}
		}
		all = append(all, p)
	}
	if only != "" && !slices.ContainsFunc(all, func(p *source) bool { return p.name == only }) {
		return nil, fmt.Errorf("no package %q", only)
	}
	return all, nil
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
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
	packages []*source
	timeout  time.Duration
	// own leaves out the tests of importers.
	own bool
	// sound are the packages whose tests pass without a defect.
	sound map[*source]bool
}

// test returns the package whose tests notice the defect, or "" if none does.
func (t *tester) test(ctx context.Context, d *defect) (by string, err error) {
	dir, err := os.MkdirTemp("", "defects")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	text, err := d.apply()
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	table, err := json.Marshal(map[string]any{"Replace": map[string]string{d.file: changed}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(changed, text, 0o600), os.WriteFile(overlay, table, 0o600)); err != nil {
		return "", err
	}
	if err := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", os.DevNull, d.pkg.ImportPath).Run(); err != nil {
		return "", errors.Join(errNotCompiled, ctx.Err())
	}
	judges := []*source{d.pkg}
	for _, p := range t.packages {
		if !t.own && p != d.pkg && p.imports(d.pkg.ImportPath) {
			judges = append(judges, p)
		}
	}
	for _, p := range judges {
		cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-failfast", "-timeout", t.timeout.String(), "-overlay", overlay, p.ImportPath)
		out, err := cmd.CombinedOutput()
		if err != nil && !t.sound[p] {
			// The cache of the go command has the answer if the tests ran before.
			if out, err := exec.CommandContext(ctx, "go", "test", p.ImportPath).CombinedOutput(); err != nil {
				return "", fmt.Errorf("the tests of %s fail without a defect: %w\n%s", p.name, err, out)
			}
			t.sound[p] = true
		}
		switch exit := (*exec.ExitError)(nil); {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case errors.As(err, &exit):
			return firstFailure(p.name, string(out)), nil
		case err != nil:
			return "", err
		}
	}
	return "", nil
}

// firstFailure names the test that failed first.
func firstFailure(pkg, out string) string {
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			return pkg + " " + strings.Fields(name)[0]
		}
	}
	return pkg
}
