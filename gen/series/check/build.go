// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
)

// flavors are the ways to build, by the checks that look at them.
var flavors = map[string]string{"build_gcc": "gcc", "sparse": "gcc", "build_clang": "clang", "build_32bit": "32bit"}

// state is what compiler and sparse say of a whole tree.
type state struct {
	// Errors and Warnings are the compiler's, Sparse are sparse's.
	Errors   findings `json:"errors"`
	Warnings findings `json:"warnings"`
	Sparse   findings `json:"sparse"`
	// Objects is how many files were compiled, Checked how many sparse looked
	// at, and GaveUp on how many of them it stopped at something that it does
	// not understand.
	Objects int `json:"objects"`
	Checked int `json:"checked"`
	GaveUp  int `json:"gave_up"`
}

// checkBuild compares a build before a patch with one after it.
func checkBuild(flavor string) func(context.Context, *job, *Patch) (Result, error) {
	return func(_ context.Context, j *job, p *Patch) (Result, error) {
		before, after := j.states[stateKey(flavor, p.BeforeTree)], j.states[stateKey(flavor, p.AfterTree)]
		if before == nil || after == nil {
			return Result{}, fmt.Errorf("patch %d: not built", p.N)
		}
		if more := after.Errors.minus(before.Errors); len(more) > 0 {
			return fail("does not build: %s", more[0]).with(append(more, after.Warnings.minus(before.Warnings)...)...), nil
		}
		if more := after.Warnings.minus(before.Warnings); len(more) > 0 {
			return fail("%d new warnings: %s", len(more), more[0]).with(more...), nil
		}
		return pass("%d objects, warnings was: %d now: %d", after.Objects, before.Warnings.total(), after.Warnings.total()), nil
	}
}

func checkSparse(_ context.Context, j *job, p *Patch) (Result, error) {
	before, after := j.states[stateKey("gcc", p.BeforeTree)], j.states[stateKey("gcc", p.AfterTree)]
	if before == nil || after == nil {
		return Result{}, fmt.Errorf("patch %d: not built", p.N)
	}
	if more := after.Sparse.minus(before.Sparse); len(more) > 0 {
		return fail("%d new: %s", len(more), more[0]).with(more...), nil
	}
	r := pass("%d files, was: %d now: %d", after.Checked, before.Sparse.total(), after.Sparse.total())
	if after.GaveUp > 0 {
		r.Summary += fmt.Sprintf(" (not understood by this sparse: %d)", after.GaveUp)
	}
	return r, nil
}

func stateKey(flavor, tree string) string { return flavor + " " + tree }

// prepareBuilds builds every tree that the checks will compare, from the base
// upwards, so that each build finds the one before.
func (j *job) prepareBuilds(ctx context.Context, checks []Check) error {
	var want []string
	for i := range checks {
		c := &checks[i]
		if !c.builds || j.ApplyErr != nil {
			continue
		}
		if err := j.needTools(c, nil); err != nil {
			return err
		}
		missing := slices.ContainsFunc(j.Patches, func(p *Patch) bool {
			_, ok := j.memo.get(j.memoKey(c, p))
			return !ok && (j.opt.Patch == 0 || j.opt.Patch == p.N)
		})
		if f := flavors[c.Name]; missing && !slices.Contains(want, f) {
			want = append(want, f)
		}
	}
	if len(want) == 0 {
		return nil
	}
	type commit struct{ commit, tree string }
	var commits []commit
	for _, p := range j.Patches {
		if j.opt.Patch != 0 && j.opt.Patch != p.N {
			continue
		}
		for _, c := range []commit{{p.Before, p.BeforeTree}, {p.After, p.AfterTree}} {
			if !slices.Contains(commits, c) {
				commits = append(commits, c)
			}
		}
	}
	for i, c := range commits {
		for _, f := range want {
			if err := j.buildState(ctx, f, c.commit, c.tree, i, len(commits)); err != nil {
				return err
			}
		}
	}
	return nil
}

// buildState builds one tree in one way, or looks up what that said.
func (j *job) buildState(ctx context.Context, flavor, commit, tree string, n, total int) (err error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %s %s %v %q %q %q\n%s%s%s", memoVersion, j.Project, flavor, tree, j.opt.Full, j.targets(), j.changed(), kernelConfig,
		toolID("gcc"), toolID("clang"), toolID("sparse"))
	file := filepath.Join(j.memo.dir, "build-"+hex.EncodeToString(h.Sum(nil)[:16])+".json")
	s := &state{}
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, s) == nil {
		j.states[stateKey(flavor, tree)] = s
		return nil
	}
	step := fmt.Sprintf("build %s %s with %s", j.Project, j.Base, flavor)
	text := "the base"
	if n > 0 {
		text = fmt.Sprintf("up to patch %d of %d", n, len(j.Patches))
	}
	defer j.opt.Progress.Step(step, text)(&err)
	if err := j.repo.at(ctx, commit); err != nil {
		return err
	}
	b := &builder{src: j.repo.src, dir: filepath.Join(filepath.Dir(j.repo.src), flavor), flavor: flavor,
		jobs: j.opt.Jobs, targets: j.targets(), changed: j.changed(), full: j.opt.Full, p: j.opt.Progress, step: step}
	if j.Project == linux {
		s, err = b.kernel(ctx)
	} else {
		s, err = b.iproute2(ctx)
	}
	if err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	j.states[stateKey(flavor, tree)] = s
	return cache.WriteFile(file, data, 0o644)
}

// targets are the directories that the series touches, and what is built
// unless everything is: with gcc all C files in them, not those below. The
// other compilers, which cost as much and find the same but for little, get
// the files that the series changes, and so does sparse.
func (j *job) targets() (dirs []string) {
	if j.opt.Full {
		return nil
	}
	for _, p := range j.Patches {
		for _, f := range p.Files {
			dir := path.Dir(f.Name())
			if hasSuffix(".c", ".h", "Makefile", "Kconfig")(f.Name()) && !notBuilt(dir) && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	slices.Sort(dirs)
	return dirs
}

// changed are the C files that the series changes and that can be built.
func (j *job) changed() (files []string) {
	for _, p := range j.Patches {
		for _, f := range p.Files {
			if strings.HasSuffix(f.New, ".c") && !notBuilt(path.Dir(f.New)) && !slices.Contains(files, f.New) {
				files = append(files, f.New)
			}
		}
	}
	slices.Sort(files)
	return files
}

// notBuilt reports whether no object of the kernel comes from a directory.
func notBuilt(dir string) bool {
	for _, p := range []string{"tools", "samples", "scripts", "Documentation", "include", "testsuite", "man"} {
		if dir == p || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return false
}

// builder builds a tree in one way.
type builder struct {
	src, dir, flavor string
	jobs             int
	targets, changed []string
	full             bool
	p                progress.Func
	step             string
}
