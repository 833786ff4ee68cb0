// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bench

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/vm"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func figure(contender, path string, min float64) Figure {
	return Figure{ID: record.ID{Contender: contender, Path: path}, Min: min, Median: min, Rounds: 4, Asked: record.NoQueue}
}

func TestCollector(t *testing.T) {
	for name, tt := range map[string]struct {
		in      []string
		figures []Figure
		plan    int
		err     string
	}{
		"in pieces": {
			in: []string{
				`{"plan":2}` + "\n" + `{"begin":{"contender":"none","path":"udp"}}`, "\n" + `{"result":{"contender":"none",`,
				`"path":"udp","rounds":[5,4,6],"interrupted":1,"asked":-1,"queues":[7]}}` + "\n",
				`{"result":{"contender":"xps","path":"udp","size":8,"rounds":[3],"interrupted":0,"asked":2}}` + "\n",
			},
			plan: 2,
			figures: []Figure{
				{ID: record.ID{Contender: "none", Path: "udp"}, Min: 4, Median: 5, Rounds: 3, Interrupted: 1, Asked: -1, Queues: []int{7}},
				{ID: record.ID{Contender: "xps", Path: "udp", Size: 8}, Min: 3, Median: 3, Rounds: 1, Asked: 2},
			},
		},
		"no JSON":         {in: []string{"panic: oh\n"}, err: `invalid line "panic: oh"`},
		"unknown field":   {in: []string{`{"plan":1,"more":2}` + "\n"}, err: "unknown field"},
		"two in one line": {in: []string{`{"plan":1}{"plan":2}` + "\n"}, err: "more than one value"},
	} {
		t.Run(name, func(t *testing.T) {
			var c collector
			for _, piece := range tt.in {
				if n, err := c.Write([]byte(piece)); n != len(piece) || err != nil {
					t.Fatal(n, err)
				}
			}
			if tt.err == "" && c.err != nil || tt.err != "" && (c.err == nil || !strings.Contains(c.err.Error(), tt.err)) {
				t.Fatalf("got %v, want %q", c.err, tt.err)
			}
			if tt.err != "" {
				return
			}
			if d := cmp.Diff(tt.figures, c.figures); d != "" || c.plan != tt.plan {
				t.Errorf("plan %d\n%s", c.plan, d)
			}
		})
	}
}

func FuzzCollector(f *testing.F) {
	f.Add([]byte(`{"plan":2}` + "\n" + `{"result":{"rounds":[1]}}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var whole, bytewise collector
		whole.Write(b)
		for i := range b {
			bytewise.Write(b[i : i+1])
		}
		if d := cmp.Diff(whole.figures, bytewise.figures); d != "" || whole.plan != bytewise.plan || (whole.err == nil) != (bytewise.err == nil) {
			t.Errorf("depends on how it is cut: %s", d)
		}
	})
}

func TestCompare(t *testing.T) {
	baseline := &Results{
		Unpatched: []Figure{figure("none", "udp", 1000), figure("none", "pick", 40)},
		Patched:   []Figure{figure("xps", "udp", 1000), figure("gone", "udp", 7)},
	}
	for name, tt := range map[string]struct {
		is   *Results
		want []string
	}{
		"within": {
			is: &Results{
				Unpatched: []Figure{figure("none", "udp", 1020), figure("none", "pick", 45)},
				Patched:   []Figure{figure("xps", "udp", 980), figure("gone", "udp", 7)},
			},
		},
		"beyond": {
			is: &Results{
				Unpatched: []Figure{figure("none", "udp", 1021), figure("none", "pick", 46)},
				Patched:   []Figure{figure("xps", "udp", 979), figure("new", "udp", 5)},
			},
			want: []string{
				"base kernel, none by udp: was 1000.0, is 1021.0 (+21.0, +2.1 %)",
				"base kernel, none by pick: was 40.0, is 46.0 (+6.0, +15.0 %)",
				"series kernel, xps by udp: was 1000.0, is 979.0 (-21.0, -2.1 %)",
				"series kernel, new by udp: is 5.0, not in the baseline",
				"series kernel, gone by udp: was 7.0, not measured now",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, d := range tt.is.Compare(baseline) {
				got = append(got, d.String())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDriftNamesTheSize(t *testing.T) {
	d := Drift{ID: record.ID{Contender: "xps", Path: "dump", Size: 64}, Was: math.NaN(), Is: 1}
	if got := d.String(); got != "series kernel, xps by dump, size 64: is 1.0, not in the baseline" {
		t.Error(got)
	}
}

func TestBound(t *testing.T) {
	for _, tt := range []struct {
		asked     int
		queues    []int
		bound, ok bool
	}{
		{record.NoQueue, []int{3}, false, false},
		{3, nil, false, false},
		{3, []int{3}, true, true},
		{3, []int{3, 5}, false, true},
		{3, []int{5}, false, true},
	} {
		f := Figure{Asked: tt.asked, Queues: tt.queues}
		if bound, ok := f.Bound(); bound != tt.bound || ok != tt.ok {
			t.Errorf("asked %d, left by %v: %v %v", tt.asked, tt.queues, bound, ok)
		}
	}
}

func TestTryTwice(t *testing.T) {
	other := errors.New("other")
	for name, tt := range map[string]struct {
		first error
		runs  int
	}{
		"well":        {nil, 1},
		"mute":        {fmt.Errorf("bench: %w", &vm.BootError{}), 2},
		"powered off": {&vm.BootError{Exited: true}, 1},
		"other":       {other, 1},
	} {
		t.Run(name, func(t *testing.T) {
			runs, said := 0, 0
			err := tryTwice(func(progress.Event) { said++ }, "bench", func() error {
				if runs++; runs == 1 {
					return tt.first
				}
				return other
			})
			want := tt.first
			if tt.runs == 2 {
				want = other
			}
			if runs != tt.runs || said != tt.runs-1 || !errors.Is(err, want) {
				t.Errorf("%d runs, said %d times, %v", runs, said, err)
			}
		})
	}
}

func TestBinding(t *testing.T) {
	asks := func(contender, path string, queues ...int) Figure {
		return Figure{ID: record.ID{Contender: contender, Path: path}, Asked: 3, Queues: queues}
	}
	figures := []Figure{
		figure("none", "udp", 1), asks("xps", "udp", 3), asks("xps", "tcp", 3), asks("xps", "xmit"),
		asks("tcx", "udp", 5), asks("tcx", "tcp", 3, 5), asks("mixed", "udp", 3), asks("mixed", "tcp", 4),
	}
	for contender, want := range map[string]string{
		"none": "", "gone": "", "xps": "as asked", "tcx": "hint only", "mixed": "hint only by tcp",
	} {
		if got := Binding(figures, contender); got != want {
			t.Errorf("%s: %q, want %q", contender, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	sized := figure("xps-const", "dump-by-devices", 900)
	sized.Size = 64
	r := &Results{
		Unpatched: []Figure{figure("none", "pick", 60), figure("tap-none", "pick", 100), figure("cpus-map", "pick", 80)},
		Patched: []Figure{
			figure("none", "pick", 60.4), figure("xps-const+cpus-map", "pick", 75.6), figure("cpus-map", "pick", 40),
			figure("tap-xps-const", "pick", 101.5), figure("none", "gone", 5), sized,
		},
	}
	want := map[string]string{
		"pick/none": "0", "pick/xps-const+cpus-map": "+16", "pick/cpus-map": "-20", "pick/tap-xps-const": "+2",
	}
	if d := cmp.Diff(want, r.Texts()); d != "" {
		t.Error(d)
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baseline.json")
	if _, err := Load(path); !errors.Is(err, ErrNoBaseline) {
		t.Fatalf("got %v", err)
	}
	want := &Results{Base: "6.12", Patched: []Figure{figure("xps", "udp", 12.5)}}
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := os.WriteFile(path, []byte(`{"base":1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestTable(t *testing.T) {
	r := &Results{
		Unpatched: []Figure{figure("none", "udp", 4344.6), figure("none", "pick", 60), figure("tap-none", "udp", 5000)},
		Patched:   []Figure{figure("none", "udp", 4345.6), figure("none", "pick", 61), figure("tap-none", "udp", 5001)},
	}
	asks := figure("xps-const", "udp", 3809.6)
	asks.Asked, asks.Queues = 3, []int{3}
	hints := figure("tcx", "udp", 3872.6)
	hints.Asked, hints.Queues, hints.Interrupted = 3, []int{5}, 2
	sized := figure("xps-const", "dump-by-devices", 900)
	sized.Size = 64
	r.Patched = append(r.Patched, asks, hints, sized)
	var out bytes.Buffer
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "table.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Error(d)
	}
}
