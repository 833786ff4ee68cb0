// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

func TestEndingOfProgram(t *testing.T) {
	died, other, cause := &vm.PanicError{}, errors.New("no QEMU"), errors.New("too late")
	splats := []verdict.Splat{{Pattern: "BUG: ", Text: []string{"BUG: here", "more"}, Frames: []string{"f"}}, {Pattern: "WARNING: "}}
	exit := func(code int, text string) *vm.Result { return &vm.Result{Exit: &wire.Exit{Code: code, Error: text}} }
	for name, tt := range map[string]struct {
		result     *vm.Result
		err, cause error
		splats     []verdict.Splat
		want       Ending
		wantErr    error
		kernel     bool
	}{
		"ended":               {exit(3, ""), nil, nil, nil, Ending{true, 3}, nil, false},
		"ended with 0":        {exit(0, ""), nil, nil, nil, Ending{true, 0}, nil, false},
		"not started":         {exit(0, "no such program"), nil, nil, nil, Ending{}, nil, false},
		"no word":             {&vm.Result{}, other, nil, nil, Ending{}, other, false},
		"truncated":           {&vm.Result{}, other, cause, nil, Ending{}, cause, false},
		"cause without error": {exit(0, ""), nil, cause, nil, Ending{true, 0}, nil, false},
		"kernel died":         {&vm.Result{}, died, nil, nil, Ending{}, died, true},
		"kernel reported":     {exit(1, ""), nil, nil, splats, Ending{true, 1}, nil, true},
		"both":                {&vm.Result{}, died, nil, splats, Ending{}, died, true},
	} {
		got, err := ending(tt.result, tt.err, tt.cause, tt.splats)
		var kernel *KernelError
		if got != tt.want || errors.As(err, &kernel) != tt.kernel || tt.wantErr != nil && !errors.Is(err, tt.wantErr) || tt.wantErr == nil && !tt.kernel && err != nil {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		if tt.kernel && !cmp.Equal(kernel.Splats, tt.splats) {
			t.Errorf("%s: splats %+v", name, kernel.Splats)
		}
	}
	for want, e := range map[string]*KernelError{
		"too late": {Err: cause},
		"the kernel reported: BUG: here (f); the kernel reported: WARNING: ; too late\nBUG: here\nmore": {Err: cause, Splats: splats},
		"the kernel reported: WARNING: \n": {Splats: splats[1:]},
	} {
		if got := e.Error(); got != want || e.Unwrap() != e.Err {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := (&TimeoutError{"sleep", time.Minute}).Error(); got != "sleep did not end within 1m0s" {
		t.Errorf("got %q", got)
	}
	for err, want := range map[error]bool{
		&vm.PanicError{}: true, &vm.OopsError{}: true, &vm.HangError{}: true, &vm.BootError{}: true, &vm.EarlyExitError{}: true,
		&vm.ConsoleFloodError{}: true, &vm.QEMUError{}: false, other: false,
	} {
		if kernelDied(fmt.Errorf("guest: %w", err)) != want {
			t.Errorf("%T: %v", err, !want)
		}
	}
	if !broke(fmt.Errorf("x: %w", error(&vm.QEMUError{}))) || !broke(vm.ErrKVMUnusable) || broke(died) || broke(nil) {
		t.Error("what breaks a run is wrong")
	}
}

// limited accepts some writes.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left--; l.left < 0 {
		return 0, os.ErrClosed
	}
	return l.Buffer.Write(p)
}

func TestResults(t *testing.T) {
	const first, second = "KTAP version 1\n1..1\n    1..2\n    ok 1 a\n", "    not ok 2 b\nnot ok 1 g\n"
	for name, tt := range map[string]struct {
		file, live int
		err        string
	}{
		"all is well":   {2, 2, ""},
		"nobody reads":  {2, 1, "print the results: "},
		"disk is full":  {1, 2, "keep the results: "},
		"both, at once": {0, 0, "keep the results: "},
	} {
		var events []progress.Event
		file, live := &limited{left: tt.file}, &limited{left: tt.live}
		r := &results{file: file, live: live, total: 7, step: "run", progress: func(e progress.Event) { events = append(events, e) }}
		for _, text := range []string{first, second} {
			if n, err := r.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
		if (r.err == nil) != (tt.err == "") || r.err != nil && (!errors.Is(r.err, os.ErrClosed) || !strings.HasPrefix(r.err.Error(), tt.err)) {
			t.Errorf("%s: %v", name, r.err)
		}
		want := []progress.Event{
			{Step: "run", State: progress.Advanced, Done: 1, Total: 7, Unit: "tests"}, {Step: "run", State: progress.Advanced, Done: 2, Total: 7, Unit: "tests"},
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("%s: events (-want +got)\n%s", name, diff)
		}
		report := r.close()
		if c := report.Counts(); c.Pass != 1 || c.Fail != 1 || tt.file == 2 && file.String() != first+second || tt.live == 2 && live.String() != first+second {
			t.Errorf("%s: %+v, %q, %q", name, c, file, live)
		}
	}
	r := &results{file: new(bytes.Buffer)}
	if _, err := r.Write([]byte("KTAP version 1\n1..0\n")); err != nil || r.err != nil {
		t.Errorf("nobody to print for: %v, %v", err, r.err)
	}
	for text, want := range map[string]int{
		"": 0, "\n": 0, "ok 1 group\n": 0, "  ok 1 a\n": 1, "    not ok 2 b": 1, "    okay\n    notok\n": 0, "    ok 1 a\n    # x\n    ok 2 b\nok 1 c\n": 2, "   \n": 0,
	} {
		if got := countResults([]byte(text)); got != want {
			t.Errorf("%q: %d results, want %d", text, got, want)
		}
	}
}

// The script of the kernel decodes a splat; without it, the console's lines stay.
func TestDecodeSplats(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$1 $2 $(pwd)\"\nsed 's/^/decoded /'\necho\n"
	if err := os.WriteFile(filepath.Join(dir, "decode_stacktrace.sh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	a := &prepare.Artifacts{Kernel: &build.KernelResult{Scripts: dir, Vmlinux: "vmlinux", SourceDir: "src", Dir: dir}}
	splats := []vm.Splat{{Pattern: "BUG: ", Lines: []string{"BUG: a", "b"}, Frames: []string{"f"}}}
	want := []verdict.Splat{{Pattern: "BUG: ", Text: []string{"vmlinux src " + dir, "decoded BUG: a", "decoded b"}, Frames: []string{"f"}}}
	if diff := cmp.Diff(want, decodeSplats(t.Context(), a, splats)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	a.Kernel.Scripts = "/nosuch"
	got := decodeSplats(t.Context(), a, splats)
	if len(got) != 1 || !slices.Equal(got[0].Text[:2], []string{"BUG: a", "b"}) || !strings.HasPrefix(got[0].Text[2], "(not decoded: decode the stack trace: ") {
		t.Errorf("without the script: %+v", got)
	}
	if decodeSplats(t.Context(), nil, nil) != nil {
		t.Error("nothing is decoded to something")
	}
}

func TestPlan(t *testing.T) {
	all, err := plan.Names("")
	if err != nil {
		t.Fatal(err)
	}
	one := all[0]
	for name, tt := range map[string]struct {
		opt  SuiteOptions
		want []string
	}{
		"all":        {SuiteOptions{}, all},
		"one":        {SuiteOptions{Run: plan.Exactly([]string{one})}, []string{one}},
		"none":       {SuiteOptions{NoTests: true}, nil},
		"fault":      {SuiteOptions{Fault: wire.FaultHalf}, []string{"test-1", "test-2", "test-3", "test-4"}},
		"unpatched":  {SuiteOptions{Source: prepare.Source{Unpatched: true}}, all},
		"no-applied": {SuiteOptions{Source: prepare.Source{NoApply: true}}, all},
	} {
		got, err := tt.opt.plan()
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" || tt.opt.able != "" {
			t.Errorf("%s: %v, %q (-want +got)\n%s", name, err, tt.opt.able, diff)
		}
	}
	if _, err := (&SuiteOptions{Run: "nosuch-test"}).plan(); !errors.Is(err, plan.ErrNoTests) {
		t.Errorf("no test selected: %v", err)
	}
	opt := SuiteOptions{Source: prepare.Source{Root: testenv.Root(t), Select: manifest.Selection{Only: []string{"queue"}}}}
	if _, err := opt.plan(); err == nil {
		t.Error("a series without patches is selected")
	}
	groups := map[string]bool{}
	for _, n := range all {
		group, _, _ := strings.Cut(n, "/")
		groups[group] = true
	}
	if n, err := topResults(""); n != len(groups) || err != nil {
		t.Errorf("%d groups, %v; want %d", n, err, len(groups))
	}
	if n, err := topResults("nosuch-test"); n != 0 || err == nil {
		t.Errorf("%d groups, %v", n, err)
	}
}

func TestOutcome(t *testing.T) {
	before := time.Now()
	opt := SuiteOptions{NoTests: true, Run: "x", Seed: 7, Source: prepare.Source{Unpatched: true, Fragments: []string{"debug"}}}
	got, err := opt.outcome()
	if err != nil {
		t.Fatal(err)
	}
	if got.Started.Before(before.Add(-time.Second)) || got.Started.Location() != time.UTC {
		t.Errorf("started %v", got.Started)
	}
	got.Started = time.Time{}
	want := &verdict.Outcome{
		Run: "x", Suite: len(plan.All()), Seed: 7, Report: &ktap.Report{Plan: -1}, LeakScan: true, Inputs: verdict.Inputs{Unpatched: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	opt.Seed = 0
	if got, err := opt.outcome(); err != nil || got.Seed == 0 {
		t.Errorf("no seed is drawn: %+v, %v", got, err)
	}
	for range 100 {
		if s := DrawSeed(); s < 1 || s > 999_999_999 {
			t.Fatalf("seed %d", s)
		}
	}
	if _, err := Suite(t.Context(), SuiteOptions{Run: "nosuch-test"}); !errors.Is(err, plan.ErrNoTests) {
		t.Errorf("no test: %v", err)
	}
	if _, err := Suite(t.Context(), SuiteOptions{Source: prepare.Source{Root: t.TempDir()}}); !errors.Is(err, manifest.ErrNoProject) {
		t.Errorf("no workbench: %v", err)
	}
	if failedLog(progress.Failed, "p") != "p" || failedLog(progress.Finished, "p") != "" {
		t.Error("the log is named at the wrong end")
	}
	if consoleFile(0) != "console.log" || consoleFile(1) != "console-2.log" {
		t.Error("consoles have wrong names")
	}
}

func TestTakeGuests(t *testing.T) {
	leaks := 2
	guest := func(boot time.Duration, exit *wire.Exit, err error) *guestRun {
		g := &guestRun{result: &vm.Result{Exit: exit, Accel: vm.TCG, Fallback: "no KVM", Args: []string{"qemu"}}, err: err}
		g.boot.Store(int64(boot))
		return g
	}
	cause := errors.New("died")
	for name, tt := range map[string]struct {
		guests []*guestRun
		boot   time.Duration
		leaks  int // -1: not looked for
		ended  string
	}{
		"one":            {[]*guestRun{guest(3, &wire.Exit{Leaks: &leaks}, nil)}, 3, 2, ""},
		"one, not":       {[]*guestRun{guest(3, &wire.Exit{}, nil)}, 3, -1, ""},
		"one that died":  {[]*guestRun{guest(3, nil, cause)}, 3, -1, "died"},
		"two":            {[]*guestRun{guest(3, &wire.Exit{Leaks: &leaks}, nil), guest(5, &wire.Exit{Leaks: &leaks}, nil)}, 5, 4, ""},
		"one of two":     {[]*guestRun{guest(5, &wire.Exit{Leaks: &leaks}, nil), guest(3, nil, cause)}, 5, -1, "guest 2: died"},
		"both that died": {[]*guestRun{guest(5, nil, cause), guest(3, nil, cause)}, 5, -1, "guest 1: died; guest 2: died"},
	} {
		o := &verdict.Outcome{}
		take(t.Context(), o, nil, tt.guests)
		n, ended := -1, ""
		if o.Leaks != nil {
			n = *o.Leaks
		}
		if o.Ended != nil {
			ended = o.Ended.Error()
		}
		if o.Boot != tt.boot || n != tt.leaks || ended != tt.ended || o.Guests != len(tt.guests) || o.Accel != "tcg" || o.Fallback != "no KVM" ||
			!slices.Equal(o.Inputs.QEMUCommand, []string{"qemu"}) {
			t.Errorf("%s: %+v, %d leaks, ended %q", name, o, n, ended)
		}
	}
}

func TestCheckWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (&GuestOptions{Writable: []string{dir}}).checkWritable(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"/", "/proc", "/sys/kernel", "/dev", "/dev/pts", file, "/nosuch"} {
		if err := (&GuestOptions{Writable: []string{dir, bad}}).checkWritable(); !errors.Is(err, ErrAdd) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for host, want := range map[[2]int]bool{{1, 1}: true, {3, 1}: true, {4, 1}: false, {4, 2}: false, {5, 3}: true, {6, 3}: false, {4, 0}: false} {
		if crowded(host[0], host[1]) != want {
			t.Errorf("%d CPUs of the host, %d of a guest: %v", host[0], host[1], !want)
		}
	}
}
