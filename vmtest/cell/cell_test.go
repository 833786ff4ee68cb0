// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cell

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/arch"
)

func TestParse(t *testing.T) {
	for id, want := range map[string]Cell{
		"lint":                         {Kind: "lint"},
		"suite@6.12":                   {Kind: "suite", Base: "6.12"},
		"suite@6.12,config=rt+bhlock":  {Kind: "suite", Base: "6.12", Config: []string{"rt", "bhlock"}},
		"suite@6.12,arch=arm64":        {Kind: "suite", Base: "6.12", Arch: "arm64"},
		"check@net-next,series=hook":   {Kind: "check", Base: "net-next", Series: "hook"},
		"bisect@6.12,series=a,patch=3": {Kind: "bisect", Base: "6.12", Series: "a", Patch: 3},
		"mutants@6.12,shard=2-of-8":    {Kind: "mutants", Base: "6.12", Shard: "2-of-8"},
	} {
		got, err := Parse(id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		want.Name, want.Attempt = id, 1
		if want.Arch == "" {
			want.Arch = "amd64"
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

func TestParseInvalid(t *testing.T) {
	for id, want := range map[string]string{
		"":                                   "unknown kind",
		"nosuch":                             "unknown kind",
		"suite":                              "needs a base",
		"lint@6.12":                          "has no base",
		"check@6.12":                         "needs a series",
		"lint,config=rt":                     "has no config",
		"mutants@6.12,arch=s390x":            "has no arch",
		"stock":                              "needs an arch",
		"suite@6.12,arch=vax":                "unknown architecture",
		"suite@6.12,series=hook":             "has no series",
		"builds@6.12,shard=1-of-2":           "has no shard",
		"check@6.12,series=a,patch=0":        "not a number from 1",
		"check@6.12,series=a,patch=01":       "usual form",
		"check@6.12,series=a,arch=amd64":     "usual form",
		"check@6.12,patch=1,series=a":        "usual form",
		"check@6.12,series=a,":               "usual form",
		"suite@6.12,config":                  "not KEY=VALUE",
		"suite@6.12,colour=red":              "unknown field",
		"suite@--help":                       "invalid name",
		"check@6.12,series=-x":               "invalid name",
		"suite@6.12,config=a b":              "invalid name",
		"suite@../../etc":                    "a file cannot have this name",
		"suite@6.12,config=rt+../x":          "a file cannot have this name",
		"bisect@6.12,series=a:b":             "a file cannot have this name",
		"suite@6.12\n":                       "invalid name",
		"suite@6.12,config=debug,shard=\x00": "invalid name",
	} {
		if c, err := Parse(id); !errors.Is(err, ErrID) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want %q", id, c, err, want)
		}
	}
}

// What Parse accepts is the ID of what it returns.
func FuzzParse(f *testing.F) {
	for _, id := range []string{"lint", "suite@6.12,config=rt+bhlock", "bisect@6.12,series=a,patch=3", "mutants@x,arch=arm64,shard=2-of-8"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		c, err := Parse(id)
		if err != nil {
			if !errors.Is(err, ErrID) {
				t.Errorf("%q: %v", id, err)
			}
			return
		}
		if c.ID() != id || c.Name != id || strings.ContainsAny(id, "/\\:\"<>|*?\n ") {
			t.Errorf("%q is the cell %q", id, c.ID())
		}
	})
}

func TestCommandLine(t *testing.T) {
	for id, want := range map[string]string{
		"lint":                           "make lint",
		"guest@6.12":                     "make guest BASE=6.12",
		"check@6.12,series=hook":         "X series check --fast hook/6.12",
		"check@6.12,series=hook,patch=2": "X series check --fast hook/6.12 --patch 2",
		"series@6.12,series=hook":        "X series check hook/6.12",
		"check-uapi@6.12":                "X uapi --check --base 6.12",
		"builds@6.12":                    "X builds --base 6.12",
		"suite@6.12,config=rt+bhlock":    "X vmtest --base 6.12 --config rt --config bhlock",
		"unpatched@6.12":                 "X vmtest --unpatched --base 6.12",
		"bisect@6.12,series=a,patch=3":   "X bisect --series a --base 6.12 --patch 3",
		"mutants@6.12":                   "X mutants --base 6.12",
		"mutate@6.12":                    "X mutate --base 6.12",
		"peers@6.12":                     "X peers --base 6.12",
	} {
		c, err := Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(commandLine(&RunOptions{Cell: c, Program: "X"}), " "); got != want {
			t.Errorf("%s runs %q, want %q", id, got, want)
		}
	}
	shard := &Cell{Kind: "mutants", Base: "6.12", Arch: arch.Amd64, Items: []string{"a", "b"}}
	if got := strings.Join(commandLine(&RunOptions{Cell: shard, Program: "X"}), " "); got != "X mutants --base 6.12 a b" {
		t.Error(got)
	}
	tests := &Cell{Kind: "suite", Base: "6.12", Arch: arch.Amd64, Items: []string{"control/a24-x", "query/a1"}}
	if got := strings.Join(commandLine(&RunOptions{Cell: tests, Program: "X"}), " "); !strings.Contains(got, "--run ") || !strings.Contains(got, "a24-x") {
		t.Error(got)
	}
}
