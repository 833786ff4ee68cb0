// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cell

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlan(t *testing.T) {
	want := &Plan{Version: 1, For: "pr", Commit: "abc", Dirty: true, Cells: []*Cell{
		{Name: "lint", Kind: "lint", Arch: "amd64", Attempt: 1, CostSeconds: 1.5, CostFrom: "2 runs"},
		{Name: "mutants@6.12,shard=1-of-2", Kind: "mutants", Base: "6.12", Arch: "amd64", Attempt: 2, Shard: "1-of-2", Items: []string{"a", "b"}},
	}}
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\n") != 1 {
		t.Errorf("the plan is not one line: %q", b.String())
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c, err := got.Find("lint"); err != nil || c != got.Cells[0] {
		t.Errorf("Find = %v, %v", c, err)
	}
	if _, err := got.Find("nosuch"); !errors.Is(err, ErrID) {
		t.Error(err)
	}
	if c, err := got.At(1); err != nil || c != got.Cells[1] {
		t.Errorf("At = %v, %v", c, err)
	}
	for _, n := range []int{-1, 2} {
		if _, err := got.At(n); !errors.Is(err, ErrID) {
			t.Errorf("At(%d): %v", n, err)
		}
	}
}

func TestReadPlanInvalid(t *testing.T) {
	for text, want := range map[string]string{
		``:                             "unexpected end",
		`null`:                         "version 0",
		`[]`:                           "cannot unmarshal",
		`{"version":2}`:                "version 2, want 1",
		`{"version":1,"cells":[null]}`: "a cell is null",
		`{"version":1,"cells":[{"id":"x","kind":"x","arch":"amd64","attempt":1}]}`:                                                                                 "unknown kind",
		`{"version":1,"cells":[{"id":"x","kind":"lint","arch":"amd64","attempt":1}]}`:                                                                              `should have the ID "lint"`,
		`{"version":1,"cells":[{"id":"lint","kind":"lint","arch":"amd64"}]}`:                                                                                       "attempt 0",
		`{"version":1,"cells":[{"id":"lint","kind":"lint","arch":"amd64","attempt":1},{"id":"lint","kind":"lint","arch":"amd64","attempt":1}]}`:                    "two cells lint",
		`{"version":1,"cells":[{"id":"mutants@6.12,shard=1-of-1","kind":"mutants","base":"6.12","arch":"amd64","attempt":1,"shard":"1-of-1"}]}`:                    "a shard must have items",
		`{"version":1,"cells":[{"id":"mutants@6.12","kind":"mutants","base":"6.12","arch":"amd64","attempt":1,"items":["a"]}]}`:                                    "a shard must have items",
		`{"version":1,"cells":[{"id":"mutants@6.12,shard=1-of-1","kind":"mutants","base":"6.12","arch":"amd64","attempt":1,"shard":"1-of-1","items":["--help"]}]}`: "invalid name",
	} {
		if _, err := parsePlan([]byte(text)); !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
