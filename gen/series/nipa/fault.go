// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"context"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/tree/manifest"
)

// Fault is a defect that is put into a patch of a series.
type Fault struct {
	// Name describes the defect. File is the file that has it.
	Name, File string
	// Check is our check that must fail or warn. Test is the test of NIPA for the
	// same defect; empty if it has none.
	Check, Test string
	// Alteration injects the fault.
	Alteration check.Alteration
	// Coverless says that the thread is sent without its cover letter.
	Coverless bool
}

// Nonsense is the line that no file of a series may have.
const Nonsense = "THIS IS NOT C"

// Faults chooses the faults for a thread: Nonsense in a file of each directory that the
// thread touches. A kernel thread also gets defects that tests of NIPA find.
func Faults(ctx context.Context, t *check.Thread, r *rand.Rand) (all []Fault, err error) {
	type place struct {
		patch int
		file  string
	}
	dirs := map[string][]place{}
	var order []string
	for _, p := range t.Patches {
		for _, f := range p.Files {
			if f.New == "" {
				continue
			}
			dir := path.Dir(f.New)
			if dirs[dir] == nil {
				order = append(order, dir)
			}
			dirs[dir] = append(dirs[dir], place{p.N, f.New})
		}
	}
	for _, dir := range order {
		at := dirs[dir][r.IntN(len(dirs[dir]))]
		text, _, err := t.Show(ctx, at.patch, at.file)
		if err != nil {
			return nil, err
		}
		f := Fault{Name: "nonsense", File: at.file, Check: checkOf(at.file), Test: testOf(at.file),
			Alteration: check.Alteration{Patch: at.patch, Files: map[string]string{at.file: withNonsense(at.file, text, r)}}}
		all = append(all, f)
	}
	if t.Build != manifest.BuildKbuild {
		return all, nil
	}
	more, err := styleFaults(ctx, t, r)
	more = slices.DeleteFunc(more, func(f Fault) bool { return !applies([]string{f.Check}, t) })
	return append(all, more...), err
}

// checkOf names the check that reads a file.
func checkOf(file string) string {
	base := path.Base(file)
	switch {
	case strings.HasSuffix(file, ".rst"), strings.HasPrefix(file, "man/"):
		return "pages"
	case base == "MAINTAINERS":
		return "maintainers"
	case base == ".gitignore":
		return "gitignore"
	case strings.HasSuffix(file, ".yaml"):
		return "ynl"
	case hasSuffix(file, ".sh", ".t"):
		return "commands"
	case strings.HasSuffix(file, ".py"):
		return "pylint"
	case strings.HasPrefix(file, "tools/"):
		return "build_tools"
	}
	return "build_gcc"
}

// testOf names the test of NIPA that reads a file; empty if none does.
func testOf(file string) string {
	for _, t := range check.NIPA() {
		if slices.Contains(t.Checks, checkOf(file)) && t.Name != "series/maintainers" {
			return t.Name
		}
	}
	return ""
}

func hasSuffix(name string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}

// withNonsense puts Nonsense into a file, where it is wrong in the file's language. Prose
// can say anything, so a page gets it as bad markup.
func withNonsense(file, text string, r *rand.Rand) string {
	switch {
	case strings.HasSuffix(file, ".rst"):
		return strings.TrimRight(text, "\n") + "\n\n" + Nonsense + "\n=====\n"
	case strings.HasPrefix(file, "man/"):
		return strings.TrimRight(text, "\n") + "\n." + Nonsense + "\n"
	}
	lines := strings.SplitAfter(text, "\n")
	var places []int
	if hasSuffix(file, ".c", ".h") {
		depth := 0
		for i, l := range lines {
			word := strings.ReplaceAll(strings.TrimSpace(l), "# ", "#")
			switch {
			case strings.HasPrefix(word, "#if"):
				depth++
			case strings.HasPrefix(word, "#endif"):
				depth--
			case strings.HasPrefix(word, "#include ") && (depth == 0 || depth == 1 && strings.HasSuffix(file, ".h")):
				places = append(places, i+1)
			}
		}
	}
	at := min(1, len(lines))
	if len(places) > 0 {
		at = places[r.IntN(len(places))]
	} else if hasSuffix(file, ".c", ".h") {
		return text + Nonsense + "\n"
	}
	return strings.Join(slices.Insert(lines, at, Nonsense+"\n"), "")
}

// style is a defect that a test of NIPA finds. text is added to the end of a file that the
// thread touches, whose name has one of the prefixes and the suffix.
type style struct {
	name, check, test string
	prefixes          []string
	suffix            string
	text              string
	// file is a new file with the text instead.
	file string
}

var styles = []style{
	{name: "brace on the wrong line", check: "checkpatch", test: "patch/checkpatch", prefixes: []string{"net/", "drivers/"}, suffix: ".c",
		text: "\nstatic int xps_fault(int a){return a;}\n"},
	{name: "inline in a C file", check: "source_inline", test: "patch/source_inline", prefixes: []string{"net/", "drivers/", "kernel/"}, suffix: ".c",
		text: "\nstatic inline int xps_fault(int a)\n{\n\treturn a;\n}\n"},
	{name: "function in a header", check: "header_inline", test: "patch/header_inline", prefixes: []string{"include/linux/", "net/"}, suffix: ".h",
		text: "\nstatic int xps_fault(int a)\n{\n\treturn a;\n}\n"},
	{name: "dev_hold", check: "deprecated_api", test: "patch/deprecated_api", prefixes: []string{"net/", "drivers/"}, suffix: ".c",
		text: "\nvoid xps_fault(struct net_device *dev)\n{\n\tdev_hold(dev);\n}\n"},
	{name: "parameter without kernel-doc", check: "kdoc", test: "patch/kdoc", prefixes: []string{"net/", "drivers/", "kernel/"}, suffix: ".c",
		text: "\n/**\n * xps_fault - add\n * @a: a number\n *\n * Return: the sum.\n */\nint xps_fault(int a, int b)\n{\n\treturn a + b;\n}\n"},
	{name: "duplicate key in a spec", check: "yamllint", test: "patch/yamllint", prefixes: []string{"Documentation/netlink/specs/"}, suffix: ".yaml",
		text: "\nname: twice\n"},
	{name: "selftest that no Makefile has", check: "check_selftest", test: "patch/check_selftest", file: "tools/testing/selftests/net/xps_fault.sh",
		text: "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\nexit 0\n"},
	{name: "unquoted variable", check: "shellcheck", test: "patch/shellcheck", file: "tools/testing/selftests/net/xps_fault.sh",
		text: "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\nrm -r $1\n"},
	{name: "syntax error in Python", check: "pylint", test: "patch/pylint", file: "tools/testing/selftests/net/xps_fault.py",
		text: "#!/usr/bin/env python3\n# SPDX-License-Identifier: GPL-2.0\n" + Nonsense + "\n"},
	{name: "unused import in Python", check: "ruff", test: "patch/ruff", file: "tools/testing/selftests/net/xps_fault.py",
		text: "#!/usr/bin/env python3\n# SPDX-License-Identifier: GPL-2.0\nimport os\n"},
	{name: "new driver without maintainer", check: "maintainers", test: "series/maintainers", file: "drivers/net/xps_fault.c",
		text: "// SPDX-License-Identifier: GPL-2.0\n"},
}

func styleFaults(ctx context.Context, t *check.Thread, r *rand.Rand) (all []Fault, err error) {
	for _, s := range styles {
		f := Fault{Name: s.name, Check: s.check, Test: s.test, File: s.file}
		if s.file != "" {
			f.Alteration = check.Alteration{Patch: 1 + r.IntN(len(t.Patches)), Files: map[string]string{s.file: s.text}}
			all = append(all, f)
			continue
		}
		var fits []Fault
		for _, p := range t.Patches {
			for _, file := range p.Files {
				if !strings.HasSuffix(file.New, s.suffix) || !slices.ContainsFunc(s.prefixes, func(p string) bool { return strings.HasPrefix(file.New, p) }) {
					continue
				}
				text, _, err := t.Show(ctx, p.N, file.New)
				if err != nil {
					return nil, err
				}
				g := f
				g.File, g.Alteration = file.New, check.Alteration{Patch: p.N, Files: map[string]string{file.New: text + s.text}}
				fits = append(fits, g)
			}
		}
		if len(fits) > 0 {
			all = append(all, fits[r.IntN(len(fits))])
		}
	}
	n := 1 + r.IntN(len(t.Patches))
	all = append(all,
		Fault{Name: "short hash in Fixes:", Check: "verify_fixes", Test: "patch/verify_fixes", File: "message",
			Alteration: check.Alteration{Patch: n, Trailer: `Fixes: 1234567 ("too short")`}},
		Fault{Name: "not signed off by its author", Check: "verify_signedoff", Test: "patch/verify_signedoff", File: "message",
			Alteration: check.Alteration{Patch: n, Author: "Some Body <some.body@kernel.test>"}})
	if len(t.Patches) > 2 {
		all = append(all, Fault{Name: "no cover letter", Check: "cover", Test: "series/series_format", File: "cover", Coverless: true,
			Alteration: check.Alteration{Patch: len(t.Patches)}})
	}
	return all, nil
}
