// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package boots compares how long guests take to boot, by machine, kernel image
// and tool.
package boots

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

// Options describe a comparison of ways to boot.
type Options struct {
	Source prepare.Source
	// Rounds is how often each way boots; 0 means 10.
	Rounds int
	// Accel is as in [boot.Machine]. Empty means "tcg", so that all ways use the same
	// acceleration.
	Accel string
	// Run is the command that runs a program in a guest of Source, without the program:
	// "xpsgen vm run ... --". Empty leaves that way out.
	Run []string
	// Only selects ways by name, see [Names]; empty means all.
	Only []string
}

// Names are the names of all ways.
func Names() []string {
	return []string{"bare", "verdict", "hello", "bzimage", "gzip", "q35", "q35-bzimage", "run", "virtme-ng", "vimto"}
}

// Time is the boot time of one way to boot.
type Time struct {
	// Name identifies the way: "bare", "verdict", "q35".
	Name string `json:"name"`
	// What describes the way in a few words.
	What string `json:"what"`
	// Min and Median are times from the start to the end of QEMU or of the tool.
	Min    time.Duration `json:"min_ns"`
	Median time.Duration `json:"median_ns"`
	// Ratio is Median divided by the Median of the first way. If all ways take part, the
	// first one is the bare boot.
	Ratio float64 `json:"ratio"`
}

// Read reads the JSON results of a comparison. The error wraps [fs.ErrNotExist] if there
// are none.
func Read(file string) ([]Time, error) {
	return cache.ReadJSON[[]Time](file, "boot times")
}

// way is one way to boot.
type way struct {
	name, what string
	boot       func(context.Context) error
	// other marks a tool of other projects. It drops out of the comparison when one
	// of its boots fails.
	other bool
}

// Compare boots in each way in turn, so that a busy machine slows all of them alike. It
// returns the times in the order of [Names]. Tools of other projects take part if they are
// installed.
func Compare(ctx context.Context, opt Options) ([]Time, error) {
	if opt.Rounds == 0 {
		opt.Rounds = 10
	}
	if opt.Accel == "" {
		opt.Accel = string(vm.TCG)
	}
	a, err := prepare.All(ctx, opt.Source)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "xpsgen-boots-")
	if err != nil {
		return nil, fmt.Errorf("compare boots: %w", err)
	}
	defer os.RemoveAll(dir)
	ways, err := opt.ways(ctx, a, dir)
	if err != nil {
		return nil, err
	}
	return measure(ctx, opt.chosen(ways), opt.Rounds, opt.Source.Progress)
}

// chosen returns the ways that take part.
func (opt *Options) chosen(ways []way) []way {
	return slices.DeleteFunc(ways, func(w way) bool { return !opt.wants(w.name) })
}

// wants reports whether a way takes part.
func (opt *Options) wants(name string) bool {
	return len(opt.Only) == 0 || slices.Contains(opt.Only, name)
}

// droppedOut reports a tool that is left out of the results.
const droppedOut = "left out %s: its boot in round %d failed: %v"

// measure boots in each way once per round. Only other projects' tools may fail.
func measure(ctx context.Context, ways []way, rounds int, p progress.Func) (_ []Time, err error) {
	const step = "compare boots"
	defer p.Step(step, fmt.Sprintf("%d ways, %d rounds", len(ways), rounds))(&err)
	if len(ways) == 0 {
		return nil, errors.New("compare boots: none of the chosen ways can boot")
	}
	times := make([][]time.Duration, len(ways))
	dropped := make([]bool, len(ways))
	total := int64(rounds * len(ways))
	for round := range rounds {
		for i := range ways {
			// Rotate the order, so that each way is the first one in some rounds.
			w := (i + round) % len(ways)
			if !dropped[w] {
				start := time.Now()
				err := ways[w].boot(ctx)
				switch {
				case err == nil:
					times[w] = append(times[w], time.Since(start))
				case ctx.Err() != nil || !ways[w].other:
					return nil, fmt.Errorf("%s: %w", ways[w].name, err)
				default:
					dropped[w] = true
					p.Emit(progress.Event{Step: step, State: progress.Notice,
						Text: fmt.Sprintf(droppedOut, ways[w].name, round+1, err)})
				}
			}
			p.Emit(progress.Event{Step: step, State: progress.Advanced,
				Done: int64(round*len(ways) + i + 1), Total: total, Unit: "boots"})
		}
	}
	var all []Time
	for i, w := range ways {
		if dropped[i] {
			continue
		}
		b := Time{Name: w.name, What: w.what, Min: slices.Min(times[i]), Median: medianOf(times[i])}
		b.Ratio = 1
		if len(all) > 0 {
			b.Ratio = float64(b.Median) / float64(all[0].Median)
		}
		all = append(all, b)
	}
	return all, nil
}

func medianOf(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}

// ways lists the ways to boot. The first is the reference.
func (opt *Options) ways(ctx context.Context, a *prepare.Artifacts, dir string) ([]way, error) {
	spec := boot.SuiteSpec(a)
	file, _, _, err := image.Cached(ctx, filepath.Join(opt.Source.Cache, "image"), spec)
	if err != nil {
		return nil, fmt.Errorf("guest image: %w", err)
	}
	packed := filepath.Join(dir, "image.gz")
	if err := compress(packed, file); err != nil {
		return nil, err
	}
	var ways []way
	for _, g := range opt.bareGuests(a, file, packed) {
		ways = append(ways, way{name: g.name, what: g.what, boot: g.run})
	}
	ways = slices.Insert(ways, 1, way{name: "verdict", what: "the same, with an empty suite, until the verdict", boot: func(ctx context.Context) error {
		empty := run.SuiteOptions{Source: opt.Source, Machine: boot.Machine{Accel: opt.Accel}, NoTests: true, Out: dir}
		empty.Source.Progress = nil
		return passed(run.Prepared(ctx, empty, a))
	}})
	if len(opt.Run) > 0 {
		ways = append(ways, way{name: "run", what: "xpsgen vm run, the host's files, " + trueProgram, boot: func(ctx context.Context) error {
			return command(ctx, append(slices.Clip(opt.Run), trueProgram), nil)
		}})
	}
	others, err := opt.otherTools(ctx, a)
	if err != nil {
		return nil, err
	}
	return append(ways, others...), nil
}

// passed returns an error if the suite could not run or did not pass.
func passed(o *verdict.Outcome, err error) error {
	if err == nil && !o.Passed() {
		err = fmt.Errorf("run empty suite: %s", o.Reasons[0])
	}
	return err
}

// bareGuest is a guest in which init powers off at once.
type bareGuest struct {
	name, what string
	machine    *vm.Machine
}

// run boots the guest. A guest of [wire.ModeBarePoweroff] powers off without a message,
// which vm reports as an error.
func (g *bareGuest) run(ctx context.Context) error {
	_, err := g.machine.Run(ctx)
	if g.machine.Config.Mode == wire.ModeBarePoweroff {
		return context.Cause(ctx)
	}
	return err
}

// bareGuests describes the guests with the image in file. packed is the same image,
// compressed.
func (opt *Options) bareGuests(a *prepare.Artifacts, file, packed string) []bareGuest {
	guests := []bareGuest{
		{name: "bare", what: "microvm, vmlinux by its PVH entry, plain image; init powers off"},
		{name: "hello", what: "the same; init prints hello and powers off"},
		{name: "bzimage", what: "hello, self-extracting bzImage"},
		{name: "gzip", what: "hello, image compressed"},
		{name: "q35", what: "hello, on a PC"},
		{name: "q35-bzimage", what: "hello, bzImage on a PC"},
	}
	for i := range guests {
		m := (&boot.Machine{Accel: opt.Accel}).Describe(&opt.Source, a, file)
		m.Config, m.Console = wire.Config{Mode: wire.ModePoweroff}, io.Discard
		switch guests[i].name {
		case "bare":
			m.Config.Mode = wire.ModeBarePoweroff
		case "bzimage":
			m.Vmlinux = ""
		case "gzip":
			m.Initrds = []string{packed}
		case "q35":
			m.Type = vm.Q35
		case "q35-bzimage":
			m.Type, m.Vmlinux = vm.Q35, ""
		}
		guests[i].machine = m
	}
	return guests
}

func compress(to, from string) (err error) {
	in, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("compress the image: %w", err)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err = z.Write(in); err == nil {
		err = z.Close()
	}
	if err == nil {
		err = os.WriteFile(to, out.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("compress the image: %w", err)
	}
	return nil
}
