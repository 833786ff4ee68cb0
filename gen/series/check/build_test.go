// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
)

// iproute2Tree builds like iproute2: inside the source directories, and without tracking
// which file needs which header.
var iproute2Tree = map[string]string{
	"configure":    "#!/bin/sh\necho 'CFLAGS := -Wall -I../include' >config.mk\n",
	"Makefile":     "all: config.mk\n\tfor i in $(SUBDIRS); do $(MAKE) -C $$i || exit $$?; done\n",
	"lib/Makefile": "include ../config.mk\nlibutil.a: utils.o\n\tar rcs $@ $^\n",
	"lib/utils.c":  "#include \"utils.h\"\nint twice(int a) { return FACTOR * a; }\n",
	"ip/Makefile":  "include ../config.mk\nall: ip tool\nip: ip.o show.o ../lib/libutil.a\n\t$(CC) -o $@ $^\ntool: tool.c\n\t$(CC) $(CFLAGS) -o $@ $<\n",
	"ip/ip.c":      "#include \"utils.h\"\nint show(void);\nint main(void) { return twice(show()); }\n",
	"ip/show.c":    "int show(void) { return 0; }\n",
	"ip/tool.c":    "int main(void) { return 0; }\n",
	// ip.c and utils.c need this header, show.c does not.
	"include/utils.h": "#define FACTOR 2\nint twice(int a);\n",
	"man/ip.8":        "ip\n",
}

// A rebuild of the kept copy must give the same diagnostics as a build from scratch, but
// compile only the files that are needed.
func TestIncrementalIPRoute2(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	f := &fixture{base: src}
	kept := &builder{src: src, dir: filepath.Join(dir, "kept"), flavor: "gcc", jobs: 2, targets: []string{"ip"}}
	f.write(t, src, iproute2Tree)
	for i, step := range []struct {
		name     string
		change   map[string]string
		remove   string
		compiled string // expected objects
		warnings int
		errors   int
	}{
		{name: "all", compiled: "ip.o show.o tool.o utils.o"},
		{name: "the same"},
		{name: "a page", change: map[string]string{"man/ip.8": "ip(8)\n"}},
		{name: "a source", change: map[string]string{"ip/show.c": "int show(void) { int a; return 0; }\n"}, compiled: "show.o", warnings: 1},
		{name: "a header", change: map[string]string{"include/utils.h": "#define FACTOR 3\nint twice(int a);\nstatic void idle(void) { }\n"},
			compiled: "ip.o utils.o", warnings: 2},
		{name: "a program of one source", change: map[string]string{"ip/tool.c": "int main(void) { int b; return 0; }\n"}, compiled: "tool.o", warnings: 3},
		{name: "broken", change: map[string]string{"ip/show.c": "int show(void) { return missing; }\n"}, compiled: "show.o", warnings: 3, errors: 1},
		{name: "still broken", compiled: "show.o", warnings: 3, errors: 1},
		{name: "fixed", change: map[string]string{"ip/show.c": "int show(void) { return 0; }\n"}, compiled: "show.o", warnings: 2},
		{name: "does not link", change: map[string]string{"ip/show.c": "int shown(void) { return 0; }\n"}, compiled: "show.o", warnings: 2, errors: 1},
		{name: "a Makefile", change: map[string]string{"ip/Makefile": strings.ReplaceAll(iproute2Tree["ip/Makefile"], "show.o ", "")},
			compiled: "ip.o tool.o utils.o", warnings: 2, errors: 1},
		{name: "a source goes", remove: "ip/tool.c", change: map[string]string{"ip/Makefile": strings.ReplaceAll(strings.ReplaceAll(iproute2Tree["ip/Makefile"], "all: ip tool", "all: ip"), "tool: tool.c\n\t$(CC) $(CFLAGS) -o $@ $<\n", "")},
			compiled: "ip.o show.o utils.o", warnings: 1, errors: 1},
		{name: "a header that hides another", change: map[string]string{"ip/utils.h": "#define FACTOR 4\nint twice(int a);\n"}, compiled: "ip.o show.o utils.o", warnings: 1, errors: 1},
	} {
		f.write(t, src, step.change)
		if step.remove != "" {
			if err := os.Remove(filepath.Join(src, step.remove)); err != nil {
				t.Fatal(err)
			}
		}
		before := stamps(t, kept.dir)
		got, err := kept.iproute2(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		var compiled []string
		for name, at := range stamps(t, kept.dir) {
			if !at.Equal(before[name]) {
				compiled = append(compiled, strings.TrimSuffix(filepath.Base(name), ".diag"))
			}
		}
		for i, c := range compiled {
			compiled[i] = strings.TrimSuffix(c, ".o") + ".o"
		}
		slices.Sort(compiled)
		if have := strings.Join(compiled, " "); have != step.compiled {
			t.Errorf("%s: compiled %q, want %q", step.name, have, step.compiled)
		}
		if got.Warnings.total() != step.warnings || got.Errors.total() != step.errors {
			t.Errorf("%s: warnings %v, errors %v", step.name, got.Warnings, got.Errors)
		}
		fresh := &builder{src: src, dir: filepath.Join(dir, "fresh"+string(rune('a'+i))), flavor: "gcc", jobs: 2, targets: []string{"ip"}}
		want, err := fresh.iproute2(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if !maps.Equal(got.Warnings, want.Warnings) || !maps.Equal(got.Errors, want.Errors) || got.Objects != want.Objects {
			t.Errorf("%s: got %+v, from scratch %+v", step.name, got, want)
		}
	}
}

// stamps returns the modification times of the diagnostics, by file.
func stamps(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	all := map[string]time.Time{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil || !strings.HasSuffix(name, ".diag") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[name] = info.ModTime()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// If all results are known, Run does not wait for another run that holds the trees.
// Otherwise it waits.
func TestKnownResultsNeedNoLock(t *testing.T) {
	f := newFixture(t)
	f.commit(t, goodSteps())
	dir := t.TempDir()
	f.check(t, dir, Options{})
	trees, err := filepath.Glob(filepath.Join(dir, "work", "series-*.lock"))
	if err != nil || len(trees) != 1 {
		t.Fatalf("locks %v: %v", trees, err)
	}
	lock, err := cache.Acquire(t.Context(), trees[0], "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	soon, stop := context.WithTimeout(t.Context(), 15*time.Minute)
	defer stop()
	rows, err := f.run(t, soon, dir, Options{})
	if err != nil {
		t.Fatalf("all is known: %v", err)
	}
	for _, r := range rows {
		if !r.Cached {
			t.Errorf("%s %d: made again", r.Check, r.Patch)
		}
	}
	f.edit(t, func(_ int, s string) string { return strings.Replace(s, "Because.", "Why not.", 1) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = f.run(t, ctx, dir, Options{Progress: func(e progress.Event) {
		if e.State == progress.Waiting && strings.HasPrefix(e.Text, "waiting for ") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("did not wait: %v", err)
	}
}

// A change that no compiler reads is not built. The patch gets the result of the patch
// before it.
func TestInvisibleChangeIsNotBuilt(t *testing.T) {
	f := newFixture(t)
	steps := goodSteps()
	steps = append(steps,
		step{"doc: a page", map[string]string{"Documentation/page.rst": "Text.\n", "tools/testing/selftests/net/Makefile": "# None.\n" + kernelTree["tools/testing/selftests/net/Makefile"]}},
		step{"doc: a switch", map[string]string{"Documentation/Kconfig": "# a switch\n"}})
	f.commit(t, steps)
	var built []string
	rows, err := f.run(t, t.Context(), t.TempDir(), Options{Progress: func(e progress.Event) {
		if e.State == progress.Started && strings.HasPrefix(e.Step, "build ") {
			built = append(built, e.Text)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(failed(rows), " "); got != "" {
		t.Errorf("tripped %q", got)
	}
	const with = " with gcc, clang, 32bit"
	want := []string{"the base" + with, "up to patch 1 of 5" + with, "up to patch 2 of 5" + with, "up to patch 3 of 5" + with, "up to patch 5 of 5" + with, "selftests/net", "selftests/net", "selftests/net"}
	if !slices.Equal(built, want) {
		t.Errorf("built %q, want %q", built, want)
	}
}

// If the tree lacks a script, its row is Blocked and says so; other checks run.
func TestMissingScript(t *testing.T) {
	f := newFixture(t)
	f.git(t, "rm", "-q", "scripts/checkpatch.pl")
	f.git(t, "-c", "user.name=b", "-c", "user.email=b@b.test", "commit", "-q", "-m", "without")
	f.commit(t, goodSteps())
	n := 0
	for _, r := range f.check(t, t.TempDir(), Options{}) {
		if r.Check == "checkpatch" {
			n++
			if r.Code != Blocked || r.Lacks || !strings.HasPrefix(r.Summary, "linux net-next has no scripts/checkpatch.pl (name a project") {
				t.Errorf("no script: %+v", r)
			}
		} else if r.Code != Pass {
			t.Errorf("another check: %+v", r)
		}
	}
	if n != len(goodSteps()) {
		t.Errorf("%d rows of checkpatch", n)
	}
}

// If the machine lacks a program, or has one that is too old for the tree, only the rows
// that need it are Blocked. They name the program, the version and the remedy.
func TestMissingProgram(t *testing.T) {
	f := newFixture(t)
	f.write(t, f.base, map[string]string{"scripts/min-tool-version.sh": "#!/bin/sh\ncase $1 in\nllvm) echo 17.0.1 ;;\ngcc) echo 8.1.0 ;;\nesac\n"})
	f.git(t, "add", "-A")
	f.git(t, "-c", "user.name=b", "-c", "user.email=b@b.test", "commit", "-q", "-m", "versions")
	f.commit(t, goodSteps())
	tools := filepath.Join(filepath.Dir(f.base), "bin")
	if err := os.Remove(filepath.Join(tools, "sparse")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(tools, "clang-22"), filepath.Join(tools, "clang")); err != nil {
		t.Fatal(err)
	}
	f.write(t, tools, map[string]string{"clang": "#!/bin/sh\n[ \"$1\" = --version ] && echo Debian clang version 14.0.6 && exit\nexec gcc \"$@\"\n"})
	t.Setenv("PATH", tools+":"+withoutPrograms(t, append([]string{"sparse"}, clangs...)...))
	want := map[string]string{
		"sparse":      "sparse is not installed (run xpsgen deps --for series-build)",
		"build_clang": "clang is 14.0.6, and linux net-next needs 17.0.1 (run xpsgen deps --for series-build, or put a newer clang in PATH)",
	}
	rows := f.check(t, t.TempDir(), Options{})
	for _, r := range rows {
		if summary := want[r.Check]; summary != "" {
			if r.Code != Blocked || !r.Lacks || r.Summary != summary {
				t.Errorf("%s: %v %q, want %q", r.Check, r.Code, r.Summary, summary)
			}
		} else if r.Code != Pass {
			t.Errorf("another check: %+v", r)
		}
	}
	if n := Count(rows); n.Lacking != 2*len(goodSteps()) {
		t.Errorf("%+v", n)
	}
}

// A missing program that distributions do not package only blocks its own row.
func TestOptionalProgram(t *testing.T) {
	f := newFixture(t)
	steps := goodSteps()
	steps[2].files["tools/net/a.py"] = "import os\n"
	f.commit(t, steps)
	if err := os.Remove(filepath.Join(filepath.Dir(f.base), "bin", "ruff")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(filepath.Dir(f.base), "bin")+":"+withoutPrograms(t, "ruff"))
	checks, err := Select([]string{"ruff", "pylint"})
	if err != nil {
		t.Fatal(err)
	}
	rows := f.check(t, t.TempDir(), Options{Checks: checks})
	for _, r := range rows {
		if want := r.Check == "ruff" && r.Patch == 3; (r.Code == Blocked) != want || r.Lacks {
			t.Errorf("%s %d: %+v", r.Check, r.Patch, r.Result)
		}
	}
	if n := Count(rows); n.Blocked != 1 || n.Lacking != 0 {
		t.Errorf("%+v", n)
	}
}

// If the base tree does not build, the rows are Blocked, and show the first line of the log
// with a reason.
func TestBaseDoesNotBuild(t *testing.T) {
	f := newFixture(t)
	f.write(t, f.base, map[string]string{"net/Kconfig": "THIS IS NOT C\n"})
	f.git(t, "add", "-A")
	f.git(t, "-c", "user.name=b", "-c", "user.email=b@b.test", "commit", "-q", "-m", "broken")
	f.commit(t, goodSteps())
	for _, r := range f.check(t, t.TempDir(), Options{}) {
		if flavors[r.Check] == "" || r.Check == "files" {
			continue
		}
		const why = "make allmodconfig: net/Kconfig:1: unknown statement \"THIS\""
		if r.Code != Blocked || !strings.HasSuffix(r.Summary, why) {
			t.Errorf("%s: %v %q, want %q", r.Check, r.Code, r.Summary, why)
		}
	}
}

// With one patch selected, the build names the patches by their number.
func TestOnePatch(t *testing.T) {
	f := newFixture(t)
	f.commit(t, goodSteps())
	var built []string
	var last progress.Event
	rows := f.check(t, t.TempDir(), Options{Patch: 3, Progress: func(e progress.Event) {
		if e.State == progress.Started && strings.HasPrefix(e.Step, "build ") {
			built = append(built, e.Text)
		}
		if e.State == progress.Advanced && strings.HasPrefix(e.Step, "check ") {
			last = e
		}
	}})
	want := []string{"up to patch 2 of 3 with gcc, clang, 32bit", "up to patch 3 of 3 with gcc, clang, 32bit"}
	if !slices.Equal(built, want) {
		t.Errorf("built %q, want %q", built, want)
	}
	if last.Done != int64(len(rows)) || last.Total != int64(len(rows)) {
		t.Errorf("progress ends at %d of %d, for %d rows", last.Done, last.Total, len(rows))
	}
}

// withoutPrograms returns a directory for PATH with all programs except some.
func withoutPrograms(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, place := range []string{"/usr/local/bin", "/usr/bin", "/bin"} {
		entries, err := os.ReadDir(place)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if !slices.Contains(names, e.Name()) {
				// PATH prefers the first program of a name; a later
				// Symlink fails.
				_ = os.Symlink(filepath.Join(place, e.Name()), filepath.Join(dir, e.Name()))
			}
		}
	}
	return dir
}
