// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/progress"
)

// A good series passes all checks. Each defect fails exactly the check that is for it.
func TestMutants(t *testing.T) {
	// The shared cache avoids repeated builds.
	cache := t.TempDir()
	for _, m := range []struct {
		name, want string
		// before changes the steps before the patches are created. after changes the patch
		// files.
		before func(f *fixture, steps *[]step)
		after  func(t *testing.T, f *fixture)
		// docutils says that the test needs this Python module.
		docutils bool
	}{
		{name: "good"},
		{name: "no sign-off", want: "verify_signedoff", before: func(f *fixture, _ *[]step) { f.signed = false }},
		{name: "wrong prefix", want: "prefix", before: func(f *fixture, _ *[]step) { f.prefix = "RFC bpf-next" }},
		{name: "wrong prefix of one patch", want: "prefix", after: func(t *testing.T, f *fixture) {
			f.edit(t, func(n int, s string) string {
				if n == 2 {
					s = strings.Replace(s, "[PATCH]", "[PATCH net]", 1)
				}
				return s
			})
		}},
		{name: "no tree tag", want: "tree_tag", before: func(f *fixture, _ *[]step) { f.prefix = "RFC" }},
		{name: "sixteen patches", want: "patch_count", before: func(_ *fixture, steps *[]step) {
			for i := len(*steps); i < 16; i++ {
				*steps = append(*steps, step{fmt.Sprintf("doc: page %d", i), map[string]string{fmt.Sprintf("Documentation/%d.rst", i): "text\n"}})
			}
		}},
		{name: "shuffled local variables", want: "reverse_xmas_tree", before: func(_ *fixture, steps *[]step) {
			for _, s := range *steps {
				if dev := s.files["net/core/dev.c"]; dev != "" {
					s.files["net/core/dev.c"] = strings.Replace(dev, goodLocals, "\tint b = 2;\n\tint long_name = 1;\n", 1)
				}
			}
		}},
		{name: "no cover", want: "cover", before: func(f *fixture, _ *[]step) { f.cover = "" }},
		{name: "UAPI without spec", want: "uapi_spec", before: func(_ *fixture, steps *[]step) {
			delete((*steps)[1].files, "Documentation/netlink/specs/rt-link.yaml")
			delete((*steps)[1].files, "net/core/gen.h")
		}},
		{name: "breaks the build in the middle", want: "build_gcc", before: func(_ *fixture, steps *[]step) {
			dev := (*steps)[0].files["net/core/dev.c"]
			(*steps)[1].files["net/core/dev.c"] = strings.Replace(dev, "return IFLA_XDP;", "return missing;", 1)
		}},
		{name: "cannot be prepared", want: "build_gcc", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["include/uapi/linux/if_link.h"] = (*steps)[1].files["include/uapi/linux/if_link.h"] + "/* UNPREPARED */\n"
		}},
		{name: "a new warning", want: "build_gcc", before: func(_ *fixture, steps *[]step) {
			dev := (*steps)[2].files["net/core/dev.c"]
			(*steps)[2].files["net/core/dev.c"] = strings.Replace(dev, "\tsum += a;", "\tint unused;\n\n\tsum += a;", 1)
		}},
		{name: "a new sparse warning", want: "sparse", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["net/core/dev.c"] += "/* ENDIAN */\n"
		}},
		{name: "whitespace damage by a mailer", want: "whitespace", after: func(t *testing.T, f *fixture) {
			f.edit(t, func(_ int, s string) string { return strings.ReplaceAll(s, "\t", "        ") })
		}},
		{name: "blanks at line ends", want: "whitespace", after: func(t *testing.T, f *fixture) {
			f.edit(t, func(_ int, s string) string { return strings.ReplaceAll(s, "+\tint b = 2;", "+\tint b = 2; ") })
		}},
		{name: "wrong base", want: "base_commit", after: func(t *testing.T, f *fixture) {
			// The patches still apply, but a file has changed.
			f.write(t, f.base, map[string]string{"net/core/dev.c": "/* A line more. */\n" + kernelTree["net/core/dev.c"]})
			f.git(t, "add", "-A")
			f.git(t, "-c", "user.name=b", "-c", "user.email=b@b.test", "commit", "-q", "-m", "later")
		}},
		{name: "does not apply", want: "apply", after: func(t *testing.T, f *fixture) {
			f.edit(t, func(_ int, s string) string {
				return strings.Replace(s, "-\treturn IFLA_XDP;", "-\treturn IFLA_XDQ;", 1)
			})
		}},
		{name: "bad style", want: "checkpatch", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["net/core/dev.c"] += "/* BADSTYLE */\n"
		}},
		{name: "nobody gets a copy", want: "cc_maintainers", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["net/core/dev.c"] += "/* ORPHAN */\n"
		}},
		{name: "kernel-doc", want: "kdoc", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["net/core/dev.c"] += "/* KDOC */\n"
		}},
		{name: "Doxygen in libbpf", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["tools/lib/bpf/libbpf.h"] = "/**\n * @brief **f()** does.\n */\n"
		}},
		{name: "kernel-doc beside Doxygen in libbpf", want: "kdoc", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["tools/lib/bpf/libbpf.h"] = "/**\n * @brief **f()** does.\n */\n/* KDOC */\n"
		}},
		{name: "Doxygen elsewhere", want: "kdoc", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["tools/lib/other.h"] = "/**\n * @brief **f()** does.\n */\n"
		}},
		{name: "generated code is stale", want: "ynl", before: func(_ *fixture, steps *[]step) {
			delete((*steps)[1].files, "net/core/gen.h")
		}},
		{name: "invalid spec", want: "ynl", before: func(_ *fixture, steps *[]step) {
			(*steps)[1].files["Documentation/netlink/specs/rt-link.yaml"] += "INVALID\n"
		}},
		{name: "inline in a C file", want: "source_inline", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["net/core/dev.c"] += "static inline int i(void) { return 0; }\nint u(void) { return i(); }\n"
		}},
		{name: "plain function in a header", want: "header_inline", before: func(_ *fixture, steps *[]step) {
			(*steps)[1].files["include/uapi/linux/if_link.h"] += "\nint helper(int a) { return a; }\n"
		}},
		{name: "deprecated interface", want: "deprecated_api", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["net/core/dev.c"] += "#define module_param(x)\n"
		}},
		{name: "selftest in no Makefile", want: "check_selftest", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["tools/testing/selftests/net/new.sh"] = "#!/bin/sh\n"
		}},
		{name: "bad shell script", want: "shellcheck", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["tools/testing/selftests/bad.sh"] = "#!/bin/sh\n# BADSHELL\n"
		}},
		{name: "nonsense in a program of libbpf", want: "build_tools", before: nonsense("tools/lib/bpf/libbpf.c")},
		{name: "nonsense in a header of libbpf", want: "build_tools", before: nonsense("tools/lib/bpf/libbpf.h")},
		{name: "nonsense in a version script", want: "build_tools", before: nonsense("tools/lib/bpf/libbpf.map")},
		{name: "nonsense in a Makefile of libbpf", want: "build_tools", before: nonsense("tools/lib/bpf/Makefile")},
		{name: "nonsense in a selftest", want: "build_tools", before: nonsense("tools/testing/selftests/net/old.c")},
		{name: "nonsense in a Makefile of selftests", want: "build_tools", before: nonsense("tools/testing/selftests/net/Makefile")},
		{name: "nonsense in .gitignore", want: "gitignore", before: nonsense("tools/testing/selftests/net/.gitignore")},
		{name: "nonsense in a shell script", want: "commands", before: nonsense("tools/testing/selftests/net/lib.sh")},
		{name: "a shell script that does not parse", want: "commands", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["tools/testing/selftests/net/lib.sh"] = "#!/bin/sh\nif true; then\n"
		}},
		{name: "a helper of another script", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["tools/testing/selftests/net/lib2.sh"] = "#!/bin/sh\n. ./lib.sh\nhelper\n"
			(*steps)[2].files["tools/testing/selftests/net/Makefile"] = "# lib2.sh\n" + kernelTree["tools/testing/selftests/net/Makefile"]
		}},
		{name: "nonsense in Kconfig", want: "build_gcc", before: nonsense("net/Kconfig")},
		{name: "nonsense in a Makefile", want: "build_gcc", before: nonsense("net/core/Makefile")},
		{name: "nonsense in MAINTAINERS", want: "maintainers", before: nonsense("MAINTAINERS")},
		{name: "an entry in MAINTAINERS", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["MAINTAINERS"] = kernelTree["MAINTAINERS"] + "\nOTHER\nM:\tOther <other@kernel.test>\nF:\tnet/other/\n"
		}},
		{name: "nonsense in a table", want: "pages", docutils: true, before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["Documentation/page.rst"] = strings.Replace(kernelTree["Documentation/page.rst"], "c   d", "THIS IS NOT C", 1)
		}},
		{name: "a good page", docutils: true, before: func(_ *fixture, steps *[]step) {
			(*steps)[2].files["Documentation/page.rst"] = kernelTree["Documentation/page.rst"] + "\nText of :c:func:`f`, and\n:doc:`other`.\n"
		}},
		{name: "malformed Fixes", want: "verify_fixes", before: func(_ *fixture, steps *[]step) {
			(*steps)[2].title += "\n\nFixes: 1234567 (\"too short\")"
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			f := newFixture(t)
			steps := goodSteps()
			if m.docutils && exec.Command("python3", "-c", "import docutils").Run() != nil {
				if strings.Contains(os.Getenv("XPS_TEST_REQUIRE"), "series") {
					t.Fatal("python3 has no module docutils")
				}
				t.Skip("python3 has no module docutils (xpsgen deps --for series)")
			}
			if m.before != nil {
				m.before(f, &steps)
			}
			f.commit(t, steps)
			if m.after != nil {
				m.after(t, f)
			}
			rows := f.check(t, cache, Options{})
			if got := strings.Join(failed(rows), " "); got != m.want {
				t.Errorf("tripped %q, want %q", got, m.want)
				for _, r := range rows {
					if r.Code.Failed() {
						t.Logf("%s %d: %s\n%s", r.Check, r.Patch, r.Summary, r.Log)
					}
				}
			}
			if m.want == "" {
				for _, r := range rows {
					if r.Code != Pass {
						t.Errorf("%s %d: %v: %s", r.Check, r.Patch, r.Code, r.Summary)
					}
				}
			}
		})
	}
}

// nonsense adds a line to a file in the last patch.
func nonsense(name string) func(*fixture, *[]step) {
	return func(_ *fixture, steps *[]step) {
		first, rest, _ := strings.Cut(kernelTree[name], "\n")
		(*steps)[2].files[name] = first + "\nTHIS IS NOT C\n" + rest
	}
}

// Known results are not computed again, and a change is noticed.
func TestMemo(t *testing.T) {
	f := newFixture(t)
	steps := goodSteps()
	f.commit(t, steps)
	cache := t.TempDir()
	var done []progress.Event
	first := f.check(t, cache, Options{Progress: func(e progress.Event) {
		if e.State == progress.Advanced && strings.HasPrefix(e.Step, "check ") {
			done = append(done, e)
		}
	}})
	for i, e := range done {
		if i > 0 && e.Done < done[i-1].Done || e.Total != int64(len(first)) {
			t.Errorf("%d of %d %s after %d of %d, for %d rows", e.Done, e.Total, e.Unit, done[max(i-1, 0)].Done, done[max(i-1, 0)].Total, len(first))
		}
	}
	if len(done) == 0 || done[len(done)-1].Done != int64(len(first)) {
		t.Errorf("progress ends before the %d rows do: %v", len(first), done)
	}
	again := f.check(t, cache, Options{})
	if len(first) != len(again) {
		t.Fatalf("%d rows, then %d", len(first), len(again))
	}
	for i, r := range again {
		if !r.Cached || r.Result != first[i].Result {
			t.Errorf("%s %d: cached %v: %v, before %v", r.Check, r.Patch, r.Cached, r.Result, first[i].Result)
		}
	}
	f.edit(t, func(n int, s string) string {
		if n == 3 {
			s = strings.Replace(s, "Because.", "Because I say BADSTYLE so.", 1)
		}
		return s
	})
	if got := strings.Join(failed(f.check(t, cache, Options{})), " "); got != "checkpatch" {
		t.Errorf("after a change: tripped %q", got)
	}
	for _, r := range f.check(t, t.TempDir(), Options{Known: true}) {
		if r.Check == "checkpatch" && r.Code != Blocked {
			t.Errorf("known, but the check did not run: %v", r)
		}
	}
}

// A placeholder address that is not the workbench's is a mistake.
func TestForeignPlaceholder(t *testing.T) {
	f := newFixture(t)
	f.signed, f.author = false, "Build Robot <robot@host.example>"
	f.commit(t, goodSteps())
	checks, err := Select([]string{"verify_signedoff"})
	if err != nil {
		t.Fatal(err)
	}
	rows := f.check(t, t.TempDir(), Options{Checks: checks, Patch: 2})
	if len(rows) != 1 || rows[0].Code != Fail ||
		!strings.Contains(rows[0].Summary, "author Build Robot <robot@host.example> is neither the placeholder xpsgen@workbench.invalid nor a person") {
		t.Errorf("%+v", rows)
	}
}

// If the author is a placeholder, a missing sign-off is a warning with a remedy.
func TestPlaceholderSignOff(t *testing.T) {
	f := newFixture(t)
	f.signed, f.author = false, "xpsgen <xpsgen@workbench.invalid>"
	f.commit(t, goodSteps())
	checks, err := Select([]string{"verify_signedoff"})
	if err != nil {
		t.Fatal(err)
	}
	rows := f.check(t, t.TempDir(), Options{Checks: checks, Patch: 2})
	if len(rows) != 1 || rows[0].Code != Warning || !strings.Contains(rows[0].Summary, "--sign-off") ||
		rows[0].Command != "xpsgen series check --only verify_signedoff --patch 2 a/net-next" {
		t.Errorf("%+v", rows)
	}
}

// netdev's runner ignores long lines in messages, this check does not.
func TestLongLineOfMessage(t *testing.T) {
	f := newFixture(t)
	f.commit(t, goodSteps())
	f.edit(t, func(n int, s string) string {
		if n == 2 {
			s = strings.Replace(s, "Because.", strings.Repeat("because ", 10), 1)
		}
		return s
	})
	checks, err := Select([]string{"checkpatch"})
	if err != nil {
		t.Fatal(err)
	}
	var got []Code
	for _, r := range f.check(t, t.TempDir(), Options{Checks: checks}) {
		got = append(got, r.Code)
	}
	if want := []Code{Pass, Warning, Pass}; !slices.Equal(got, want) {
		t.Errorf("patches are %v, want %v", got, want)
	}
}
