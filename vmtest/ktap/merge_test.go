// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// group writes a group of n passing tests.
func group(w *Writer, name string, n int) {
	sub := w.Sub(name)
	sub.Plan(n)
	for i := range n {
		sub.Elapsed(time.Millisecond)
		sub.Result(fmt.Sprintf("%s-%d", name, i), Pass, "")
	}
	w.Elapsed(time.Second)
	w.Result(name, Pass, "")
}

func TestMerge(t *testing.T) {
	var out strings.Builder
	m, s := NewMerger(&out, 4, 2)
	a, b := NewWriter(s[0]), NewWriter(s[1])
	a.Plan(2)
	b.Plan(2)
	first := a.Sub("a1")
	first.Plan(2)
	first.Result("x", Pass, "")
	group(b, "b1", 2) // while a has the floor
	if strings.Contains(out.String(), "b1") {
		t.Errorf("b1 was written in the middle of a1:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "  ok 1 x\n") {
		t.Errorf("the subtests of a1 were delayed:\n%s", out.String())
	}
	first.Result("y", Fail, "a reason")
	a.Result("a1", Fail, "1 of 2 failed")
	if !strings.Contains(out.String(), "\nok 2 b1\n") {
		t.Errorf("b1 waits although no result is being written:\n%s", out.String())
	}
	group(b, "b2", 1)
	group(a, "a2", 1)
	s[0].Close()
	s[1].Close()
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
	r, err := Parse(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) > 0 {
		t.Errorf("problems %v in\n%s", r.Problems, out.String())
	}
	var names []string
	for _, test := range r.Flat() {
		names = append(names, test.Name+" "+test.Status.String())
	}
	want := []string{"a1/x pass", "a1/y fail", "b1/b1-0 pass", "b1/b1-1 pass", "b2/b2-0 pass", "a2/a2-0 pass"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if d := r.Tests[1].Duration; d != time.Second {
		t.Errorf("%s took %v, want 1s", r.Tests[1].Name, d)
	}
}

// A report that breaks off must not damage the others or take their results.
func TestMergeCut(t *testing.T) {
	var out strings.Builder
	_, s := NewMerger(&out, 2, 2)
	io.WriteString(s[0], "KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: a\n  1..2\n  ok 1 x\n  ok 2")
	b := NewWriter(s[1])
	b.Plan(1)
	group(b, "b", 1)
	s[0].Close()
	s[1].Close()
	r, err := Parse(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) == 0 {
		t.Errorf("no problem in\n%s", out.String())
	}
	found := map[string]Status{}
	for _, test := range r.Flat() {
		found[test.Name] = test.Status
	}
	if s, ok := found["b/b-0"]; !ok || s != Pass {
		t.Errorf("b/b-0 is %v, %v in\n%s", s, ok, out.String())
	}
	if _, ok := found["a/x"]; !ok {
		t.Errorf("a/x is missing: %v in\n%s", found, out.String())
	}
}

// A source that reports twice causes the same problem as without merging.
func TestMergeTwice(t *testing.T) {
	var out strings.Builder
	_, s := NewMerger(&out, 2, 2)
	for range 2 {
		w := NewWriter(s[0])
		w.Plan(1)
		group(w, "a", 1)
	}
	w := NewWriter(s[1])
	w.Plan(1)
	group(w, "b", 1)
	r, err := Parse(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Kind == Twice }) {
		t.Errorf("problems %v do not include it, in\n%s", r.Problems, out.String())
	}
}

func TestMergeError(t *testing.T) {
	broken := errors.New("broken")
	m, s := NewMerger(writerFunc(func([]byte) (int, error) { return 0, broken }), 1, 1)
	if n, err := io.WriteString(s[0], "ok 1 a\n"); n != 7 || err != nil {
		t.Errorf("the error reached the source: %d, %v", n, err)
	}
	if !errors.Is(m.Err(), broken) {
		t.Errorf("Err() = %v, want the error of the writer", m.Err())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
