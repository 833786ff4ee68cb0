// SPDX-License-Identifier: GPL-2.0-only OR MIT

package peers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/ktap"
)

func TestShippedList(t *testing.T) {
	l, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "/link", "/features", "/btf", "/ringbuf", "/perf"} {
		if err := l.Has([]string{"github.com/cilium/ebpf" + want}); err != nil {
			t.Error(err)
		}
	}
	if err := l.Has([]string{"github.com/mdlayher/netlink"}); err != nil {
		t.Error(err)
	}
	if err := l.Has([]string{"github.com/mdlayher/netlink/nltest"}); err == nil {
		t.Error("a package that is not listed is there")
	}
}

func TestParse(t *testing.T) {
	const peer = "[[peer]]\nmodule = \"m\"\npackages = [\".\"]\npasses = 1\n"
	failure := func(pkg, test, reason string) string {
		return "[[failure]]\nmodule = \"m\"\npackage = \"" + pkg + "\"\ntest = \"" + test + "\"\nreason = \"" + reason + "\"\n"
	}
	if _, err := parse(peer + failure(".", "TestA", "why")); err != nil {
		t.Error(err)
	}
	many := peer
	for i := range MaxFailures + 1 {
		many += failure(".", "Test"+string(rune('A'+i)), "why")
	}
	for text, want := range map[string]string{
		"[[peer]]\nmodule = \"m\"\n":                                                        "needs a module, packages",
		peer + failure(".", "TestA", ""):                                                    "needs a test and a reason",
		peer + failure("./x", "TestA", "why"):                                               "is not run",
		peer + failure(".", "T", "a") + failure(".", "T", "b"):                              "listed twice",
		peer + "[[failures]]\n":                                                             "unknown key",
		strings.TrimSuffix(peer+failure(".", "TestA/b", "why"), "\n") + "\npanics = true\n": "only a complete test",
		many: "at most 10",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// A test that ends the whole test program is on the list, and is not run.
func TestSkip(t *testing.T) {
	l := &List{Failures: []Failure{
		{Module: "m", Package: ".", Test: "TestA", Panics: true}, {Module: "m", Package: ".", Test: "TestB"},
		{Module: "m", Package: ".", Test: "TestC", Panics: true}, {Module: "m", Package: "./x", Test: "TestD", Panics: true},
	}}
	if got := l.skip("m", "."); got != "^(TestA|TestC)$" {
		t.Errorf("skip %q", got)
	}
	if got := l.skip("n", "."); got != "" {
		t.Errorf("skip %q", got)
	}
	if diff := cmp.Diff(map[string]string{"TestB": ""}, l.reasons("m", ".")); diff != "" {
		t.Error(diff)
	}
}

// events returns output of go test -json, with one event for each word: ACTION:TEST.
func events(words string) string {
	var b strings.Builder
	for _, w := range strings.Fields(words) {
		action, test, _ := strings.Cut(w, ":")
		if text, ok := strings.CutPrefix(action, "says-"); ok {
			b.WriteString(`{"Action":"output","Test":"` + test + `","Output":"    ` + text + `\n"}` + "\n")
			continue
		}
		b.WriteString(`{"Action":"` + action + `","Test":"` + test + `"}` + "\n")
	}
	return b.String()
}

func TestJudge(t *testing.T) {
	listed := map[string]string{"TestKnown/a": "not here"}
	const known = " run:TestKnown run:TestKnown/a run:TestKnown/b fail:TestKnown/a pass:TestKnown/b fail:TestKnown"
	for name, c := range map[string]struct {
		events, more            string
		reasons                 map[string]string
		leftOut                 []Failure
		passed, failed, skipped int
		problems                []string
	}{
		"known":    {events: "run:TestA pass:TestA" + known + " fail:", reasons: listed, passed: 2, failed: 1},
		"left out": {events: "run:TestA pass:TestA pass:", leftOut: []Failure{{Test: "TestP", Reason: "panics"}}, passed: 1, failed: 1},
		"left out, dead kernel": {events: "run:TestA pass:TestA fail:", leftOut: []Failure{{Test: "TestP", Reason: "panics"}}, passed: 1, failed: 1,
			problems: []string{"go test failed although no test did: it says nothing"}},
		"new": {events: "run:TestA fail:TestA" + known + " fail:", reasons: listed, passed: 1, failed: 2, problems: []string{"TestA fails"}},
		"parent by itself": {events: "run:TestA run:TestA/x pass:TestA/x fail:TestA fail:", passed: 1, failed: 1,
			problems: []string{"TestA fails"}},
		"fixed": {events: "run:TestKnown run:TestKnown/a pass:TestKnown/a pass:TestKnown pass:", reasons: listed, passed: 1,
			problems: []string{"TestKnown/a passes: take it off the list"}},
		"skipped now": {events: "run:TestKnown run:TestKnown/a skip:TestKnown/a pass:TestKnown pass:", reasons: listed, skipped: 1,
			problems: []string{"TestKnown/a is skipped: take it off the list"}},
		"gone": {events: "run:TestA pass:TestA pass:", reasons: listed, passed: 1,
			problems: []string{"TestKnown/a is on the list and did not run"}},
		"truncated": {events: "run:TestA pass:TestA run:TestB", passed: 1, failed: 1, problems: []string{"TestB did not end"}},
		"dead kernel": {events: "run:TestA pass:TestA fail:", more: "{\"Action\":\"output\",\"Output\":\"exit status 70\\n\"}\n", passed: 1,
			problems: []string{"go test failed although no test did: exit status 70"}},
		"dead kernel, known failure": {events: known + " fail:", more: "{\"Action\":\"output\",\"Output\":\"exit status 70\\n\"}\n", reasons: listed, passed: 1, failed: 1,
			problems: []string{"the guest: exit status 70"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := readResults(strings.NewReader(c.more + events(c.events)))
			if err != nil {
				t.Fatal(err)
			}
			j := judge(r, c.reasons, c.leftOut)
			if diff := cmp.Diff(c.problems, j.problems); diff != "" {
				t.Error(diff)
			}
			if got := [3]int{j.passed, j.failed, j.skipped}; got != [3]int{c.passed, c.failed, c.skipped} {
				t.Errorf("%d passed, %d failed, %d skipped", got[0], got[1], got[2])
			}
			var out bytes.Buffer
			w := ktap.NewWriter(&out)
			w.Plan(1)
			j.write(w, "m/pkg")
			report, err := ktap.Parse(&out)
			if err != nil || len(report.Problems) > 0 {
				t.Errorf("%v, %v", err, report.Problems)
			}
			if report.OK() != (len(c.problems) == 0) {
				t.Errorf("the report says %t\n%s", report.OK(), out.String())
			}
		})
	}
}

func TestQuote(t *testing.T) {
	got := quote([]string{"/a b/xpsgen", "vm", "run", "--", "/bin/sh", "-c", `true && exec "$0" "$@"`})
	if want := `"/a b/xpsgen" vm run -- /bin/sh -c 'true && exec "$0" "$@"'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLink(t *testing.T) {
	dir := t.TempDir()
	if err := link(dir, "a/link", "target"); err == nil {
		t.Error("a dangling link is created")
	}
	if err := os.MkdirAll(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "target"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := link(dir, "a/link", "target"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a", "link")); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}
