// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

// guestRun is a guest that runs the suite, or its share of it.
type guestRun struct {
	machine *vm.Machine
	console *os.File
	// boot is the time from the start of the first guest to the first message
	// of this one.
	boot atomic.Int64
	// report receives the results. It is closed at the end of the report. May be nil.
	report io.Closer

	running *vm.Running
	ended   chan struct{}
	// result and err are valid once ended is closed.
	result *vm.Result
	err    error
}

// consoleFile is where the console of a guest goes.
func consoleFile(guest int) string {
	if guest == 0 {
		return verdict.ConsoleFile
	}
	return verdict.Console2File
}

// shares returns the pattern of tests for each guest. TCG runs all CPUs of a guest on one
// CPU of the host, so many tests use two guests.
func (opt *SuiteOptions) shares() []string {
	one := []string{opt.selected()}
	if opt.NoTests || opt.Fault != "" || opt.Machine.GDB || opt.Guests == 1 {
		return one
	}
	if opt.Guests != 2 && !roomForTwo(opt.Machine.Fit(opt.Source.Checkers()).MemoryMiB) {
		return one
	}
	names, err := plan.Names(opt.selected())
	if err != nil {
		return one // the guest reports it
	}
	if two := plan.Shares(names); two != nil {
		return two
	}
	return one
}

// selected is the pattern of the tests to run.
func (opt *SuiteOptions) selected() string { return cmp.Or(opt.able, opt.Run) }

// sparedMiB is the memory that two guests leave to other programs.
const sparedMiB = 1024

// roomForTwo reports whether the host has a CPU and memory for each of two guests.
func roomForTwo(memoryMiB int) bool {
	free, known := availableMiB("/proc/meminfo")
	return runtime.NumCPU() >= 2 && (!known || free >= 2*memoryMiB+sparedMiB)
}

// availableMiB returns the kernel's MemAvailable.
func availableMiB(meminfo string) (mib int, known bool) {
	data, err := os.ReadFile(meminfo)
	if err != nil {
		return 0, false
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:")
		if !ok {
			continue
		}
		kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
		return kib >> 10, err == nil
	}
	return 0, false
}

// runGuests starts a guest for each share and waits for all of them. Results go
// to sink. An error of the workbench ends all guests and is returned. Each
// guestRun says how its guest ended.
func (opt *SuiteOptions) runGuests(ctx context.Context, shares []string, sink io.Writer, describe func(share string) *vm.Machine) (_ []*guestRun, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reports := []*ktap.MergerSource{nil}
	if len(shares) > 1 {
		groups, err := topResults(opt.selected())
		if err != nil {
			return nil, err
		}
		_, reports = ktap.NewMerger(sink, groups, len(shares))
	}
	start := time.Now()
	var guests []*guestRun
	defer func() {
		if err != nil {
			cancel()
		}
		for _, g := range guests {
			<-g.ended
			err = errors.Join(err, g.console.Close())
		}
	}()
	for i, share := range shares {
		g := &guestRun{machine: describe(share), ended: make(chan struct{})}
		if g.console, err = os.Create(filepath.Join(opt.Out, consoleFile(i))); err != nil {
			return nil, fmt.Errorf("results directory: %w", err)
		}
		g.machine.Console, g.machine.Result = g.console, sink
		if reports[i] != nil {
			g.machine.Result, g.report = reports[i], reports[i]
		}
		g.machine.OnHello = func(wire.Hello) { g.boot.Store(int64(time.Since(start))) }
		if g.running, err = g.machine.Start(ctx); err != nil {
			return nil, errors.Join(err, g.console.Close())
		}
		guests = append(guests, g)
		go g.wait(cancel)
		if g.running.Accel() == vm.KVM && i+1 < len(shares) && crowded(runtime.NumCPU(), g.machine.CPUs) {
			<-g.ended
		}
	}
	for _, g := range guests {
		<-g.ended
		if broke(g.err) {
			return nil, g.err
		}
	}
	return guests, nil
}

// crowded reports whether a host with that many CPUs is too small for two guests under
// KVM with guest CPUs each. The CPUs of a guest must run at the same time to race.
func crowded(host, guest int) bool { return host < 2*max(guest, 2) }

// wait waits for g and stores its result. If the workbench failed, it ends the other
// guests, too.
func (g *guestRun) wait(cancel func()) {
	defer close(g.ended)
	g.result, g.err = g.running.Wait()
	if g.report != nil {
		g.err = errors.Join(g.err, g.report.Close())
	}
	if broke(g.err) {
		cancel()
	}
}

// broke reports whether err is the workbench's and not the guest's.
func broke(err error) bool {
	var broken *vm.QEMUError
	return errors.As(err, &broken) || errors.Is(err, vm.ErrKVMUnusable)
}

// topResults counts the results of the outermost level that run selects.
func topResults(run string) (int, error) {
	names, err := plan.Names(run)
	if err != nil {
		return 0, err
	}
	groups := make(map[string]bool)
	for _, name := range names {
		group, _, _ := strings.Cut(name, "/")
		groups[group] = true
	}
	return len(groups), nil
}

// take fills in the findings of the guests.
func take(ctx context.Context, o *verdict.Outcome, a *prepare.Artifacts, guests []*guestRun) {
	leaks, looked := 0, true
	for i, g := range guests {
		o.Boot = max(o.Boot, time.Duration(g.boot.Load()))
		o.Splats = append(o.Splats, decodeSplats(ctx, a, g.result.Splats)...)
		if exit := g.result.Exit; exit != nil && exit.Leaks != nil {
			leaks += *exit.Leaks
		} else {
			looked = false
		}
		switch {
		case g.err == nil:
		case len(guests) == 1:
			o.Ended = g.err
		case o.Ended == nil:
			o.Ended = fmt.Errorf("guest %d: %w", i+1, g.err)
		default:
			o.Ended = fmt.Errorf("%w; guest %d: %w", o.Ended, i+1, g.err)
		}
	}
	if looked {
		o.Leaks = &leaks
	}
	o.Guests = len(guests)
	o.Accel, o.Fallback = string(guests[0].result.Accel), guests[0].result.Fallback
	o.Inputs.QEMUCommand = guests[0].result.Args
}
