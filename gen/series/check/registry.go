// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/tree/manifest"
)

// Check is one check.
type Check struct {
	// Name identifies the check. It is the name in netdev's runner, if that has the
	// same check.
	Name string
	// About describes the check in one line.
	About string
	// Group is the name in netdev's runner for several of these checks; may be empty.
	Group string

	// thread or patch runs the check; one of them is set. Checks without text also
	// use the commits, and do not run if the series does not apply.
	thread func(ctx context.Context, j *job) (Result, error)
	patch  func(ctx context.Context, j *job, p *Patch) (Result, error)
	text   bool
	// build names the build rules of the projects that it is for; empty means all.
	build manifest.Build
	// rule is the rule of the targets that it is for; empty means all.
	rule string
	// tools lists the programs that it runs.
	tools []string
	// concerns reports whether a file is one that the check is for; nil means that all
	// are. Without such a file the check needs no program.
	concerns func(ctx context.Context, j *job, p *Patch, name string) (bool, error)
	// optional says that distributions lack a package of its program. Where it is missing
	// the row is Blocked, and the run counts as complete.
	optional bool
	// scripted says that it runs a script of the kernel tree.
	scripted bool
	// reads says that the check covers one patch and only reads the working tree at
	// its last commit. Such checks run for several patches in parallel.
	reads bool
	// builds says that the check compiles. Its result depends on more than the patch,
	// see [job.memoKey].
	builds bool
	// version changes when the rules of the check change.
	version int
}

const kbuild = manifest.BuildKbuild

// All returns the checks in the order in which they run, the cheapest first.
func All() []Check {
	return []Check{
		{Name: "cover", Group: "series_format", About: "a cover letter for more than two patches", thread: checkCover, text: true},
		{Name: "patch_count", Group: "series_format", About: "no more patches than the tree takes", thread: checkCount, text: true},
		{Name: "tree_tag", Group: "series_format", About: "the subject names the tree", thread: checkTreeTag, text: true},
		{Name: "prefix", Group: "series_format", About: "all subjects name the right tree", thread: checkPrefix, text: true},
		{Name: "whitespace", About: "no damaged patch, no trailing spaces", patch: checkWhitespace, text: true},
		{Name: "apply", About: "every patch applies, in order", thread: checkApply, text: true},
		{Name: "base_commit", About: "the patches are based on this base", thread: checkBase},
		{Name: "fixes_present", About: "a series for a fixes tree has a Fixes: line", thread: checkFixesPresent},
		{Name: "maintainers", About: "new files have an entry in MAINTAINERS", thread: checkMaintainers, build: kbuild, tools: []string{"perl"}, version: 1},
		{Name: "uapi_spec", About: "a new rtnetlink attribute is in its YNL spec", thread: checkUAPISpec, build: kbuild},
		{Name: "ynl", About: "specs are valid, generated code is up to date", thread: checkYNL, build: kbuild, tools: []string{"python3"}},
		{Name: "verify_signedoff", About: "signed off by its author, or the author is the placeholder", patch: checkSignedOff, version: 1},
		{Name: "verify_fixes", About: "Fixes: names a commit in the required form", patch: checkFixes},
		{Name: "checkpatch", About: "checkpatch --strict --codespell, with the tree's line length", patch: checkPatchScript, tools: []string{"perl", "codespell"}, version: 3, reads: true, scripted: true},
		{Name: "cc_maintainers", About: "get_maintainer names recipients", patch: checkCc, tools: []string{"perl"}, reads: true, scripted: true},
		{Name: "header_inline", About: "functions in headers are static inline", patch: checkHeaderInline},
		{Name: "source_inline", About: "no inline in C files", patch: checkSourceInline},
		{Name: "deprecated_api", About: "no interface that netdev no longer accepts", patch: checkDeprecated, build: kbuild, rule: manifest.RuleNetdev},
		{Name: "reverse_xmas_tree", About: "locals from the longest line to the shortest", patch: checkLocals, version: 3, rule: manifest.RuleNetdev},
		{Name: "kdoc", About: "no new kernel-doc warning", patch: checkKdoc, build: kbuild, tools: []string{"python3"}, version: 2, reads: true},
		{Name: "check_selftest", About: "selftests in Makefile, .gitignore and a sorted config", patch: checkSelftest, build: kbuild},
		{Name: "shellcheck", About: "no new shellcheck finding", patch: checkShell, tools: []string{"shellcheck"}, concerns: scripts("sh"), version: 2},
		{Name: "commands", About: "shell scripts parse, and their commands exist", patch: checkCommands},
		{Name: "pylint", About: "no new pylint finding", patch: checkPylint, tools: []string{"pylint"}, concerns: scripts("python")},
		{Name: "ruff", About: "no new ruff finding", patch: checkRuff, tools: []string{"ruff"}, concerns: scripts("python"), optional: true},
		{Name: "yamllint", About: "no new yamllint finding", patch: checkYAML, tools: []string{"yamllint"}, concerns: suffixed(".yaml")},
		{Name: "gitignore", About: "each new .gitignore pattern names a build product", patch: checkIgnored},
		{Name: "pages", About: "no new error of docutils or groff in documentation", patch: checkPages, tools: []string{"python3", "groff"}, concerns: pages},
		{Name: "build_gcc", About: "gcc W=1: builds, no new warning", patch: checkBuild("gcc"), tools: []string{"gcc", "make"}, builds: true, version: 2},
		{Name: "sparse", About: "sparse C=1: no new warning", patch: checkSparse, build: kbuild, tools: []string{"gcc", "make", "sparse"}, builds: true, version: 2},
		{Name: "build_clang", About: "clang W=1: builds, no new warning", patch: checkBuild("clang"), tools: []string{"clang", "make"}, builds: true, version: 2},
		{Name: "build_tools", About: "libbpf, bpftool and selftests build, no new warning", patch: checkTools, build: kbuild, tools: []string{"gcc", "make"}, builds: true, version: 2},
		{Name: "build_32bit", About: "ARCH=i386 W=1: builds, no new warning", patch: checkBuild("32bit"), build: kbuild, tools: []string{"gcc", "make"}, builds: true, version: 2},
		{Name: "files", About: "every file is compiled or checked by something", patch: checkFiles, tools: []string{"gcc", "make"}, builds: true},
	}
}

// Names returns the names of all checks and groups.
func Names() (names []string) {
	for _, c := range All() {
		if c.Group != "" && !slices.Contains(names, c.Group) {
			names = append(names, c.Group)
		}
		names = append(names, c.Name)
	}
	return names
}

// Select returns the checks whose name or group is in names, in the order of [All]. It
// returns all if names is empty.
func Select(names []string) ([]Check, error) {
	all := All()
	if len(names) == 0 {
		return all, nil
	}
	var some []Check
	for _, n := range names {
		if !slices.ContainsFunc(all, func(c Check) bool { return c.Name == n || c.Group == n }) {
			return nil, fmt.Errorf("no check %q (known: %s)", n, strings.Join(Names(), ", "))
		}
	}
	for _, c := range all {
		if slices.Contains(names, c.Name) || c.Group != "" && slices.Contains(names, c.Group) {
			some = append(some, c)
		}
	}
	return some, nil
}

// Applies reports whether the project and the target of a thread have the rule of the check.
func (c *Check) Applies(t *Thread) bool {
	switch {
	case c.build != "" && c.build != t.Build, c.builds && c.Name != "files" && t.Build == manifest.BuildNone, c.scripted && t.NoScripts:
		return false
	}
	return c.rule == "" || slices.Contains(t.Target.Rules, c.rule)
}

// Fast reports whether the check does not compile.
func (c *Check) Fast() bool { return !c.builds }
