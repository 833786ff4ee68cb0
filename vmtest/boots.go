// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"xpsgen/vmtest/build/image"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/vm"
)

// BootOptions describe a comparison of ways to boot.
type BootOptions struct {
	Source Source
	// Rounds is how often each way is taken, one after the other in each
	// round; 0 means 10.
	Rounds int
	// Accel is as in [Machine]; empty means "tcg", so that all ways are
	// accelerated alike.
	Accel string
}

// BootTime is what one way took.
type BootTime struct {
	// Name says which: "bare", "verdict", "q35".
	Name string `json:"name"`
	// What says in a few words what was booted and what for.
	What string `json:"what"`
	// Min and Median are of the time from the start of QEMU, or of the tool,
	// to its end.
	Min    time.Duration `json:"min_ns"`
	Median time.Duration `json:"median_ns"`
	// Ratio is Median over that of the bare boot.
	Ratio float64 `json:"ratio"`
}

// ReadBoots reads what a comparison left as JSON. The error wraps
// [fs.ErrNotExist] if there was none.
func ReadBoots(file string) ([]BootTime, error) {
	return readTimes[BootTime](file, "boot times")
}

func readTimes[T any](file, what string) ([]T, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	var times []T
	if err := json.Unmarshal(data, &times); err != nil {
		return nil, fmt.Errorf("read %s: %s: %w", what, file, err)
	}
	return times, nil
}

// bootWay is one way to boot.
type bootWay struct {
	name, what string
	boot       func(context.Context) error
	// other marks the tool of others: when one of its boots fails it drops out
	// of the comparison, which goes on.
	other bool
}

// CompareBoots takes each way in turn, so that a busy machine slows all of them
// alike, and returns what they took, the bare boot first. Of other tools those
// take part that are installed.
func CompareBoots(ctx context.Context, opt BootOptions) ([]BootTime, error) {
	if opt.Rounds == 0 {
		opt.Rounds = 10
	}
	if opt.Accel == "" {
		opt.Accel = string(vm.TCG)
	}
	a, err := Prepare(ctx, opt.Source)
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
	return measureBoots(ctx, ways, opt.Rounds, opt.Source.Progress)
}

// droppedOut says why a tool that took part is not in the results.
const droppedOut = "no %s in this comparison: its boot of round %d failed: %v"

// measureBoots takes each way once a round. Ways of our own must not fail.
func measureBoots(ctx context.Context, ways []bootWay, rounds int, p progress.Func) (_ []BootTime, err error) {
	const step = "compare boots"
	defer p.Step(step, fmt.Sprintf("%d ways, %d rounds", len(ways), rounds))(&err)
	times := make([][]time.Duration, len(ways))
	dropped := make([]bool, len(ways))
	total := int64(rounds * len(ways))
	for round := range rounds {
		for i := range ways {
			// Each way follows each other one now and then.
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
	var all []BootTime
	for i, w := range ways {
		if dropped[i] {
			continue
		}
		b := BootTime{Name: w.name, What: w.what, Min: slices.Min(times[i]), Median: medianOf(times[i])}
		b.Ratio = float64(b.Median) / float64(medianOf(times[0]))
		all = append(all, b)
	}
	return all, nil
}

func medianOf(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}

// ways lists them, the yardstick first.
func (opt *BootOptions) ways(ctx context.Context, a *Artifacts, dir string) ([]bootWay, error) {
	spec, err := a.suiteSpec()
	if err != nil {
		return nil, err
	}
	file, _, _, err := image.Cached(ctx, filepath.Join(opt.Source.Cache, "image"), spec)
	if err != nil {
		return nil, fmt.Errorf("make the guest's image: %w", err)
	}
	packed := filepath.Join(dir, "image.gz")
	if err := compress(packed, file); err != nil {
		return nil, err
	}
	machine := Machine{Accel: opt.Accel}
	bare := func(change func(*vm.Machine)) func(context.Context) error {
		return func(ctx context.Context) error {
			m := machine.describe(&opt.Source, a, file)
			m.Config = wire.Config{Mode: wire.ModePoweroff}
			m.Console = io.Discard
			change(m)
			_, err := m.Run(ctx)
			return err
		}
	}
	ways := []bootWay{
		{name: "bare", what: "microvm, vmlinux by its PVH entry, plain image; init powers off", boot: func(ctx context.Context) error {
			m := machine.describe(&opt.Source, a, file)
			m.Config = wire.Config{Mode: wire.ModeBarePoweroff}
			m.Console = io.Discard
			// It powers off without a word, which is an error to vm.
			_, _ = m.Run(ctx)
			return context.Cause(ctx)
		}},
		{name: "verdict", what: "the same to the verdict on an empty suite", boot: func(ctx context.Context) error {
			o := &Outcome{}
			suite := SuiteOptions{Source: opt.Source, Machine: machine, NoTests: true, Out: dir}
			suite.Source.Progress = nil
			lost, err := o.boot(ctx, &suite, a)
			switch {
			case err != nil:
				return err
			case lost != nil:
				return lost
			case !o.Passed():
				return fmt.Errorf("the empty suite did not pass: %s", o.Reasons[0])
			}
			return nil
		}},
		{name: "hello", what: "the same until init has said hello and powers off", boot: bare(func(*vm.Machine) {})},
		{name: "bzimage", what: "hello, bzImage, which unpacks itself", boot: bare(func(m *vm.Machine) { m.Vmlinux = "" })},
		{name: "gzip", what: "hello, image compressed", boot: bare(func(m *vm.Machine) { m.Initrds = []string{packed} })},
		{name: "q35", what: "hello, on a PC", boot: bare(func(m *vm.Machine) { m.Type = vm.Q35 })},
		{name: "q35-bzimage", what: "hello, bzImage on a PC", boot: bare(func(m *vm.Machine) { m.Type, m.Vmlinux = vm.Q35, "" })},
	}
	others, err := opt.otherTools(ctx, a)
	if err != nil {
		return nil, err
	}
	return append(ways, others...), nil
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
