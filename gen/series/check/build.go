// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/tree/manifest"
)

// flavors maps each check to the kind of build that it needs.
var flavors = map[string]string{"build_gcc": "gcc", "sparse": "gcc", "build_clang": "clang", "build_32bit": "32bit", "files": "gcc"}

// state has the diagnostics of a whole tree.
type state struct {
	// Errors and Warnings are from the compiler. Those in Sparse are from sparse.
	Errors   findings `json:"errors"`
	Warnings findings `json:"warnings"`
	Sparse   findings `json:"sparse"`
	// Order has the errors in the order in which they were reported.
	Order []string `json:"order,omitempty"`
	// Objects is the number of compiled files. Checked is the number of files that
	// sparse checked. In GaveUp of them sparse stopped at something it does not
	// understand.
	Objects int `json:"objects"`
	Checked int `json:"checked"`
	GaveUp  int `json:"gave_up"`
	// Read are the files that the series touches and this build read.
	Read []string `json:"read,omitempty"`
	// Broken says why nothing could be compiled at all; empty if it could.
	Broken string `json:"broken,omitempty"`
}

// checkBuild compares the build before a patch with the build after it.
func checkBuild(flavor string) func(context.Context, *job, *Patch) (Result, error) {
	return func(_ context.Context, j *job, p *Patch) (Result, error) {
		before, after := j.states[stateKey(flavor, p.BeforeTree)], j.states[stateKey(flavor, p.AfterTree)]
		if before == nil || after == nil {
			return Result{}, fmt.Errorf("patch %d: not built", p.N)
		}
		if before.Broken != "" {
			return Result{Code: Blocked, Summary: "the tree before the patch does not build: " + before.Broken}, nil
		}
		return compareBuilds(before, after), nil
	}
}

// compareBuilds finds the diagnostics that are new in a build.
func compareBuilds(before, after *state) Result {
	if more := after.Errors.minus(before.Errors); len(more) > 0 {
		place := func(text string) int {
			if i := slices.Index(after.Order, text); i >= 0 {
				return i
			}
			return len(after.Order)
		}
		slices.SortStableFunc(more, func(a, b string) int { return place(a) - place(b) })
		return fail("does not build: %s", more[0]).with(append(more, after.Warnings.minus(before.Warnings)...)...)
	}
	if more := after.Warnings.minus(before.Warnings); len(more) > 0 {
		return fail("%d new warnings: %s", len(more), more[0]).with(more...)
	}
	return pass("%d objects, warnings was: %d now: %d", after.Objects, before.Warnings.total(), after.Warnings.total())
}

func checkSparse(_ context.Context, j *job, p *Patch) (Result, error) {
	before, after := j.states[stateKey("gcc", p.BeforeTree)], j.states[stateKey("gcc", p.AfterTree)]
	if before == nil || after == nil {
		return Result{}, fmt.Errorf("patch %d: not built", p.N)
	}
	if before.Broken != "" {
		return Result{Code: Blocked, Summary: "the tree before the patch does not build: " + before.Broken}, nil
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

// prepareBuilds builds every tree that the checks compare. It starts at the base, so that
// each build can reuse the one before. The flavors are built in parallel: configuring one
// uses only one CPU.
func (j *job) prepareBuilds(ctx context.Context, checks []Check) error {
	want, err := j.wantBuilds(ctx, checks)
	if len(want) == 0 || err != nil {
		return err
	}
	if err := j.lock(ctx, "check "); err != nil {
		return err
	}
	// Another run may have produced the results while this one waited.
	if want, err = j.wantBuilds(ctx, checks); err != nil {
		return err
	}
	for _, c := range j.commits() {
		if err := j.buildStates(ctx, want, c); err != nil {
			return err
		}
	}
	return nil
}

// wantBuilds returns the flavors that are needed for unknown results.
func (j *job) wantBuilds(ctx context.Context, checks []Check) (want []string, err error) {
	for i := range checks {
		c := &checks[i]
		if !c.builds || j.ApplyErr != nil || j.Build == manifest.BuildNone {
			continue
		}
		if lacks, err := j.lacks(ctx, c, nil); err != nil {
			return nil, err
		} else if lacks != "" {
			continue
		}
		missing := slices.ContainsFunc(j.Patches, func(p *Patch) bool {
			_, ok := j.memo.get(j.memoKey(c, p))
			return !ok && (j.opt.Patch == 0 || j.opt.Patch == p.N)
		})
		if f := flavors[c.Name]; missing && f != "" && j.Build != manifest.BuildNone && !slices.Contains(want, f) {
			want = append(want, f)
		}
	}
	return want, nil
}

// built is a commit to build, with the first n patches. same is the tree of an earlier commit that looks identical
// to a compiler; empty if there is none.
type built struct {
	n                  int
	commit, tree, same string
}

// commits returns the commits before and after the selected patches, in order.
func (j *job) commits() (list []built) {
	for _, p := range j.Patches {
		if j.opt.Patch != 0 && j.opt.Patch != p.N {
			continue
		}
		same := ""
		if !slices.ContainsFunc(p.Files, func(f *File) bool { return !unseen(j.Build, f.Old) || !unseen(j.Build, f.New) }) {
			same = p.BeforeTree
		}
		for _, c := range []built{{n: p.N - 1, commit: p.Before, tree: p.BeforeTree}, {p.N, p.After, p.AfterTree, same}} {
			if !slices.ContainsFunc(list, func(l built) bool { return l.commit == c.commit }) {
				list = append(list, c)
			}
		}
	}
	return list
}

// unseen reports whether no build reads the file. In Documentation, the build reads Kconfig
// files and Makefiles.
func unseen(build manifest.Build, name string) bool {
	base := path.Base(name)
	dirs := []string{"tools/testing/", "tools/bpf/bpftool/"}
	if !strings.HasPrefix(base, "Kconfig") && !strings.HasPrefix(base, "Makefile") {
		dirs = append(dirs, "Documentation/")
	}
	if build == manifest.BuildIPRoute2 {
		dirs = []string{"man/", "doc/", "testsuite/tests/", "testsuite/lib/", ".gitignore", "MAINTAINERS", "README"}
	}
	return name == "" || slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(name, d) })
}

// buildStates builds one commit in the flavors whose result is unknown.
func (j *job) buildStates(ctx context.Context, want []string, c built) (err error) {
	var missing []string
	for _, f := range want {
		s := &state{}
		if same := j.states[stateKey(f, c.same)]; c.same != "" && same != nil {
			s = same
		} else if data, err := os.ReadFile(j.stateFile(f, c.tree)); err != nil || json.Unmarshal(data, s) != nil {
			missing = append(missing, f)
			continue
		}
		j.states[stateKey(f, c.tree)] = s
	}
	if len(missing) == 0 {
		return nil
	}
	step := "build " + j.Name()
	text := "the base"
	if c.n > 0 {
		text = fmt.Sprintf("up to patch %d of %d", c.n, len(j.Patches))
	}
	defer j.opt.Progress.Step(step, text+" with "+strings.Join(missing, ", "))(&err)
	if err := j.repo.at(ctx, c.commit); err != nil {
		return err
	}
	config, err := j.configInput(ctx, c.commit)
	if err != nil {
		return err
	}
	states := make([]*state, len(missing))
	g, ctx := errgroup.WithContext(ctx)
	for i, f := range missing {
		g.Go(func() (err error) {
			b := &builder{src: j.repo.src, dir: filepath.Join(filepath.Dir(j.repo.src), f), flavor: f, config: config,
				jobs: j.opt.Jobs, targets: j.targets(), changed: j.changed(), touched: j.touched(), full: j.opt.Full, narrow: j.opt.Narrow}
			if j.Build == kbuild {
				states[i], err = b.kernel(ctx)
			} else {
				states[i], err = b.iproute2(ctx)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, f := range missing {
		if j.states[stateKey(f, c.tree)] = states[i]; states[i].Broken != "" {
			continue // another machine, or this one tomorrow, may build it
		}
		data, err := json.Marshal(states[i])
		if err != nil {
			return err
		}
		if err := cache.WriteFile(j.stateFile(f, c.tree), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Increment stateVersion when the results of all builds become invalid.
const stateVersion = 2

// stateFile is the file that keeps the result of a build of a tree.
func (j *job) stateFile(flavor, tree string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %s %s %v %v %q %q %q %q\n%s%s%s", stateVersion, j.Project, flavor, tree, j.opt.Full, j.opt.Narrow, j.targets(), j.changed(), j.touched(), kernelConfig,
		toolID("gcc"), toolID("clang"), toolID("sparse"))
	return filepath.Join(j.memo.dir, "build-"+hex.EncodeToString(h.Sum(nil)[:16])+".json")
}

// configInput returns a hash of the files that make allmodconfig reads.
func (j *job) configInput(ctx context.Context, commit string) (string, error) {
	if j.Build != kbuild {
		return "", nil
	}
	out, err := j.repo.git(ctx, "ls-tree", "-r", commit)
	if err != nil {
		return "", fmt.Errorf("list the files of %.12s: %w", commit, err)
	}
	h := sha256.New()
	io.WriteString(h, kernelConfig)
	for line := range strings.Lines(out) {
		_, name, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		base := path.Base(name)
		if strings.HasPrefix(base, "Kconfig") || strings.HasPrefix(name, "scripts/") ||
			base == "Makefile" && (strings.HasPrefix(name, "arch/") || name == base) {
			io.WriteString(h, line)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// targets returns the directories that the series touches, nil with full. gcc compiles all
// C files in them, not in subdirectories. The other compilers and sparse get only the files
// that the series changes: they cost as much and rarely find more. With narrow, so does
// gcc.
func (j *job) targets() (dirs []string) {
	if j.opt.Full {
		return nil
	}
	for _, p := range j.scopePatches() {
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

// touched returns the files that the series adds or changes.
func (j *job) touched() (files []string) {
	for _, p := range j.scopePatches() {
		for _, f := range p.Files {
			if f.New != "" && !slices.Contains(files, f.New) {
				files = append(files, f.New)
			}
		}
	}
	slices.Sort(files)
	return files
}

// changed returns the buildable C files that the series changes.
func (j *job) changed() (files []string) {
	for _, p := range j.scopePatches() {
		for _, f := range p.Files {
			if strings.HasSuffix(f.New, ".c") && !notBuilt(path.Dir(f.New)) && !slices.Contains(files, f.New) {
				files = append(files, f.New)
			}
		}
	}
	slices.Sort(files)
	return files
}

// notBuilt reports whether a directory contributes no object to the kernel or to iproute2.
func notBuilt(dir string) bool {
	for _, p := range []string{"tools", "samples", "scripts", "Documentation", "include", "testsuite", "man", "doc"} {
		if dir == p || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return false
}

// builder builds a tree in one flavor.
type builder struct {
	src, dir, flavor string
	// config identifies the inputs of the configuration.
	config           string
	jobs             int
	targets, changed []string
	// touched are the files whose readers are of interest, see [state.Read].
	touched      []string
	full, narrow bool
}
