// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNest(t *testing.T) {
	var b strings.Builder
	w := NewWriter(&b)
	w.Plan(2)
	n := w.Nest("6.12")
	for _, piece := range []string{"KTAP ver", "sion 1\n1..1\n  KTAP version 1\n  # Subtest: g\n  1..1\n", "  ok 1 t\nok 1 g"} {
		if _, err := n.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	w.Result("6.12", Pass, "")
	silent := w.Nest("7.3") // it writes nothing
	if err := silent.Close(); err != nil {
		t.Fatal(err)
	}
	w.Result("7.3", Fail, "does not build")
	want := `KTAP version 1
1..2
  KTAP version 1
  # Subtest: 6.12
  1..1
    KTAP version 1
    # Subtest: g
    1..1
    ok 1 t
  ok 1 g
ok 1 6.12
not ok 2 7.3 # does not build
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	r, err := Parse(strings.NewReader(b.String()))
	if err != nil || len(r.Problems) > 0 {
		t.Fatalf("%v %v", err, r.Problems)
	}
	var names []string
	for _, test := range r.Flat() {
		names = append(names, test.Name)
	}
	if diff := cmp.Diff([]string{"6.12/g/t", "7.3"}, names); diff != "" {
		t.Error(diff)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestNestError(t *testing.T) {
	n := NewWriter(full{}).Nest("x")
	if _, err := n.Write([]byte("ok 1\n")); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
