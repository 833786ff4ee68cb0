// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package config holds the kernel configurations of the workbench. They are fragments on
// top of an empty configuration (allnoconfig). The package also checks that the finished
// configuration has every requested symbol, because Kconfig silently drops what it cannot
// satisfy.
//
// Fragments have the syntax of .config: CONFIG_X=value, or "# CONFIG_X is not set" to
// disable a symbol. If two fragments name one symbol, the later wins. A line "# or"
// between two symbols says that one of them is enough, because kernel versions differ.
package config

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrUnknown is wrapped by the error for a fragment that does not exist.
var ErrUnknown = errors.New("no such configuration")

//go:embed *.config
var fragments embed.FS

// Fragment is a part of a kernel configuration.
type Fragment struct {
	// Name is the name that the user gives: "base".
	Name string
	// Text is the content.
	Text string
}

// Names lists the fragments that come with the workbench.
func Names() []string {
	found, err := fs.Glob(fragments, "*.config")
	if err != nil {
		return nil // a constant pattern is never malformed
	}
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], ".config")
	}
	return found
}

// Load returns a fragment: a shipped one by its name, or a user's file by its path. A
// path has a slash or ends in ".config".
func Load(name string) (Fragment, error) {
	if strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".config") {
		data, err := os.ReadFile(name)
		if err != nil {
			return Fragment{}, fmt.Errorf("kernel configuration: %w", err)
		}
		return Fragment{Name: name, Text: string(data)}, nil
	}
	data, err := fragments.ReadFile(name + ".config")
	if err != nil {
		return Fragment{}, fmt.Errorf("%w: %q (known: %s, or the path of a file)",
			ErrUnknown, name, strings.Join(Names(), ", "))
	}
	return Fragment{Name: name, Text: string(data)}, nil
}

// LoadAll returns the fragments of the given names, in order.
func LoadAll(names ...string) ([]Fragment, error) {
	var all []Fragment
	for _, name := range names {
		f, err := Load(name)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// Symbol is a requested configuration symbol, with its value and position.
type Symbol struct {
	// Name is the whole name, CONFIG_ included.
	Name string
	// Value is as in .config, strings quoted; "n" means not set.
	Value string
	// Fragment and Line are its position.
	Fragment string
	Line     int
	// For is the symbol that this one may replace; empty if none.
	For string
}

// ParseError is an invalid line of a fragment.
type ParseError struct {
	Fragment string
	Line     int
	Text     string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("kernel configuration %s:%d: %q is neither CONFIG_X=value nor a comment, nor \"# or\" between two symbols", e.Fragment, e.Line, e.Text)
}

var (
	setLine   = regexp.MustCompile(`^(CONFIG_[A-Za-z0-9_]+)=(.+)$`)
	unsetLine = regexp.MustCompile(`^# (CONFIG_[A-Za-z0-9_]+) is not set$`)
)

// orLine separates alternatives.
const orLine = "# or"

// Symbols returns the symbols that f requests, in order.
func (f Fragment) Symbols() ([]Symbol, error) {
	var all []Symbol
	n, or := 0, false
	add := func(name, value string) {
		s := Symbol{Name: name, Value: value, Fragment: f.Name, Line: n}
		if or {
			prev := all[len(all)-1]
			if s.For = prev.For; s.For == "" {
				s.For = prev.Name
			}
		}
		all, or = append(all, s), false
	}
	for raw := range strings.Lines(f.Text) {
		n++
		line := strings.TrimSpace(raw)
		if m := setLine.FindStringSubmatch(line); m != nil {
			add(m[1], m[2])
		} else if m := unsetLine.FindStringSubmatch(line); m != nil {
			add(m[1], "n")
		} else if line == orLine && len(all) > 0 && !or {
			or = true
		} else if line == orLine || or || line != "" && line[0] != '#' {
			return nil, &ParseError{Fragment: f.Name, Line: n, Text: line}
		}
	}
	if or {
		return nil, &ParseError{Fragment: f.Name, Line: n, Text: orLine}
	}
	return all, nil
}

// Merge merges fragments. Each symbol comes once, at its first position and with its last
// value.
func Merge(fragments []Fragment) ([]Symbol, error) {
	var all []Symbol
	index := map[string]int{}
	for _, f := range fragments {
		symbols, err := f.Symbols()
		if err != nil {
			return nil, err
		}
		for _, s := range symbols {
			if i, ok := index[s.Name]; ok {
				all[i] = s
				continue
			}
			index[s.Name] = len(all)
			all = append(all, s)
		}
	}
	return all, nil
}

// Format writes symbols as a file for KCONFIG_ALLCONFIG.
func Format(symbols []Symbol) []byte {
	var b strings.Builder
	for _, s := range symbols {
		if s.Value == "n" {
			fmt.Fprintf(&b, "# %s is not set\n", s.Name)
		} else {
			fmt.Fprintf(&b, "%s=%s\n", s.Name, s.Value)
		}
	}
	return []byte(b.String())
}
