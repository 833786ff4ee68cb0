// SPDX-License-Identifier: GPL-2.0-only OR MIT

package verdict

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
)

// What Write stores, Read returns.
func TestRoundTrip(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "below", "results")
	if err := Clear(dir); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("CONFIG_XPS=y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report := &ktap.Report{Plan: 3, Tests: []ktap.Test{
		{Name: "one", Status: ktap.Pass}, {Name: "two", Status: ktap.Fail, Diag: []string{"why"}}, {Name: "three", Status: ktap.Skip, Reason: "no tun"},
	}}
	leaks := 2
	o := &Outcome{
		Reasons: []string{"1 failed: two", "1 skipped"}, Report: report, Planned: []string{"one", "two", "three"},
		Run: "t", Suite: 7, Seed: 99, Started: time.Date(2026, 11, 30, 1, 2, 3, 4, time.UTC), Accel: "kvm",
		Boot: 1500 * time.Millisecond, Total: 90 * time.Second, Guests: 2, Leaks: &leaks,
		Steps:  []progress.StepTime{{Step: "build", Elapsed: time.Second}, {Step: "fetch", Cached: true}},
		Inputs: Inputs{Base: "6.12", KernelRelease: "6.12.0-xps", KernelPatches: []string{"abc  0001.patch"}},
		Splats: []Splat{{Pattern: "BUG: ", Text: []string{"BUG: here"}, Frames: []string{"f", "g"}}},
	}
	if err := o.Write(dir, config); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{ConsoleFile: "first\n", Console2File: "second\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := os.Create(filepath.Join(dir, KTAPFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(report.Write(stream), stream.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := &Results{
		Reasons: o.Reasons, Counts: ktap.Counts{Pass: 1, Fail: 1, Skip: 1}, Planned: 3, Run: "t", Suite: 7, Seed: 99,
		Started: o.Started, Accel: "kvm", Boot: o.Boot, Total: o.Total, Steps: o.Steps, Inputs: o.Inputs, Splats: o.Splats,
		Report: report, Console: "first\nsecond\n", Config: "CONFIG_XPS=y\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, mode := range map[string]os.FileMode{".": os.ModeDir | 0o755, JSONFile: 0o644, JUnitFile: 0o644, ConfigFile: 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: mode %v, %v; want %v", name, info.Mode(), err, mode)
		}
	}
	junit, err := os.ReadFile(filepath.Join(dir, JUnitFile))
	if err != nil || !strings.Contains(string(junit), "BUG: here (f &lt; g)") {
		t.Errorf("%v, junit.xml does not show the splat:\n%s", err, junit)
	}
}

func TestWritePassed(t *testing.T) {
	dir := t.TempDir()
	o := &Outcome{Report: &ktap.Report{}}
	if err := o.Write(dir, ""); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil || !got.Passed || got.Config != "" || got.Console != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := o.Write(dir, filepath.Join(dir, "nosuch")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no kernel configuration: %v", err)
	}
	for _, blocked := range []string{JSONFile, JUnitFile} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, blocked), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := o.Write(dir, ""); err == nil {
			t.Errorf("%s cannot be written, and Write succeeds", blocked)
		}
	}
}

func TestReadErrors(t *testing.T) {
	if _, err := Read(t.TempDir()); !errors.Is(err, ErrNoResults) {
		t.Errorf("empty directory: %v", err)
	}
	for name, tt := range map[string]struct {
		files map[string]string // a name that ends in / is a directory
		want  string
	}{
		"results are a directory": {map[string]string{JSONFile + "/": ""}, "is a directory"},
		"not JSON":                {map[string]string{JSONFile: "{"}, JSONFile},
		"console is a directory":  {map[string]string{JSONFile: "{}", ConsoleFile + "/": ""}, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				path := filepath.Join(dir, name)
				err := error(nil)
				if strings.HasSuffix(name, "/") {
					err = os.Mkdir(path, 0o755)
				} else {
					err = os.WriteFile(path, []byte(text), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			got, err := Read(dir)
			if got != nil || err == nil || errors.Is(err, ErrNoResults) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want an error about %s", got, err, tt.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	passed := ktap.Test{Name: "one", Status: ktap.Pass}
	failed := ktap.Test{Name: "two", Status: ktap.Fail}
	skipped := ktap.Test{Name: "three", Status: ktap.Skip}
	for name, tt := range map[string]struct {
		outcome Outcome
		want    string
	}{
		"passed": {
			Outcome{Report: &ktap.Report{Tests: []ktap.Test{passed}}, Planned: []string{"one"}, Accel: "kvm", Total: 1500 * time.Millisecond},
			"6.12.0: 1 passed of 1 planned, kvm, 1.5 s",
		},
		"one of each": {
			Outcome{Report: &ktap.Report{Tests: []ktap.Test{passed, failed, skipped}}, Planned: []string{"one", "two", "three"}, Accel: "tcg"},
			"6.12.0: 1 passed, 1 failed, 1 skipped of 3 planned, tcg, 0.0 s",
		},
		"unpatched": {
			Outcome{Report: &ktap.Report{}, Inputs: Inputs{Unpatched: true}, Accel: "tcg"},
			"6.12.0 without the series: 0 passed of 0 planned, tcg, 0.0 s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.outcome.Inputs.KernelRelease = "6.12.0"
			if got := tt.outcome.Summary(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	o := Outcome{Report: &ktap.Report{}, Planned: []string{"one"}, Run: "o.*", Suite: 9}
	if got := o.Summary(); !strings.Contains(got, "PARTIAL") || !strings.Contains(got, "o.*") || !strings.Contains(got, "1 of 9 tests") {
		t.Errorf("a partial run: %s", got)
	}
	o = Outcome{Report: &ktap.Report{}, Planned: []string{"one"}, Suite: 9, Lacking: true}
	if got := o.Summary(); strings.Contains(got, "PARTIAL") || !strings.Contains(got, "1 of 9 tests") {
		t.Errorf("a kernel that lacks patches: %s", got)
	}
}

func TestFind(t *testing.T) {
	o := Outcome{Report: &ktap.Report{Tests: []ktap.Test{
		{Name: "pass", Status: ktap.Pass},
		{Name: "reason", Status: ktap.Skip, Reason: "no tun", Diag: []string{"more"}},
		{Name: "diag", Status: ktap.Fail, Diag: []string{"first", "second"}},
		{Name: "one line", Status: ktap.Fail, Diag: []string{"only"}},
	}}}
	for name, want := range map[string]struct {
		status ktap.Status
		reason string
	}{
		"pass": {ktap.Pass, ""}, "reason": {ktap.Skip, "no tun"}, "diag": {ktap.Fail, "first"}, "one line": {ktap.Fail, "only"}, "other": {ktap.Skip, "not reported"},
	} {
		if status, reason := o.Find(name); status != want.status || reason != want.reason {
			t.Errorf("%s: got %v, %q; want %v, %q", name, status, reason, want.status, want.reason)
		}
	}
}

// The reasons are complete, and the most severe comes first.
func TestReasons(t *testing.T) {
	leaks := 1
	o := &Outcome{
		Report:  parse(t, "KTAP version 1\n1..2\nok 1 one\nnot ok 2 two\n"),
		Planned: []string{"one", "two"}, LeakScan: true, Leaks: &leaks,
		Splats: []Splat{
			{Pattern: "BUG: ", Text: []string{"before", "[    1.500000] BUG: first", "BUG: second"}, Frames: []string{"inner", "outer"}},
			{Pattern: "WARNING: ", Text: []string{"WARNING: at dev.c"}},
		},
	}
	o.Judge()
	want := []string{
		"the kernel reported: BUG: first (inner < outer)",
		"the kernel reported: WARNING: at dev.c",
		"1 kernel objects leaked (see kmemleak's report on the console)",
		"1 failed: two",
	}
	if diff := cmp.Diff(want, o.Reasons); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Only a test that is reported can be failed.
	for _, o := range []*Outcome{
		{Report: &ktap.Report{}, Planned: []string{"one"}},
		{Report: parse(t, "KTAP version 1\n1..1\nnot ok 1 one\n")},
	} {
		o.Judge()
		text := strings.Join(o.Reasons, "\n")
		if reported := len(o.Report.Tests) > 0; strings.Contains(text, "failed") != reported || len(o.Reasons) == 0 {
			t.Errorf("got %q", text)
		}
	}
	// With nothing planned and nothing reported there is nothing to judge.
	empty := &Outcome{Report: &ktap.Report{}}
	if empty.Judge(); !empty.Passed() {
		t.Errorf("got %q", empty.Reasons)
	}
}
