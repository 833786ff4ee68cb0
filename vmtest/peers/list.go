// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package peers runs the tests of other Go libraries for BPF and netlink in the patched
// guest. A library that works on the base kernel must work on the patched one.
package peers

import (
	_ "embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

//go:embed peers.toml
var listText string

// MaxFailures is how many failing tests the list may have.
const MaxFailures = 10

// Peer is a library with tests to run.
type Peer struct {
	// Module is its path. The version is that of the workbench's go.mod.
	Module string `toml:"module"`
	// Packages are relative to it: "./link".
	Packages []string `toml:"packages"`
	// Flags are further flags of go test.
	Flags []string `toml:"flags"`
	// Links are symbolic links to make in the module's directory, target by path: the
	// module proxy leaves links out.
	Links map[string]string `toml:"links"`
	// Before is a shell command to run in the guest before the tests. May be empty.
	Before string `toml:"before"`
	// Passes is the least number of tests, subtests included, that have to pass.
	Passes int `toml:"passes"`
}

// Failure is a test that fails, for a reason that is not the series'.
type Failure struct {
	// Module, Package and Test name it. Package is as in Peer.
	Module  string `toml:"module"`
	Package string `toml:"package"`
	Test    string `toml:"test"`
	// Reason says why it fails.
	Reason string `toml:"reason"`
	// Panics says that the test ends the whole test program when it fails. It is left
	// out, so that the others run.
	Panics bool `toml:"panics"`
}

// List has the tests to run and the known failures.
type List struct {
	Peers    []Peer    `toml:"peer"`
	Failures []Failure `toml:"failure"`
}

// Load returns the list of the workbench.
func Load() (*List, error) { return parse(listText) }

func parse(text string) (*List, error) {
	var l List
	meta, err := toml.Decode(text, &l)
	if err != nil {
		return nil, fmt.Errorf("list of peers: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("list of peers: unknown key %s", unknown[0])
	}
	return &l, l.check()
}

// check finds mistakes that would weaken the list.
func (l *List) check() error {
	var errs []error
	if len(l.Failures) > MaxFailures {
		errs = append(errs, fmt.Errorf("list of peers: %d failing tests, at most %d are allowed", len(l.Failures), MaxFailures))
	}
	packages := map[string]bool{}
	for _, p := range l.Peers {
		if p.Module == "" || len(p.Packages) == 0 || p.Passes < 1 {
			errs = append(errs, fmt.Errorf("list of peers: %q needs a module, packages, and at least one test that passes", p.Module))
		}
		for _, name := range p.Packages {
			packages[p.Module+" "+name] = true
		}
	}
	seen := map[string]bool{}
	for _, f := range l.Failures {
		key := f.Module + " " + f.Package
		switch {
		case f.Test == "" || f.Reason == "":
			errs = append(errs, fmt.Errorf("list of peers: a failure of %s needs a test and a reason", key))
		case !packages[key]:
			errs = append(errs, fmt.Errorf("list of peers: %s: %s is not run", f.Test, key))
		case f.Panics && strings.Contains(f.Test, "/"):
			errs = append(errs, fmt.Errorf("list of peers: %s: only a complete test can be left out, not a subtest", f.Test))
		case seen[key+" "+f.Test]:
			errs = append(errs, fmt.Errorf("list of peers: %s: listed twice", f.Test))
		}
		seen[key+" "+f.Test] = true
	}
	return errors.Join(errs...)
}

// reasons returns the listed failures of a package that run, by the test's name.
func (l *List) reasons(module, pkg string) map[string]string {
	m := map[string]string{}
	for _, f := range l.Failures {
		if f.Module == module && f.Package == pkg && !f.Panics {
			m[f.Test] = f.Reason
		}
	}
	return m
}

// leftOut returns the listed failures of a package that do not run.
func (l *List) leftOut(module, pkg string) (all []Failure) {
	for _, f := range l.Failures {
		if f.Module == module && f.Package == pkg && f.Panics {
			all = append(all, f)
		}
	}
	return all
}

// skip returns the pattern of go test -skip for the tests of a package that panic; empty
// if there are none.
func (l *List) skip(module, pkg string) string {
	var names []string
	for _, f := range l.leftOut(module, pkg) {
		names = append(names, regexp.QuoteMeta(f.Test))
	}
	if names == nil {
		return ""
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// ImportPaths returns the import paths of all packages.
func (l *List) ImportPaths() []string {
	var all []string
	for _, p := range l.Peers {
		for _, pkg := range p.Packages {
			all = append(all, path.Join(p.Module, pkg))
		}
	}
	return all
}

// Has returns an error if one of packages, given by import path, is not in peers.toml.
func (l *List) Has(packages []string) error {
	for _, p := range packages {
		if !slices.Contains(l.ImportPaths(), p) {
			return fmt.Errorf("%s is not a package in peers.toml (use one of %s)", p, strings.Join(l.ImportPaths(), ", "))
		}
	}
	return nil
}
