// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package manifest reads series.toml: which project is patched, which bases
// there are and where they come from, and which series of patches exist. It
// reads no patch and obtains no tree.
//
// A change is all projects below a root ([LoadChange]). A project is one
// directory with a series.toml ([Load]). The patches of a series on a base are
// the files KEY/BASE/*.patch of that directory.
//
// Every mistake in a manifest is an [*Error] with file and line.
package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"

	"github.com/BurntSushi/toml"
)

// Name is the name of the manifest in a project's directory.
const Name = "series.toml"

// Project is the content of one series.toml: a git tree, and the series for it.
type Project struct {
	Facts

	// Targets are the maintainers' trees that a series may be sent for.
	Targets []Target
	// Bases are the trees that patches exist for, the default one first.
	Bases []Base
	// Series are the series, in the order in which they stack by default.
	Series []Series

	// Dir is the directory the manifest was read from.
	Dir string
}

// file is the form of series.toml.
type file struct {
	Project     Facts       `toml:"project"`
	Recipients  Recipients  `toml:"recipients"`
	Attribution Attribution `toml:"attribution"`
	Targets     []Target    `toml:"target"`
	Bases       []Base      `toml:"base"`
	Series      []Series    `toml:"series"`
}

// Error is a mistake in a manifest.
type Error struct {
	// File is the manifest. Line is the line in it, or 0 if it is not known.
	File string
	Line int
	// Msg describes the error.
	Msg string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s: %s", e.File, e.Msg)
}

// Load reads the manifest in dir and checks it against the patch files there.
// A mistake in it is a [*Error].
func Load(dir string) (*Project, error) {
	path := filepath.Join(dir, Name)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	p, pos, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	if p.Dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	if err := p.findPatches(path, pos); err != nil {
		return nil, err
	}
	return p, p.checkStacks(path, pos)
}

// Base returns the base called name, or the first one if name is empty. The
// error lists the bases.
func (p *Project) Base(name string) (*Base, error) {
	var names []string
	for i := range p.Bases {
		if name == "" || p.Bases[i].Name == name {
			return &p.Bases[i], nil
		}
		names = append(names, p.Bases[i].Name)
	}
	return nil, fmt.Errorf("%s: no base %q (there is %s)",
		filepath.Join(p.Dir, Name), name, strings.Join(names, ", "))
}

// Find returns the series with the key, nil if there is none.
func (p *Project) Find(key string) *Series {
	for i := range p.Series {
		if p.Series[i].Key == key {
			return &p.Series[i]
		}
	}
	return nil
}

// Target returns the target called name, nil if there is none.
func (p *Project) Target(name string) *Target {
	for i := range p.Targets {
		if p.Targets[i].Name == name {
			return &p.Targets[i]
		}
	}
	return nil
}

// tomlLine is how the library says where a value of the wrong type is.
var tomlLine = lazyregexp.New(`(?s)^toml: line (\d+) (.*)$`)

// parse reads a manifest without looking at any other file.
func parse(path string, data []byte) (*Project, positions, error) {
	pos := scanPositions(data)
	var f file
	meta, err := toml.Decode(string(data), &f)
	if err != nil {
		e := &Error{File: path, Msg: err.Error()}
		var perr toml.ParseError
		if errors.As(err, &perr) {
			e.Line, e.Msg = perr.Position.Line, perr.Message
			if e.Msg == "" {
				e.Msg = err.Error()
			}
		} else if m := tomlLine.FindStringSubmatch(err.Error()); m != nil {
			e.Line, _ = strconv.Atoi(m[1])
			e.Msg = m[2]
		}
		return nil, nil, e
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return nil, nil, &Error{File: path, Line: pos.line(key, 0), Msg: fmt.Sprintf("unknown key %q", key)}
	}
	if err := f.check(path, pos); err != nil {
		return nil, nil, err
	}
	for i := range f.Series {
		f.Series[i].inherit(&f)
	}
	return &Project{Facts: f.Project, Targets: f.Targets, Bases: f.Bases, Series: f.Series}, pos, nil
}

// findPatches compares the lists of patches with the directories. Each file must be listed
// and each listed file must exist, since an unlisted patch is never applied or tested.
func (p *Project) findPatches(path string, pos positions) error {
	for i := range p.Series {
		s := &p.Series[i]
		for j := range p.Bases {
			name := p.Bases[j].Name
			found, err := filepath.Glob(filepath.Join(p.Dir, s.Key, name, "*.patch"))
			if err != nil {
				return fmt.Errorf("load series: %w", err)
			}
			if s.On(name) == nil && len(found) > 0 {
				s.Bases = append(s.Bases, Form{Base: name})
			}
			if f := s.On(name); f != nil {
				if err := f.findPatches(p, s, found, path, pos); err != nil {
					return err
				}
			}
		}
	}
	all, err := filepath.Glob(filepath.Join(p.Dir, "*", "*", "*.patch"))
	if err != nil {
		return fmt.Errorf("load series: %w", err)
	}
	for _, f := range all {
		base := filepath.Base(filepath.Dir(f))
		key := filepath.Base(filepath.Dir(filepath.Dir(f)))
		if s := p.Find(key); s == nil || s.On(base) == nil {
			return &Error{File: path, Msg: fmt.Sprintf("%s/%s/%s belongs to no series on a base: list series %q with base %q, or remove the file",
				key, base, filepath.Base(f), key, base)}
		}
	}
	return nil
}

func (f *Form) findPatches(p *Project, s *Series, found []string, path string, pos positions) error {
	if len(f.Patches) == 0 {
		for _, file := range found {
			name := filepath.Base(file)
			f.Patches = append(f.Patches, Patch{Series: s.Key, Key: KeyOf(name), File: name, Path: file})
		}
		return nil
	}
	for i := range f.Patches {
		q := &f.Patches[i]
		q.Series, q.Path = s.Key, filepath.Join(p.Dir, s.Key, f.Base, q.File)
		if _, err := os.Stat(q.Path); err != nil {
			msg := err.Error()
			if errors.Is(err, fs.ErrNotExist) {
				msg = fmt.Sprintf("patch %q: no such file: %s", q.Key, q.Path)
			}
			return &Error{File: path, Line: pos.value("series.base.patch.file", q.File), Msg: msg}
		}
	}
	for _, file := range found {
		if !slices.ContainsFunc(f.Patches, func(q Patch) bool { return q.Path == file }) {
			return &Error{File: path, Msg: fmt.Sprintf("series %q: %s/%s/%s is not listed; add it as a [[series.base.patch]] or remove it",
				s.Key, s.Key, f.Base, filepath.Base(file))}
		}
	}
	return nil
}

// KeyOf derives a key from the name of a patch file: the name without number and
// suffix.
func KeyOf(file string) string {
	key := strings.TrimSuffix(file, ".patch")
	if number, rest, ok := strings.Cut(key, "-"); ok && strings.Trim(number, "0123456789") == "" {
		key = rest
	}
	return key
}

// nameRule describes the names that isName accepts.
const nameRule = "want letters, digits, '.', '_' and '-', not beginning with '.' or '-'"

// isName reports whether s can name a file and a git ref.
func isName(s string) bool {
	return s != "" && !strings.HasPrefix(s, "-") && !strings.HasPrefix(s, ".") &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
		})
}
