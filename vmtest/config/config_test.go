// SPDX-License-Identifier: GPL-2.0-only OR MIT

package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/arch"
)

// TestShippedFragments parses every fragment of the workbench.
func TestShippedFragments(t *testing.T) {
	names := Names()
	if len(names) < 3 {
		t.Fatalf("only %v", names)
	}
	for _, name := range names {
		if strings.Contains(name, ".") {
			t.Errorf("%s is a file, expected the name of a fragment", name)
		}
		f, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		symbols, err := f.Symbols()
		if err != nil || len(symbols) == 0 {
			t.Errorf("%s: %d symbols, %v", name, len(symbols), err)
		}
		seen := map[string]int{}
		for _, s := range symbols {
			if line := seen[s.Name]; line > 0 {
				t.Errorf("%s:%d: duplicate %s, first on line %d", name, s.Line, s.Name, line)
			}
			seen[s.Name] = s.Line
		}
		if !strings.HasPrefix(f.Text, "# SPDX-License-Identifier: GPL-2.0") {
			t.Errorf("%s: no licence line", name)
		}
	}
}

// TestFor checks that the fragment of an architecture changes base, and is no fragment that
// a user can name.
func TestFor(t *testing.T) {
	for name, want := range map[string][]string{"amd64": {"base", "debug"}, "arm64": {"base", "arm64", "debug"}, "s390x": {"base", "s390x", "debug"}} {
		a, err := arch.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		all, err := For(a, "debug")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range all {
			names = append(names, f.Name)
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		merged, err := Merge(all)
		if err != nil {
			t.Fatal(err)
		}
		text := string(Format(merged.Symbols))
		if strings.Contains(text, "CONFIG_PVH=y\n") != (name == "amd64") || !strings.Contains(text, "CONFIG_XPS=y\n") {
			t.Errorf("%s:\n%s", name, text)
		}
		if _, err := Load(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s can be named: %v", name, err)
		}
	}
	if _, err := For(nil, "nosuch"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	if _, err := For(&arch.Arch{Name: "vax", Triplet: "vax"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestLoad(t *testing.T) {
	if _, err := Load("nothere"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "base") {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "mine.config")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte("CONFIG_A=y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := LoadAll("base", path)
	if err != nil || len(all) != 2 || all[1].Text != "CONFIG_A=y\n" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestMerge(t *testing.T) {
	got, err := Merge([]Fragment{
		{Name: "one", Text: "# a comment\nCONFIG_A=y\nCONFIG_B=\"x y\"\n# CONFIG_C is not set\n"},
		{Name: "two", Text: "\n# CONFIG_A is not set\nCONFIG_D=0x10\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Symbol{
		{Name: "CONFIG_A", Value: "n", Fragment: "two", Line: 2}, {Name: "CONFIG_B", Value: `"x y"`, Fragment: "one", Line: 3}, {Name: "CONFIG_C", Value: "n", Fragment: "one", Line: 4}, {Name: "CONFIG_D", Value: "0x10", Fragment: "two", Line: 3},
	}
	if diff := cmp.Diff(&Merged{Symbols: want}, got); diff != "" {
		t.Error(diff)
	}
	text := string(Format(got.Symbols))
	if want := "# CONFIG_A is not set\nCONFIG_B=\"x y\"\n# CONFIG_C is not set\nCONFIG_D=0x10\n"; text != want {
		t.Errorf("got %q", text)
	}
	_, err = Merge([]Fragment{{Name: "bad", Text: "CONFIG_A=y\nCONFIG_B y\n"}})
	var perr *ParseError
	if !errors.As(err, &perr) || perr.Line != 2 || perr.Fragment != "bad" {
		t.Errorf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	want := []Symbol{
		{Name: "CONFIG_KEPT", Value: "y", Fragment: "f", Line: 1}, {Name: "CONFIG_GONE", Value: "y", Fragment: "f", Line: 2}, {Name: "CONFIG_OTHER", Value: "8", Fragment: "f", Line: 3},
		{Name: "CONFIG_OFF", Value: "n", Fragment: "f", Line: 4}, {Name: "CONFIG_SELECTED", Value: "n", Fragment: "f", Line: 5}, {Name: "CONFIG_ABSENT", Value: "n", Fragment: "f", Line: 6},
	}
	final := "#\n# Automatically generated\n#\nCONFIG_KEPT=y\nCONFIG_OTHER=4\n# CONFIG_OFF is not set\nCONFIG_SELECTED=y\n"
	var derr *DroppedSymbolError
	if _, err := Check(want, final); !errors.As(err, &derr) {
		t.Fatalf("got %v", err)
	}
	wantDropped := []Dropped{{Symbol: want[1], Got: "n"}, {Symbol: want[2], Got: "4"}, {Symbol: want[4], Got: "y"}}
	if diff := cmp.Diff(wantDropped, derr.Symbols); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"f:2: CONFIG_GONE: wanted y, got not set", "f:3: CONFIG_OTHER: wanted 8, got 4", "f:5: CONFIG_SELECTED: wanted not set, got y"} {
		if !strings.Contains(derr.Error(), line) {
			t.Errorf("%q is not in %v", line, derr)
		}
	}
	if first, _, _ := strings.Cut(derr.Error(), "\n"); !strings.HasPrefix(first, "kernel configuration: kconfig changed requested symbols ") {
		t.Errorf("the error begins with %q", first)
	}
	if _, err := Check(want[:1], final); err != nil {
		t.Error(err)
	}
}

func TestAlternatives(t *testing.T) {
	f := Fragment{Name: "f", Text: "CONFIG_OLD=y\n# or\nCONFIG_NEW=y\n# or\n# CONFIG_NEWER is not set\nCONFIG_B=y\n"}
	want, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Symbol{
		{Name: "CONFIG_OLD", Value: "y", Fragment: "f", Line: 1},
		{Name: "CONFIG_NEW", Value: "y", Fragment: "f", Line: 3, For: "CONFIG_OLD"},
		{Name: "CONFIG_NEWER", Value: "n", Fragment: "f", Line: 5, For: "CONFIG_OLD"},
		{Name: "CONFIG_B", Value: "y", Fragment: "f", Line: 6},
	}, want); diff != "" {
		t.Error(diff)
	}
	for _, final := range []string{
		"CONFIG_OLD=y\nCONFIG_NEWER=y\nCONFIG_B=y\n", "CONFIG_NEW=y\nCONFIG_NEWER=y\nCONFIG_B=y\n", "CONFIG_B=y\n",
	} {
		if _, err := Check(want, final); err != nil {
			t.Errorf("%q: %v", final, err)
		}
	}
	_, err = Check(want, "CONFIG_NEWER=y\nCONFIG_B=y\n")
	if err == nil || !strings.Contains(err.Error(), "f:1: CONFIG_OLD: wanted y, got not set, and no alternative CONFIG_NEW or CONFIG_NEWER") ||
		strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v", err)
	}
	if _, err := Check(want, "CONFIG_OLD=y\n"); err == nil || !strings.Contains(err.Error(), "CONFIG_B") {
		t.Errorf("got %v", err)
	}
}

func TestAlternativesAlone(t *testing.T) {
	for _, text := range []string{"# or\nCONFIG_A=y\n", "CONFIG_A=y\n# or\n", "CONFIG_A=y\n# or\n\nCONFIG_B=y\n", "CONFIG_A=y\n# or\n# or\nCONFIG_B=y\n"} {
		var perr *ParseError
		if _, err := (Fragment{Name: "f", Text: text}).Symbols(); !errors.As(err, &perr) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
