// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/vm"
)

// one is the output of a guest that measures one figure.
const one = `{"plan":1}` + "\n" + `{"result":{"contender":"none","path":"udp","rounds":[5],"interrupted":0,"asked":-1}}` + "\n"

// The base kernel runs without the series, each alternative with its own.
func TestKernels(t *testing.T) {
	opt := &Options{Rounds: 3, Only: "xps/*", Source: prepare.Source{Base: "b", Fragments: []string{"bench"}}}
	var ran []string
	guest := func(_ context.Context, p run.ProgramOptions) (run.Ending, error) {
		ran = append(ran, fmt.Sprintf("%s %q %s", p.Source.Name(), p.Source.Fragments, strings.Join(p.Args, " ")))
		m := p.Machine
		if !p.Closed || m.Accel != "tcg" || m.CPUs != 1 || m.MemoryMiB != 1024 || !m.InstructionClock {
			t.Errorf("the guest is %+v, closed %v", m, p.Closed)
		}
		text := strings.ReplaceAll(one, "none", fmt.Sprint("k", len(ran)))
		_, err := p.Stdout.Write([]byte(text))
		return run.Ending{Ended: true}, err
	}
	r := &Results{}
	if err := opt.kernels(t.Context(), r, []string{"tc", "qdisc"}, "/bench", guest); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`b-bench-unpatched ["bench"] /bench -rounds 3 -run xps/* -unpatched`,
		`b-bench ["bench"] /bench -rounds 3 -run xps/*`,
		`b-bench-btf-with-tc ["bench" "btf"] /bench -rounds 3 -run xps/* -alternative tc`,
		`b-bench-btf-with-qdisc ["bench" "btf"] /bench -rounds 3 -run xps/* -alternative qdisc`,
	}
	if !slices.Equal(ran, want) {
		t.Errorf("ran\n%s\nexpected\n%s", strings.Join(ran, "\n"), strings.Join(want, "\n"))
	}
	contenders := func(all []Figure) (names []string) {
		for _, f := range all {
			names = append(names, f.Contender)
		}
		return names
	}
	if got := contenders(r.Unpatched); !slices.Equal(got, []string{"k1"}) {
		t.Errorf("base kernel: %q", got)
	}
	if got := contenders(r.Patched); !slices.Equal(got, []string{"k2", "k3", "k4"}) {
		t.Errorf("kernel with the series: %q", got)
	}

	// The first kernel that fails ends the run.
	for fails := range 3 {
		ran = nil
		err := opt.kernels(t.Context(), r, []string{"tc"}, "/bench", func(ctx context.Context, p run.ProgramOptions) (run.Ending, error) {
			if len(ran) == fails {
				return run.Ending{}, errors.New("no guest")
			}
			return guest(ctx, p)
		})
		if err == nil || len(ran) != fails {
			t.Errorf("guest %d fails: %d others ran, %v", fails, len(ran), err)
		}
	}
}

// A guest that fails or measures too little is an error, which names the step and the
// reason.
func TestMeasureFails(t *testing.T) {
	for name, tt := range map[string]struct {
		prints, complains string
		only              string
		code              int
		err               error
		want              string
	}{
		"passes":        {prints: one},
		"no guest":      {prints: one, err: errors.New("no QEMU"), want: "bench b: no QEMU"},
		"exits":         {prints: one, code: 3, complains: " no hook\n", want: "bench b: exit status 3: no hook"},
		"no JSON":       {prints: one + "x\n", want: `bench b: invalid line "x"`},
		"too few":       {prints: strings.Replace(one, ":1}", ":2}", 1), want: "bench b: received 1 of 2 figures"},
		"too many":      {prints: one + one[len(`{"plan":1}`)+1:], want: "bench b: received 2 of 1 figures"},
		"says nothing":  {want: "bench b: received 0 of 0 figures"},
		"none selected": {only: "xps-*/*"},
	} {
		t.Run(name, func(t *testing.T) {
			var last progress.Event
			src := prepare.Source{Base: "b", Progress: func(e progress.Event) { last = e }}
			_, err := measure(t.Context(), &Options{Only: tt.only}, src, "p", func(_ context.Context, p run.ProgramOptions) (run.Ending, error) {
				fmt.Fprint(p.Stdout, tt.prints)
				fmt.Fprint(p.Stderr, tt.complains)
				return run.Ending{Ended: true, Code: tt.code}, tt.err
			})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
				t.Errorf("got %v, expected %q", err, tt.want)
			}
			if want := map[bool]progress.State{true: progress.Finished, false: progress.Failed}[err == nil]; last.State != want || last.Step != "bench b" {
				t.Errorf("the last event is %+v", last)
			}
		})
	}
}

// A guest that said nothing runs once more. One that said something does not.
func TestMeasureRetries(t *testing.T) {
	for _, tt := range []struct {
		exited bool
		guests int
	}{{false, 2}, {true, 1}} {
		guests := 0
		figures, err := measure(t.Context(), &Options{}, prepare.Source{Base: "b"}, "p", func(_ context.Context, p run.ProgramOptions) (run.Ending, error) {
			if guests++; guests == 1 {
				return run.Ending{}, &vm.BootError{Exited: tt.exited}
			}
			_, err := p.Stdout.Write([]byte(one))
			return run.Ending{}, err
		})
		if guests != tt.guests || (err == nil) != (tt.guests == 2) || err == nil && len(figures) != 1 {
			t.Errorf("exited %v: %d guests, %d figures, %v", tt.exited, guests, len(figures), err)
		}
	}
}
