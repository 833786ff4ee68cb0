// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/tree/manifest"
)

// Inputs are SHA-256 hashes in hex, by the name of what was hashed. A name is
// the path of a patch in the workbench, or one of the parts of [Present].
type Inputs map[string]string

// part is an input of some kinds.
type part int

const (
	kernelPatches part = iota
	ipPatches
	seriesPatches
	configuration
	suite
	mutants
	schema
	lines
	model
	litmus
	benchmark
	checks
	fuzzing
)

// needs says which inputs a kind has. A kind that is missing here has the
// patches of kernel and ip, configuration, suite, mutants and benchmark.
var needs = map[Kind][]part{
	Suite:      {kernelPatches, ipPatches, configuration, suite},
	Bisect:     {kernelPatches, ipPatches, configuration, suite, schema, model},
	Mutants:    {kernelPatches, ipPatches, configuration, suite, mutants},
	Mutate:     {kernelPatches, ipPatches, configuration, suite, mutants, schema},
	Reach:      {kernelPatches, ipPatches, configuration, suite, lines},
	Prove:      {kernelPatches, schema, model},
	Litmus:     {kernelPatches, schema, litmus},
	Syz:        {kernelPatches, configuration, fuzzing},
	Bench:      {kernelPatches, configuration, benchmark},
	Check:      {seriesPatches, checks},
	Builds:     {kernelPatches, configuration},
	Boots:      {kernelPatches, configuration},
	BuildTimes: {kernelPatches, configuration},
}

// sources are the directories of a part that is Go code or patches, in the
// workbench. Tests and their data are left out.
var sources = map[part][]string{
	suite:     {"vmtest/guest", "vmtest/ktap", "vmtest/lazyregexp", "vmtest/plan", "bpf", "uapi"},
	mutants:   {"vmtest/mutants"},
	schema:    {"vmtest/mutate"},
	lines:     {"vmtest/reach", "vmtest/ipobjects"},
	model:     {"vmtest/prove"},
	litmus:    {"vmtest/litmus"},
	benchmark: {"vmtest/guest/bench", "vmtest/bench/kernel"},
	checks:    {"gen/series/check"},
	fuzzing:   {"vmtest/syz", "vmtest/guest/duplex", "uapi/syzlang"},
}

// names of the parts in [Inputs].
var names = map[part]string{
	suite: "suite", mutants: "mutants", schema: "mutate", lines: "reach", model: "prove", litmus: "litmus", benchmark: "benchmark", checks: "checks", fuzzing: "fuzzing", configuration: "configuration",
}

// ErrGone is wrapped by [Present] when the workbench no longer has such a base,
// series or configuration.
var ErrGone = errors.New("no longer in the workbench")

// Present returns the inputs that a run of that kind and subject would have now, by
// hashing files of the workbench at root. It runs no program and obtains no
// source; only for a subject with [Subject.Trees] it asks git about those.
// ip names the base of the guest's ip, empty for the preferred one.
func Present(ctx context.Context, root string, kind Kind, s Subject, ip string) (Inputs, error) {
	if kind == Bases {
		return presentBases(ctx, root, s)
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("hash the inputs: %w", err)
	}
	parts, known := needs[kind]
	if !known {
		parts = []part{kernelPatches, ipPatches, configuration, suite, mutants, benchmark}
	}
	if kind == Reach { // its subject is the default configuration
		s.Config = append(slices.Clip(s.Config), config.Counting)
	}
	in := Inputs{}
	for _, p := range parts {
		if err := in.add(root, p, s, ip); err != nil {
			return nil, fmt.Errorf("hash the inputs: %w", err)
		}
	}
	for _, t := range s.Trees {
		in["tree "+t] = hashTree(ctx, t)
	}
	return in, nil
}

// presentBases are the inputs of the suite on all bases.
func presentBases(ctx context.Context, root string, s Subject) (Inputs, error) {
	bases, err := prepare.Bases(root, prepare.AllBases)
	if err != nil {
		return nil, fmt.Errorf("hash the inputs: %w", err)
	}
	all := Inputs{}
	for _, s.Base = range bases {
		in, err := Present(ctx, root, Suite, s, "")
		if err != nil {
			return nil, err
		}
		maps.Copy(all, in)
	}
	return all, nil
}

// hashTree hashes the state of a git checkout: its commit, local changes, and untracked
// files that are not ignored. It returns "" if the directory is not the top of a
// checkout, since a change could not be detected cheaply.
func hashTree(ctx context.Context, tree string) string {
	_, dir, _ := strings.Cut(tree, " ")
	repo := git.Repo{Dir: dir}
	// NB: a tarball unpacked somewhere in a checkout is not the checkout.
	commit, err := repo.Output(ctx, "rev-parse", "--show-prefix", "HEAD")
	if err != nil || !strings.HasPrefix(commit, "\n") {
		return ""
	}
	diff, err := repo.Output(ctx, "diff", "--no-ext-diff", "--no-textconv", "HEAD")
	if err != nil {
		return ""
	}
	unknown, err := repo.Output(ctx, "ls-files", "--others", "--exclude-standard", "-z")
	if err != nil {
		return ""
	}
	state := commit + "\n" + diff
	for _, name := range strings.Split(unknown, "\x00") {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			state += "\n" + sum(data) + " " + name
		}
	}
	return sum([]byte(state))
}

// Workbench returns the commit that the workbench at root is checked out at,
// and whether its files differ from it. The commit is empty outside of git.
func Workbench(ctx context.Context, root string) (commit string, dirty bool) {
	repo := git.Repo{Dir: root}
	commit, err := repo.Output(ctx, "rev-parse", "HEAD")
	if err != nil {
		return "", false
	}
	changes, err := repo.Output(ctx, "status", "--porcelain")
	return commit, err != nil || changes != ""
}

// ipOrder begins the name of the input that is the order of the patches of the
// guest's ip. The base follows.
const ipOrder = "ip: order on "

// IPBase is the base of the patches of the guest's ip. Empty if there is none, or more
// than one.
func (in Inputs) IPBase() string {
	found := ""
	for name := range in {
		base, ok := strings.CutPrefix(name, ipOrder)
		if ok && found != "" {
			return ""
		}
		if ok {
			found = base
		}
	}
	return found
}

func (in Inputs) add(root string, p part, s Subject, ip string) error {
	switch p {
	case kernelPatches, ipPatches, seriesPatches:
		change, err := manifest.LoadChange(root)
		if err != nil {
			return err
		}
		switch p {
		case kernelPatches:
			return in.addKernel(root, change, s)
		case ipPatches:
			return in.addIP(root, change, s, ip)
		}
		return in.addSeries(root, change, s)
	case configuration:
		target, err := arch.Find(s.Arch)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrGone, err)
		}
		fragments, err := config.For(target, s.Config...)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrGone, err)
		}
		merged, err := config.Merge(fragments)
		if err != nil {
			return err
		}
		in[names[p]] = sum(config.Format(merged.Symbols))
		return nil
	}
	hash, err := hashDirs(root, sources[p])
	if err != nil {
		return err
	}
	in[names[p]] = hash
	return nil
}

// addKernel adds the inputs of the kernel.
func (in Inputs) addKernel(root string, change *manifest.Change, s Subject) error {
	p := change.Guest(manifest.GuestKernel)
	if p == nil {
		return fmt.Errorf("the kernel's series: %w", ErrGone)
	}
	patches, err := selected(change, p, s.Base, s)
	if err != nil {
		return err
	}
	if s.Unpatched {
		patches = nil
	}
	return in.addPatches(root, "kernel", p, s.Base, patches)
}

// addIP adds the inputs of the guest's ip, if a project has it.
func (in Inputs) addIP(root string, change *manifest.Change, s Subject, ip string) error {
	p := change.Guest(manifest.GuestIP)
	if p == nil {
		return nil
	}
	if ip == "" {
		bases := p.BasesFor(s.Base)
		if len(bases) == 0 {
			return fmt.Errorf("base of ip for kernel base %s: %w", s.Base, ErrGone)
		}
		ip = bases[0].Name
	}
	patches, err := selected(change, p, ip, s)
	if err != nil {
		return err
	}
	return in.addPatches(root, "ip", p, ip, patches)
}

// addSeries adds one series: its patches and those that it depends on, its
// cover, and its entry in the manifest.
func (in Inputs) addSeries(root string, change *manifest.Change, s Subject) error {
	p, series := change.Find(s.Series)
	if series == nil || series.On(s.Base) == nil {
		return fmt.Errorf("series %s on %s: %w", s.Series, s.Base, ErrGone)
	}
	cover := filepath.Join(p.Dir, series.Key, "cover.md")
	data, err := os.ReadFile(cover)
	switch {
	case err == nil:
		path, err := filepath.Rel(root, cover)
		if err != nil {
			return err
		}
		in[filepath.ToSlash(path)] = sum(data)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	facts := *series
	facts.Bases = nil
	if data, err = json.Marshal([]any{facts, p.Target(series.Target)}); err != nil {
		return err
	}
	in["series: facts"] = sum(data)
	patches := append(p.Foundation(s.Base, s.Series), series.On(s.Base).Patches...)
	return in.addPatches(root, "series", p, s.Base, patches)
}

// selected are the patches of p on a base that s chooses.
func selected(change *manifest.Change, p *manifest.Project, base string, s Subject) ([]manifest.Patch, error) {
	var sel manifest.Selection
	for _, l := range []struct {
		keys []string
		to   *[]string
	}{{s.Only, &sel.Only}, {s.With, &sel.With}, {s.Without, &sel.Without}} {
		for _, key := range l.keys {
			switch owner, series := change.Find(key); {
			case series == nil:
				return nil, fmt.Errorf("series %s: %w", key, ErrGone)
			case owner == p:
				*l.to = append(*l.to, key)
			}
		}
	}
	if !slices.ContainsFunc(p.Bases, func(b manifest.Base) bool { return b.Name == base }) {
		return nil, fmt.Errorf("base %s of %s: %w", base, p.Name, ErrGone)
	}
	patches, err := p.Patches(base, sel)
	if errors.Is(err, manifest.ErrSelection) {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	return patches, err
}

// addPatches adds patches, their order, and the origin of their base. what says
// which part of the guest they are for.
func (in Inputs) addPatches(root, what string, p *manifest.Project, base string, patches []manifest.Patch) error {
	var order []string
	for _, patch := range patches {
		data, err := os.ReadFile(patch.Path)
		if err != nil {
			return err
		}
		path, err := filepath.Rel(root, patch.Path)
		if err != nil {
			return err
		}
		in[filepath.ToSlash(path)] = sum(data)
		order = append(order, path)
	}
	in[what+": order on "+base] = sum([]byte(strings.Join(order, "\n")))
	b, err := p.Base(base)
	if err != nil {
		return err
	}
	origins, err := json.Marshal(b.Origins)
	if err != nil {
		return err
	}
	in[what+": source of "+base] = sum(origins)
	return nil
}

// hashDirs hashes the names and contents of all files below dirs, except tests
// and testdata. A directory that is missing is empty.
func hashDirs(root string, dirs []string) (string, error) {
	var all bytes.Buffer
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case e.IsDir() && e.Name() == "testdata":
				return fs.SkipDir
			case !e.Type().IsRegular() || strings.HasSuffix(e.Name(), "_test.go") || strings.HasPrefix(e.Name(), "."):
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&all, "%s %s\n", sum(data), filepath.ToSlash(rel))
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return sum(all.Bytes()), nil
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Compare says how in differs from was, a line for each name, in order.
func (in Inputs) Compare(was Inputs) []string {
	all := slices.Sorted(maps.Keys(in))
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, both := in[name]; !both {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	var lines []string
	for _, name := range all {
		is, now := in[name]
		old, then := was[name]
		switch {
		case !then:
			lines = append(lines, name+" is new")
		case !now:
			lines = append(lines, name+" is gone")
		case is == "" || old == "":
			lines = append(lines, name+" cannot be compared: it is not a git checkout")
		case is != old:
			lines = append(lines, name+" changed")
		}
	}
	return lines
}

// Lines are the inputs as sha256sum prints files, in order of their names.
func (in Inputs) Lines() []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		lines = append(lines, in[name]+"  "+name)
	}
	return lines
}
