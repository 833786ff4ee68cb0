// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

func TestShares(t *testing.T) {
	for name, c := range map[string]struct {
		opt  SuiteOptions
		want []string
	}{
		"asked for":    {SuiteOptions{Guests: 2}, plan.Halves()},
		"refused":      {SuiteOptions{Guests: 1}, []string{""}},
		"one test":     {SuiteOptions{Guests: 2, Run: "a24"}, []string{"a24"}},
		"one group":    {SuiteOptions{Guests: 2, Run: "race/"}, []string{"race/"}},
		"two groups":   {SuiteOptions{Guests: 2, Run: "race|ip/"}, []string{"^ip$/", "^race$/"}},
		"patches":      {SuiteOptions{Guests: 2, able: "^(hook|race)$/"}, []string{"^hook$/", "^race$/"}},
		"no tests":     {SuiteOptions{Guests: 2, NoTests: true}, []string{""}},
		"a fault":      {SuiteOptions{Guests: 2, Fault: wire.FaultHang}, []string{""}},
		"a debugger":   {SuiteOptions{Guests: 2, Machine: boot.Machine{GDB: true}}, []string{""}},
		"large guests": {SuiteOptions{Machine: boot.Machine{MemoryMiB: 1 << 40}}, []string{""}},
	} {
		if got := c.opt.shares(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCrowded(t *testing.T) {
	for _, c := range []struct {
		host, guest int
		want        bool
	}{{3, 1, true}, {4, 1, false}, {4, 2, false}, {4, 3, true}, {5, 3, true}, {6, 3, false}} {
		if got := crowded(c.host, c.guest); got != c.want {
			t.Errorf("%d CPUs for two guests with %d: %v, want %v", c.host, c.guest, got, c.want)
		}
	}
}

func TestAvailable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	for text, want := range map[string]int{
		"MemTotal:       24683708 kB\nMemAvailable:   22243512 kB\n": 21722,
		"MemTotal:       24683708 kB\n":                              -1,
		"MemAvailable:   lots\n":                                     -1,
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, known := availableMiB(file)
		if !known {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestTake checks that the ends of both guests count.
func TestTake(t *testing.T) {
	run := func(boot time.Duration, err error, leaks ...int) *guestRun {
		g := &guestRun{err: err, result: &vm.Result{Accel: vm.TCG}}
		g.boot.Store(int64(boot))
		if len(leaks) > 0 {
			g.result.Exit = &wire.Exit{Leaks: &leaks[0]}
		}
		return g
	}
	died, hung := errors.New("died"), errors.New("hung")
	var o verdict.Outcome
	take(t.Context(), &o, nil, []*guestRun{run(1, nil, 2), run(3, nil, 5)})
	if o.Ended != nil || o.Boot != 3 || o.Guests != 2 || o.Leaks == nil || *o.Leaks != 7 {
		t.Errorf("two good guests: %v, boot %v, %d guests, leaks %v", o.Ended, o.Boot, o.Guests, o.Leaks)
	}
	o = verdict.Outcome{}
	take(t.Context(), &o, nil, []*guestRun{run(1, died, 0), run(3, hung)})
	if !errors.Is(o.Ended, died) || !errors.Is(o.Ended, hung) || o.Ended.Error() != "guest 1: died; guest 2: hung" {
		t.Errorf("two bad guests: %v", o.Ended)
	}
	if o.Leaks != nil {
		t.Errorf("%d leaks although one guest did not look", *o.Leaks)
	}
	o = verdict.Outcome{}
	take(t.Context(), &o, nil, []*guestRun{run(1, died)})
	if o.Ended != died {
		t.Errorf("one bad guest: %v", o.Ended)
	}
}

// TestGuestOneOfTwo has one of two guests go wrong: what the other found must
// not be lost, nor hide it.
func TestGuestOneOfTwo(t *testing.T) {
	src := requireVM(t)
	ctx := t.Context()
	a, err := prepare.All(ctx, src)
	if err != nil {
		t.Fatal(err)
	}
	spec := boot.SuiteSpec(a)
	file, _, _, err := image.Cached(ctx, filepath.Join(src.Cache, "image"), spec)
	if err != nil {
		t.Fatal(err)
	}
	opt := SuiteOptions{Source: src, Machine: boot.Machine{Accel: "tcg"}, Out: t.TempDir()}
	var parser ktap.Parser
	guests, err := opt.runGuests(ctx, []string{string(wire.FaultPoweroff), "baseline"}, &parser, func(share string) *vm.Machine {
		m := opt.Machine.Describe(&src, a, file)
		m.Config = wire.Config{Mode: wire.ModeSuite, Run: share, Seed: 1}
		if share != "baseline" {
			m.Config = wire.Config{Mode: wire.ModeFault, Fault: wire.Fault(share)}
		}
		return m
	})
	if err != nil {
		t.Fatal(err)
	}
	var early *vm.EarlyExitError
	if !errors.As(guests[0].err, &early) {
		t.Errorf("the guest that powers off: %v", guests[0].err)
	}
	if guests[1].err != nil {
		t.Errorf("the other guest: %v", guests[1].err)
	}
	report := parser.Close()
	if len(report.Problems) == 0 {
		t.Error("no problem with half a report")
	}
	want, err := plan.Names("baseline")
	if err != nil {
		t.Fatal(err)
	}
	if missing, _ := report.Compare(want); len(missing) > 0 {
		t.Errorf("lost: %s", strings.Join(missing, ", "))
	}
	for i := range guests {
		if info, err := os.Stat(filepath.Join(opt.Out, consoleFile(i))); err != nil {
			t.Error(err)
		} else if info.Size() == 0 {
			t.Errorf("%s is empty", consoleFile(i))
		}
	}
}
