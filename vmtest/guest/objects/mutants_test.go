// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/guest/objects/record"
)

func TestDifference(t *testing.T) {
	seven, eight := uint32(7), uint32(8)
	was := record.Result{Exit: 1, Output: "one\nverification time 5 usec\n", Tag: "t", Value: &seven, Pins: []string{"p"}}
	with := func(change func(*record.Result)) record.Result {
		r := was
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name, want string
		is         record.Result
	}{
		{"the same", "", with(func(r *record.Result) { r.Elapsed = time.Hour; r.Output = "one\nverification time 6 usec\n" })},
		{"exit code", "exit code 2, program returns 7, pins p, was exit code 1, program returns 7, pins p", with(func(r *record.Result) { r.Exit = 2 })},
		{"signal", "exit code 1, signal killed, program returns 7, pins p, was exit code 1, program returns 7, pins p", with(func(r *record.Result) { r.Signal = "killed" })},
		{"value", "exit code 1, program returns 8, pins p, was exit code 1, program returns 7, pins p", with(func(r *record.Result) { r.Value = &eight })},
		{"tag", "exit code 1, program returns 7, pins p, was exit code 1, program returns 7, pins p", with(func(r *record.Result) { r.Tag = "u" })},
		{"no pin", "exit code 1, program returns 7, was exit code 1, program returns 7, pins p", with(func(r *record.Result) { r.Pins = nil })},
		{"another line", `prints "two", was "one"`, with(func(r *record.Result) { r.Output = strings.Replace(r.Output, "one", "two", 1) })},
		{"an empty line more", `prints "", was ""`, with(func(r *record.Result) { r.Output += "\n" })},
		{"a line less", `prints "", was "verification time N usec"`, with(func(r *record.Result) { r.Output = "one\n" })},
	} {
		if got := difference(&was, &tt.is); got != tt.want {
			t.Errorf("%s: %q, expected %q", tt.name, got, tt.want)
		}
	}
}

func TestTasks(t *testing.T) {
	var calls []*call
	add := func(context, object string, path uint64, elapsed time.Duration, reach ...int) {
		calls = append(calls, &call{reach: reach, path: path, result: record.Result{Context: context, Object: object, Elapsed: elapsed}})
	}
	for range callsPerPath + 3 {
		add("a", "often", 1, time.Second, 3, 5)
	}
	add("b", "slow", 2, time.Hour, 5)
	add("b", "fast", 2, time.Minute, 5, 9)
	tasks := newTasks([]int{3, 5, 7}, calls)
	var reach []int
	for _, r := range tasks.results {
		reach = append(reach, r.Reach)
	}
	if want := []int{callsPerPath + 3, callsPerPath + 5, 0}; !slices.Equal(reach, want) {
		t.Errorf("calls that reach the mutants: %d, expected %d", reach, want)
	}
	take := func(context string) (int, string) {
		i, calls := tasks.take(context)
		var names []string
		for _, c := range calls {
			names = append(names, c.result.Object)
		}
		return i, strings.Join(names, " ")
	}
	often := strings.TrimSpace(strings.Repeat("often ", callsPerPath))
	expect := func(context string, i int, names string) {
		t.Helper()
		if gotI, got := take(context); gotI != i || got != names {
			t.Errorf("%s: mutant %d, calls %q; expected %d, %q", context, gotI, got, i, names)
		}
	}
	expect("a", 0, often)
	if !tasks.doubt(0) || tasks.doubt(0) {
		t.Error("a mutant is tried in a new place more or less than once")
	}
	expect("a", 0, often)
	tasks.results[0].Noticed = "x"
	expect("a", 1, often)
	expect("a", -1, "")
	expect("b", 1, "fast slow")
	tasks = newTasks([]int{3, 5, 7}, calls)
	tasks.results[1].Noticed = "x"
	expect("b", -1, "")
}

func TestChosen(t *testing.T) {
	m := &chosen{make([]byte, 4+10)}
	m.set(0x01020304)
	m.mem[4+2], m.mem[4+9] = 1, 1
	if got := m.reached(); !slices.Equal(got, []int{2, 9}) {
		t.Errorf("reached %d", got)
	}
	m.set(7)
	if got := m.reached(); len(got) != 0 || !slices.Contains(m.mem[:4], 7) {
		t.Errorf("reached %d after a new choice, memory %d", got, m.mem)
	}
	if _, err := newChosen(filepath.Join(t.TempDir(), "no", "file"), 1); !os.IsNotExist(err) && !strings.Contains(err.Error(), "prepare the mutants: ") {
		t.Errorf("no directory: %v", err)
	}
}
