// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/testenv"
)

// workbench makes one with a patch for each base, and a suite.
func workbench(t *testing.T) string {
	t.Helper()
	root := testenv.Root(t)
	for path, text := range map[string]string{
		"kernel-patches/queue/net-next/0001-hook.patch": "hook\n",
		"kernel-patches/queue/6.12/0001-hook.patch":     "older hook\n",
		"iproute2-patches/ip/6.1/0001-xps.patch":        "xps\n",
		"vmtest/guest/suite/hook.go":                    "package suite\n",
		"vmtest/guest/suite/hook_test.go":               "package suite\n",
		"vmtest/mutants/kernel/0001-off.patch":          "off\n",
	} {
		write(t, filepath.Join(root, path), text)
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func present(t *testing.T, root string, kind Kind, s Subject) Inputs {
	t.Helper()
	in, err := Present(t.Context(), root, kind, s, "6.1")
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestPresent edits one file after the other: the kinds with that input change, and
// no others.
func TestPresent(t *testing.T) {
	subjects := map[string]struct {
		kind Kind
		Subject
	}{
		"suite":          {Suite, Subject{Base: "6.12"}},
		"unpatched":      {Suite, Subject{Base: "6.12", Unpatched: true}},
		"net-next":       {Suite, Subject{Base: "net-next"}},
		"mutants":        {Mutants, Subject{Base: "6.12"}},
		"builds":         {Builds, Subject{Base: "6.12"}},
		"check linux":    {Check, Subject{Base: "6.12", Series: "queue"}},
		"check iproute2": {Check, Subject{Base: "6.1", Series: "ip"}},
		"a kind to come": {"other", Subject{Base: "6.12"}},
		"without":        {Suite, Subject{Base: "6.12", Without: []string{"queue"}}},
		"only":           {Suite, Subject{Base: "6.12", Only: []string{"queue"}}},
		"debug":          {Suite, Subject{Base: "6.12", Config: []string{"debug"}}},
	}
	suites := []string{"a kind to come", "debug", "mutants", "net-next", "only", "suite", "unpatched", "without"}
	for path, want := range map[string][]string{
		"kernel-patches/queue/6.12/0001-hook.patch":     {"a kind to come", "builds", "check linux", "debug", "mutants", "only", "suite"},
		"kernel-patches/queue/6.12/0002-new.patch":      {"a kind to come", "builds", "check linux", "debug", "mutants", "only", "suite"},
		"kernel-patches/queue/net-next/0001-hook.patch": {"net-next"},
		"iproute2-patches/ip/6.1/0001-xps.patch":        append(slices.Clone(suites), "check iproute2"),
		"vmtest/guest/suite/hook.go":                    suites,
		"bpf/hash.bpf.c":                                suites,
		"vmtest/guest/suite/hook_test.go":               nil,
		"vmtest/mutants/kernel/0001-off.patch":          {"a kind to come", "mutants"},
		"kernel-patches/queue/cover.md":                 {"check linux"},
		"gen/series/check/table.go":                     {"check linux", "check iproute2"},
		"README.md":                                     nil,
	} {
		t.Run(path, func(t *testing.T) {
			root := workbench(t)
			before := map[string]Inputs{}
			for name, s := range subjects {
				before[name] = present(t, root, s.kind, s.Subject)
			}
			write(t, filepath.Join(root, path), "edited\n")
			var changed []string
			for name, s := range subjects {
				if lines := present(t, root, s.kind, s.Subject).Compare(before[name]); len(lines) > 0 {
					changed = append(changed, name)
				}
			}
			slices.Sort(changed)
			slices.Sort(want)
			if !slices.Equal(changed, want) {
				t.Errorf("changed %q, want %q", changed, want)
			}
		})
	}
}

// TestPresentFacts: the title of a series is an input of its checks only. The
// origin of a base is an input of every run on it.
func TestPresentFacts(t *testing.T) {
	suiteRun, checked := Subject{Base: "6.12"}, Subject{Base: "6.12", Series: "queue"}
	for edit, want := range map[[2]string]string{
		{`title = "t"`, `title = "another"`}:                 "false true",
		{"file:///nowhere", "file:///elsewhere"}:             "true true",
		{"mark = \"Kbuild\"", "mark = \"Kbuild\"\n# remark"}: "false false",
	} {
		root := workbench(t)
		wasSuite, wasChecked := present(t, root, Suite, suiteRun), present(t, root, Check, checked)
		path := filepath.Join(root, "kernel-patches", "series.toml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, strings.ReplaceAll(string(text), edit[0], edit[1]))
		got := fmt.Sprint(len(present(t, root, Suite, suiteRun).Compare(wasSuite)) > 0, len(present(t, root, Check, checked).Compare(wasChecked)) > 0)
		if got != want {
			t.Errorf("%q: changed %s, want %s", edit[1], got, want)
		}
	}
}

// TestPresentHasWhatTheGuestRuns: all Go packages of the project that the
// guest's init is built from are in the hash of the suite.
func TestPresentHasWhatTheGuestRuns(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", "xpsgen/vmtest/guest/init").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		path, ours := strings.CutPrefix(pkg, "xpsgen/")
		if ours && !slices.ContainsFunc(sources[suite], func(dir string) bool {
			return path == dir || strings.HasPrefix(path, dir+"/")
		}) {
			t.Errorf("%s is not in %v", path, sources[suite])
		}
	}
}

func TestCompare(t *testing.T) {
	got := Inputs{"a": "1", "b": "2", "c": "3", "tree": ""}.Compare(Inputs{"a": "1", "b": "1", "d": "4", "tree": ""})
	want := []string{"b changed", "c is new", "d is gone", "tree cannot be compared: it is not a git checkout"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUserTree(t *testing.T) {
	root, tree := workbench(t), t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", tree, "-c", "user.name=x", "-c", "user.email=x@y"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	subject, err := SubjectOf(&prepare.Source{Root: root, Base: "6.12", KernelDir: tree})
	if err != nil {
		t.Fatal(err)
	}
	stale := func(edit string) []string {
		t.Helper()
		r := Record{Kind: Builds, Subject: subject, Inputs: present(t, root, Builds, subject)}
		if edit != "" {
			write(t, filepath.Join(tree, edit), time.Now().String())
		}
		lines, err := NewLooker(root).Stale(t.Context(), &r)
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	unknown := func(what string) {
		t.Helper()
		if lines := stale(""); len(lines) != 1 || !strings.Contains(lines[0], "not a git checkout") {
			t.Errorf("%s: %q", what, lines)
		}
	}
	write(t, filepath.Join(tree, "dev.c"), "1")
	unknown("no checkout")
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "x")
	if lines := stale(""); len(lines) != 0 {
		t.Errorf("nothing edited: %q", lines)
	}
	for _, edit := range []string{"dev.c", "new.c", "new.c"} {
		if lines := stale(edit); len(lines) != 1 || !strings.HasSuffix(lines[0], "changed") {
			t.Errorf("%s edited: %q", edit, lines)
		}
	}
	subject.Trees = []string{"kernel " + filepath.Join(tree, "unpacked")}
	write(t, filepath.Join(tree, "unpacked", "dev.c"), "1")
	unknown("in a checkout of something else")
}

// run is one run of a cell's history.
type run struct {
	state     State
	selection string
	// old means that the inputs were others.
	old bool
}

func TestPicture(t *testing.T) {
	const part = "--run a24"
	cases := map[string]struct {
		// runs are the newest first.
		runs    []run
		verdict Verdict
		shown   int
		whole   Verdict
		why     string
	}{
		"passed":                     {[]run{{state: Passed}}, VerdictPassed, 0, VerdictPassed, ""},
		"failed":                     {[]run{{state: Failed}}, VerdictFailed, 0, VerdictFailed, "failed"},
		"partial":                    {[]run{{Passed, part, false}}, VerdictPartial, 0, VerdictIncomplete, "partial: --run a24"},
		"stale":                      {[]run{{Passed, "", true}}, VerdictStale, 0, VerdictIncomplete, "stale: suite changed"},
		"stale and partial":          {[]run{{Passed, part, true}}, VerdictPartial, 0, VerdictIncomplete, "partial: --run a24; stale: suite changed"},
		"failed on other patches":    {[]run{{Failed, "", true}}, VerdictFailed, 0, VerdictFailed, "failed; stale: suite changed"},
		"interrupted":                {[]run{{state: Interrupted}}, VerdictNone, 0, VerdictIncomplete, "interrupted"},
		"broken":                     {[]run{{state: Broken}}, VerdictNone, 0, VerdictIncomplete, "broken"},
		"running":                    {[]run{{state: Running}}, VerdictNone, 0, VerdictIncomplete, "running"},
		"passed again":               {[]run{{state: Passed}, {state: Failed}}, VerdictPassed, 0, VerdictPassed, ""},
		"a part passed since":        {[]run{{Passed, part, false}, {state: Passed}}, VerdictPassed, 1, VerdictPassed, ""},
		"a part failed since":        {[]run{{Failed, part, false}, {state: Passed}}, VerdictFailed, 0, VerdictFailed, "failed; partial: --run a24"},
		"a part failed, then passed": {[]run{{Passed, part, false}, {Failed, part, false}, {state: Passed}}, VerdictFailed, 1, VerdictFailed, "failed; partial: --run a24"},
		"a failed part is fixed":     {[]run{{state: Passed}, {Failed, part, false}}, VerdictPassed, 0, VerdictPassed, ""},
		"a part failed on old ones":  {[]run{{Failed, part, true}, {state: Passed}}, VerdictPassed, 1, VerdictPassed, ""},
		"a part of the failed whole": {[]run{{Passed, part, false}, {state: Failed}}, VerdictFailed, 1, VerdictFailed, "failed"},
		"stale, a part since":        {[]run{{Passed, part, false}, {Passed, "", true}}, VerdictStale, 1, VerdictIncomplete, "stale: suite changed"},
		"interrupted since":          {[]run{{state: Interrupted}, {state: Passed}}, VerdictPassed, 1, VerdictPassed, ""},
		"broken since, stale":        {[]run{{state: Broken}, {Passed, "", true}}, VerdictStale, 1, VerdictIncomplete, "stale: suite changed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			root := workbench(t)
			subject := Subject{Base: "6.12"}
			was := present(t, root, Suite, subject)
			write(t, filepath.Join(root, "vmtest/guest/suite/hook.go"), "package suite // edited\n")
			var records []*Record
			for i, r := range c.runs {
				in := present(t, root, Suite, subject)
				if r.old {
					in = was
				}
				records = append(records, &Record{ID: name, Kind: Suite, Subject: subject, State: r.state, Selection: r.selection,
					Inputs: in, Started: noon.Add(-time.Duration(i) * time.Hour)})
			}
			p, err := NewPicture(t.Context(), root, records)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Cells) != 1 {
				t.Fatalf("%d cells", len(p.Cells))
			}
			cell := p.Cells[0]
			if cell.Verdict != c.verdict || cell.Run != records[c.shown] || p.Verdict() != c.whole {
				t.Errorf("verdict %s of run %d, whole %s; want %s of %d, %s",
					cell.Verdict, slices.Index(records, cell.Run), p.Verdict(), c.verdict, c.shown, c.whole)
			}
			if got := cell.Why(); got != c.why {
				t.Errorf("why: %q, want %q", got, c.why)
			}
			if len(cell.Later) != c.shown {
				t.Errorf("%d later runs, want %d", len(cell.Later), c.shown)
			}
		})
	}
}

// TestPictureMixed: a picture with one cell that did not pass has not passed.
// Cells of removed bases and series are left out.
func TestPictureMixed(t *testing.T) {
	root := workbench(t)
	record := func(kind Kind, base string, state State, selection string) *Record {
		s := Subject{Base: base}
		r := &Record{ID: base + string(kind), Kind: kind, Subject: s, State: state, Selection: selection, Started: noon, Inputs: Inputs{"x": "y"}}
		if in, err := Present(t.Context(), root, kind, s, "6.1"); err == nil {
			r.Inputs = in
		}
		return r
	}
	passed, gone := record(Suite, "6.12", Passed, ""), record(Suite, "5.4", Failed, "")
	for name, c := range map[string]struct {
		more    []*Record
		verdict Verdict
		summary string
	}{
		"alone":       {nil, VerdictPassed, "1 passed"},
		"two":         {[]*Record{record(Builds, "net-next", Passed, "")}, VerdictPassed, "2 passed"},
		"partial":     {[]*Record{record(Mutants, "6.12", Passed, "--sample 10")}, VerdictIncomplete, "1 partial, 1 passed"},
		"failed":      {[]*Record{record(Builds, "6.12", Failed, ""), record(Mutants, "6.12", Passed, "x")}, VerdictFailed, "1 failed, 1 partial, 1 passed"},
		"interrupted": {[]*Record{record(Builds, "6.12", Interrupted, "")}, VerdictIncomplete, "1 no verdict, 1 passed"},
	} {
		p, err := NewPicture(t.Context(), root, append([]*Record{passed, gone}, c.more...))
		if err != nil {
			t.Fatal(err)
		}
		if p.Verdict() != c.verdict || p.Summary() != c.summary+", 1 of removed bases, series or configurations" || len(p.Gone) != 1 {
			t.Errorf("%s: %s, %s, %d gone; want %s, %s", name, p.Verdict(), p.Summary(), len(p.Gone), c.verdict, c.summary)
		}
	}
	if p, err := NewPicture(t.Context(), root, nil); err != nil || p.Verdict() != VerdictIncomplete {
		t.Errorf("no runs: %v, %v", p, err)
	}
}

func TestRerun(t *testing.T) {
	for want, c := range map[string]Cell{
		"make vmtest BASE=net-next":                             {Kind: Suite, Subject: Subject{Base: "net-next"}},
		"make vmtest BASE=net-next ARCH=s390x":                  {Kind: Suite, Subject: Subject{Base: "net-next", Arch: "s390x"}},
		"make vmtest BASE=6.12 CONFIG=debug,hostfs":             {Kind: Suite, Subject: Subject{Base: "6.12", Config: []string{"debug", "hostfs"}}},
		"make unpatched BASE=6.12":                              {Kind: Suite, Subject: Subject{Base: "6.12", Unpatched: true}},
		"make vmtest BASE=all":                                  {Kind: Bases, Subject: Subject{Base: "all"}},
		"make vmtest BASE=net-next SERIES=a,b WITH=c WITHOUT=d": {Kind: Suite, Subject: Subject{Base: "net-next", Only: []string{"a", "b"}, With: []string{"c"}, Without: []string{"d"}}},
		"make vmtest BASE=net-next KERNEL='/src/linux'":         {Kind: Suite, Subject: Subject{Base: "net-next", Trees: []string{"kernel /src/linux"}}},
		"bin/xpsgen peers --base 6.12":                          {Kind: Peers, Subject: Subject{Base: "6.12"}},
		"bin/xpsgen series check hook/net-next":                 {Kind: Check, Subject: Subject{Base: "net-next", Series: "hook"}},
		"make reach BASE=6.12":                                  {Kind: Reach, Subject: Subject{Base: "6.12"}},
		"make prove BASE=6.12":                                  {Kind: Prove, Subject: Subject{Base: "6.12"}},
		"make litmus BASE=6.12":                                 {Kind: Litmus, Subject: Subject{Base: "6.12"}},
	} {
		if got := c.Rerun(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
