// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package bench counts what choosing a transmit queue costs, in instructions per packet.
// It measures the hook and the other ways to choose a queue, on the kernel with the
// series and on the base kernel.
//
// A count does not depend on the load of the machine. QEMU advances the guest's clock by
// one nanosecond per instruction. The program in the guest (vmtest/guest/bench) discards
// rounds with an interrupt.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/vm"
)

// Options describe a run.
type Options struct {
	// Source is the tree with the series. Run builds the base kernel from it too.
	Source prepare.Source
	// Rounds is how many rounds without an interrupt each figure needs; 0 means
	// [DefaultRounds].
	Rounds int
	// Only selects measurements by a pattern CONTENDER/PATH, as in path.Match; empty
	// means all.
	Only string
}

// DefaultRounds is the default of [Options.Rounds].
const DefaultRounds = 8

// guestPackage is the program that counts in the guest.
const guestPackage = "./vmtest/guest/bench"

// fragment is the Kconfig fragment for measuring; patches is the directory of the kernel
// patches for measuring.
const (
	fragment = "bench"
	patches  = "vmtest/bench/kernel"
)

// Run measures both kernels.
func Run(ctx context.Context, opt Options) (*Results, error) {
	if opt.Rounds == 0 {
		opt.Rounds = DefaultRounds
	}
	r := &Results{Base: opt.Source.Name()}
	if err := opt.Source.Validate(); err != nil {
		return nil, err
	}
	plain, err := opt.Source.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	if r.Tree, err = plain.TreeID(ctx); err != nil {
		return nil, err
	}
	extra, err := filepath.Glob(filepath.Join(opt.Source.Root, patches, "*.patch"))
	if err != nil {
		return nil, fmt.Errorf("benchmark patches: %w", err)
	}
	opt.Source.Fragments = append(opt.Source.Fragments[:len(opt.Source.Fragments):len(opt.Source.Fragments)], fragment)
	opt.Source.KernelExtra = append(opt.Source.KernelExtra[:len(opt.Source.KernelExtra):len(opt.Source.KernelExtra)], extra...)
	alternatives, err := opt.alternatives()
	if err != nil {
		return nil, err
	}
	program, err := build.Guest(ctx, build.GuestOptions{
		Root: opt.Source.Root, Cache: opt.Source.Cache, Package: guestPackage, Progress: opt.Source.Progress,
	})
	if err != nil {
		return nil, err
	}
	if err := opt.kernels(ctx, r, alternatives, program, run.Program); err != nil {
		return nil, err
	}
	return r, r.check()
}

// guest runs a program in a guest. It is [run.Program], or a test's.
type guest func(context.Context, run.ProgramOptions) (run.Ending, error)

// kernels measures the base kernel, the kernel with the series, and one kernel for each
// alternative. It adds the figures to r.
func (opt *Options) kernels(ctx context.Context, r *Results, alternatives []string, program string, guest guest) error {
	for _, k := range []struct {
		unpatched bool
		to        *[]Figure
	}{{true, &r.Unpatched}, {false, &r.Patched}} {
		src := opt.Source
		src.Unpatched = k.unpatched
		figures, err := measure(ctx, opt, src, program, guest)
		if err != nil {
			return err
		}
		*k.to = figures
	}
	for _, key := range alternatives {
		src := opt.Source
		src.Select = manifest.Selection{With: []string{key}}
		src.Fragments = append(slices.Clone(src.Fragments), btfFragment)
		figures, err := measure(ctx, opt, src, program, guest)
		if err != nil {
			return err
		}
		r.Patched = append(r.Patched, figures...)
	}
	return nil
}

// btfFragment is the Kconfig fragment that alternatives to the hook need.
const btfFragment = "btf"

// alternatives are the keys of the alternatives to measure: those of the base if the whole
// stack is measured, as far as opt.Only selects them. A contender has the key of its
// series as its name.
func (opt *Options) alternatives() ([]string, error) {
	if !opt.Source.Select.IsZero() || opt.Source.KernelDir != "" {
		return nil, nil
	}
	all, err := opt.Source.Alternatives()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(key string) bool { return !record.Selects(opt.Only, key) }), nil
}

// measure boots one kernel and returns its figures.
func measure(ctx context.Context, opt *Options, src prepare.Source, program string, guest guest) ([]Figure, error) {
	step := "bench " + src.Name()
	args := []string{program, "-rounds", strconv.Itoa(opt.Rounds), "-run", opt.Only}
	if src.Unpatched {
		args = append(args, "-unpatched")
	}
	if key := src.Loader(); key != "" {
		args = append(args, "-alternative", key)
	}
	out := &collector{step: step, progress: src.Progress}
	var complaints strings.Builder
	done := src.Progress.Step(step, "")
	var end run.Ending
	err := tryTwice(src.Progress, step, func() (err error) {
		end, err = guest(ctx, run.ProgramOptions{
			GuestOptions: run.GuestOptions{
				Source:  src,
				Machine: boot.Machine{Accel: "tcg", CPUs: 1, MemoryMiB: 1024, InstructionClock: true},
			},
			// Reading the host's files would count as well.
			Closed: true,
			Args:   args, Stdout: out, Stderr: &complaints,
		})
		return err
	})
	switch {
	case err != nil:
	case end.Code != 0:
		err = fmt.Errorf("exit status %d: %s", end.Code, strings.TrimSpace(complaints.String()))
	case out.err != nil:
		err = out.err
	// A selection may have no contender of this kernel.
	case len(out.figures) != out.plan || out.plan == 0 && opt.Only == "":
		err = fmt.Errorf("received %d of %d figures", len(out.figures), out.plan)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", step, err)
	}
	done(&err)
	return out.figures, err
}

// tryTwice runs a guest, and retries once if the guest wrote nothing. On an overloaded
// machine QEMU's instruction clock can stand still while the guest calibrates its timer.
// A guest that wrote a line has begun to count and is not retried.
func tryTwice(p progress.Func, step string, run func() error) error {
	err := run()
	var mute *vm.BootError
	if !errors.As(err, &mute) || mute.Exited {
		return err
	}
	p.Emit(progress.Event{Step: step, State: progress.Notice, Text: err.Error() + "; retrying once"})
	return run()
}

// collector reads the guest's lines as they arrive.
type collector struct {
	step     string
	progress progress.Func
	rest     []byte
	plan     int
	figures  []Figure
	err      error
}

// Write never fails. The caller checks err at the end.
func (c *collector) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for {
		line, rest, found := strings.Cut(string(c.rest), "\n")
		if !found {
			return len(b), nil
		}
		c.rest = []byte(rest)
		c.err = errors.Join(c.err, c.line(line))
	}
}

func (c *collector) line(text string) error {
	var l record.Line
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return fmt.Errorf("invalid line %q: %w", text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("invalid line %q: more than one value", text)
	}
	switch {
	case l.Plan != 0:
		c.plan = l.Plan
	case l.Begin != nil:
		c.progress.Emit(progress.Event{Step: c.step, State: progress.Advanced,
			Done: int64(len(c.figures)), Total: int64(c.plan), Unit: "figures"})
	case l.Result != nil:
		c.figures = append(c.figures, newFigure(l.Result))
	}
	return nil
}
