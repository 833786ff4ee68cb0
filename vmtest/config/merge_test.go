// SPDX-License-Identifier: GPL-2.0-only OR MIT

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// merged returns the file for Kconfig, and the differences as text.
func merged(t *testing.T, fragments ...Fragment) (symbols []Symbol, text string, differences []string) {
	t.Helper()
	m, err := Merge(fragments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Differences {
		differences = append(differences, d.String())
	}
	return m.Symbols, string(Format(m.Symbols)), differences
}

// A later fragment chooses among the alternatives of an earlier one.
func TestMergeChoosesAlternative(t *testing.T) {
	base := Fragment{Name: "base", Text: "CONFIG_A=y\nCONFIG_OLD=y\n# or\nCONFIG_NEW=y\n# or\nCONFIG_NEWER=y\nCONFIG_Z=y\n"}
	for name, c := range map[string]struct {
		later, want string
		// final satisfies the request, lost does not.
		final, lost string
	}{
		"second": {"CONFIG_NEW=y\n", "CONFIG_A=y\nCONFIG_NEW=y\nCONFIG_Z=y\n",
			"CONFIG_A=y\nCONFIG_NEW=y\nCONFIG_Z=y\n", "CONFIG_A=y\nCONFIG_OLD=y\nCONFIG_Z=y\n"},
		"first": {"CONFIG_OLD=y\n", "CONFIG_A=y\nCONFIG_OLD=y\nCONFIG_Z=y\n",
			"CONFIG_A=y\nCONFIG_OLD=y\nCONFIG_Z=y\n", "CONFIG_A=y\nCONFIG_NEW=y\nCONFIG_Z=y\n"},
		"first disabled": {"# CONFIG_OLD is not set\n", "CONFIG_A=y\nCONFIG_NEW=y\nCONFIG_NEWER=y\nCONFIG_Z=y\n# CONFIG_OLD is not set\n",
			"CONFIG_A=y\nCONFIG_NEWER=y\nCONFIG_Z=y\n", "CONFIG_A=y\nCONFIG_OLD=y\nCONFIG_Z=y\n"},
		"other alternatives": {"CONFIG_NEWER=y\n# or\nCONFIG_NEWEST=y\n", "CONFIG_A=y\nCONFIG_NEWER=y\nCONFIG_NEWEST=y\nCONFIG_Z=y\n",
			"CONFIG_A=y\nCONFIG_NEWEST=y\nCONFIG_Z=y\n", "CONFIG_A=y\nCONFIG_NEW=y\nCONFIG_Z=y\n"},
	} {
		t.Run(name, func(t *testing.T) {
			symbols, text, _ := merged(t, base, Fragment{Name: "later", Text: c.later})
			if text != c.want {
				t.Errorf("merged %q, want %q", text, c.want)
			}
			if _, err := Check(symbols, c.final); err != nil {
				t.Errorf("%q: %v", c.final, err)
			}
			if _, err := Check(symbols, c.lost); err == nil {
				t.Errorf("%q passes", c.lost)
			}
		})
	}
}

// The lazy preemption model of a real-time kernel replaces those of base.
func TestMergeRealTime(t *testing.T) {
	base, err := Load("base")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := merged(t, base, Fragment{Name: "rt", Text: "CONFIG_PREEMPT_RT=y\nCONFIG_PREEMPT_LAZY=y\n"})
	if strings.Contains(text, "PREEMPT_VOLUNTARY") || !strings.Contains(text, "CONFIG_PREEMPT_LAZY=y\n") {
		t.Errorf("merged:\n%s", text)
	}
}

func TestMergeWishes(t *testing.T) {
	base := Fragment{Name: "base", Text: "CONFIG_BUILTIN=y\nCONFIG_MODULE=m\n# CONFIG_OFF is not set\nCONFIG_NUMBER=4\n"}
	optional := Fragment{Name: "net/config", Optional: true, Text: `# a comment
CONFIG_BUILTIN=m
CONFIG_MODULE=y     # with a reason
CONFIG_OFF=y
CONFIG_NUMBER=8
CONFIG_NAKED
# or
CONFIG_MISSING=m
CONFIG_NEVER=n
# CONFIG_NOR is not set
`}
	symbols, text, differences := merged(t, base, optional)
	want := "CONFIG_BUILTIN=y\nCONFIG_MODULE=y\nCONFIG_OFF=y\nCONFIG_NUMBER=8\nCONFIG_MISSING=m\n# CONFIG_NEVER is not set\n# CONFIG_NOR is not set\n"
	if text != want {
		t.Errorf("merged %q, want %q", text, want)
	}
	if diff := cmp.Diff([]string{
		"net/config:6: CONFIG_NAKED: no value, ignored",
		"net/config:2: CONFIG_BUILTIN: wanted a module, is built in",
	}, differences); diff != "" {
		t.Error(diff)
	}
	more, err := Check(symbols, "CONFIG_MODULE=y\nCONFIG_OFF=m\nCONFIG_NUMBER=8\nCONFIG_NOR=y\n")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, d := range more {
		list = append(list, d.String())
	}
	if diff := cmp.Diff([]string{
		"net/config:4: CONFIG_OFF: wanted y, got m",
		"net/config:8: CONFIG_MISSING: wanted m, got not set",
		"net/config:10: CONFIG_NOR: wanted not set, got y",
		"base:1: CONFIG_BUILTIN: wanted y, got not set",
	}, list); diff != "" {
		t.Error(diff)
	}
	// The same words of a user's fragment are a mistake.
	optional.Optional = false
	if _, err := Merge([]Fragment{base, optional}); err == nil {
		t.Error("a strict fragment may name a symbol without a value")
	}
}

// Optional symbols that are set already change nothing: the kernel is the same one.
func TestMergeFulfilledWishes(t *testing.T) {
	base := Fragment{Name: "base", Text: "CONFIG_A=y\nCONFIG_B=m\n"}
	without, _, _ := merged(t, base)
	with, _, _ := merged(t, base, Fragment{Name: "config", Optional: true, Text: "CONFIG_A=m\nCONFIG_B=m\n"})
	if diff := cmp.Diff(without, with); diff != "" {
		t.Error(diff)
	}
}

func TestLoadWishes(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]bool{"config": true, "config.x86_64": true, "mine.config": false, ".config": false} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("CONFIG_A=m\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Load(path)
		if err != nil || f.Optional != want {
			t.Errorf("%s: optional %t, want %t; %v", name, f.Optional, want, err)
		}
	}
}
