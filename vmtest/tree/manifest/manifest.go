// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package manifest reads series.toml: what a change to one project is called,
// which bases it exists on, where those come from, and which patches in which
// order make it. It looks at no patch and obtains no tree.
//
// Every mistake in a manifest is an [*Error] with file and line.
package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Name is the name of the manifest in a series' directory.
const Name = "series.toml"

// Role says what becomes of the patches of a base.
type Role string

const (
	// Submit: the patches are sent to the lists.
	Submit Role = "submit"
	// Carry: the patches are a backport and never sent.
	Carry Role = "carry"
)

// Series is one change to one project, as patches on one or several bases.
type Series struct {
	// Title is the subject of the cover letter.
	Title string `toml:"title"`
	// Project is what is patched: "linux" or "iproute2".
	Project string `toml:"project"`
	// Version counts the postings, from 1.
	Version int `toml:"version"`
	// Prefix stands in the brackets of a mail's subject, without "PATCH".
	Prefix string `toml:"prefix"`
	// Trees are the maintainers' trees that the series may be sent for.
	Trees []Tree `toml:"tree"`
	// Recipients are whom it is sent to, whatever a script finds besides.
	Recipients Recipients `toml:"recipients"`
	// Attribution says whom the change goes back to.
	Attribution Attribution `toml:"attribution"`
	// Bases are the trees the series exists for.
	Bases []Base `toml:"base"`

	// Dir is the directory the manifest was read from.
	Dir string `toml:"-"`
}

// Base is a tree to patch.
type Base struct {
	// Name is what the user calls it, and the folder of its patches.
	Name string `toml:"name"`
	// Role is Submit or Carry.
	Role Role `toml:"role"`
	// Tree names one of the series' Trees: the one that a Submit base stands
	// for. Empty means the first.
	Tree string `toml:"tree"`
	// Commit is the public commit that the base is: what "base-commit:" says
	// in a cover letter. Empty if there is none or it is not known.
	Commit string `toml:"commit"`
	// Origins say where the tree comes from; the first that works is taken.
	Origins []Origin `toml:"source"`
	// Patches are in the order of application. A manifest that lists none
	// means every .patch file of the folder, in the order of their names.
	Patches []Patch `toml:"patch"`
}

// Patch is one patch file.
type Patch struct {
	// Key names the step, the same on every base and in every version.
	Key string `toml:"key"`
	// File is the file's name in the base's folder.
	File string `toml:"file"`

	// Path is where the file is.
	Path string `toml:"-"`
}

// Error is a mistake in a manifest.
type Error struct {
	// File is the manifest, Line where in it, 0 if not known.
	File string
	Line int
	// Msg says what is wrong.
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
func Load(dir string) (*Series, error) {
	file := filepath.Join(dir, Name)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	s, pos, err := parse(file, data)
	if err != nil {
		return nil, err
	}
	if s.Dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	for i := range s.Bases {
		if err := s.findPatches(&s.Bases[i], file, pos); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Base returns the base called name, or the only one, or the first, if name is
// empty. The error lists what there is.
func (s *Series) Base(name string) (*Base, error) {
	var names []string
	for i := range s.Bases {
		if name == "" || s.Bases[i].Name == name {
			return &s.Bases[i], nil
		}
		names = append(names, s.Bases[i].Name)
	}
	return nil, fmt.Errorf("%s: no base %q (there is %s)",
		filepath.Join(s.Dir, Name), name, strings.Join(names, ", "))
}

// tomlLine is how the library says where a value of the wrong type is.
var tomlLine = regexp.MustCompile(`(?s)^toml: line (\d+) (.*)$`)

// parse reads a manifest without looking at any other file.
func parse(file string, data []byte) (*Series, positions, error) {
	pos := scanPositions(data)
	var s Series
	meta, err := toml.Decode(string(data), &s)
	if err != nil {
		e := &Error{File: file, Msg: err.Error()}
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
		return nil, nil, &Error{File: file, Line: pos.line(key, 0), Msg: fmt.Sprintf("unknown key %q", key)}
	}
	if err := s.check(file, pos); err != nil {
		return nil, nil, err
	}
	return &s, pos, nil
}

// check looks for contradictions and gaps.
func (s *Series) check(file string, pos positions) error {
	fail := func(key string, nth int, format string, a ...any) error {
		return &Error{File: file, Line: pos.line(key, nth), Msg: fmt.Sprintf(format, a...)}
	}
	switch {
	case s.Title == "":
		return fail("title", 0, "title is missing")
	case !isName(s.Project):
		return fail("project", 0, "project %q: want a plain name, such as linux", s.Project)
	case s.Version < 1:
		return fail("version", 0, "version %d: want 1 or more", s.Version)
	case len(s.Bases) == 0:
		return fail("base", 0, "no [[base]]")
	}
	if key, nth, err := s.checkSending(); err != nil {
		return fail(key, nth, "%v", err)
	}
	seen := map[string]bool{}
	origins, patches := 0, 0
	for i, b := range s.Bases {
		if !isName(b.Name) {
			return fail("base.name", i, "base %q: want a plain name, such as 6.12", b.Name)
		}
		if seen[b.Name] {
			return fail("base.name", i, "base %q is there twice", b.Name)
		}
		seen[b.Name] = true
		if b.Role != Submit && b.Role != Carry {
			return fail("base.role", i, "base %q: role %q: want %s or %s", b.Name, b.Role, Submit, Carry)
		}
		if b.Commit != "" && !isCommit(b.Commit) {
			return fail("base.commit", i, "base %q: commit %q: want 40 hex digits", b.Name, b.Commit)
		}
		if b.Tree != "" && !slices.ContainsFunc(s.Trees, func(t Tree) bool { return t.Name == b.Tree }) {
			return fail("base.tree", i, "base %q: no [[tree]] called %q", b.Name, b.Tree)
		}
		if len(b.Origins) == 0 {
			return fail("base", i, "base %q has no [[base.source]]", b.Name)
		}
		for _, o := range b.Origins {
			if err := o.check(); err != nil {
				return fail("base.source", origins, "base %q: source: %v", b.Name, err)
			}
			origins++
		}
		keys, files := map[string]bool{}, map[string]bool{}
		for _, p := range b.Patches {
			switch {
			case !isName(p.Key):
				return fail("base.patch", patches, "patch key %q: want a plain name", p.Key)
			case keys[p.Key]:
				return fail("base.patch.key", patches, "patch key %q is there twice", p.Key)
			case p.File == "" || p.File != filepath.Base(p.File) || !strings.HasSuffix(p.File, ".patch"):
				return fail("base.patch.file", patches, "patch file %q: want the name of a .patch file in %s/", p.File, b.Name)
			case files[p.File]:
				return fail("base.patch.file", patches, "patch file %q is there twice", p.File)
			}
			keys[p.Key], files[p.File] = true, true
			patches++
		}
	}
	return nil
}

// findPatches holds the list of patches against the folder. Every file must be
// listed and every listed file be there: a patch that is silently not applied
// would be tested by nobody.
func (s *Series) findPatches(b *Base, file string, pos positions) error {
	dir := filepath.Join(s.Dir, b.Name)
	found, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil {
		return fmt.Errorf("load series: %w", err)
	}
	if len(b.Patches) == 0 {
		for _, f := range found {
			name := filepath.Base(f)
			b.Patches = append(b.Patches, Patch{Key: KeyOf(name), File: name, Path: f})
		}
		return nil
	}
	for i := range b.Patches {
		p := &b.Patches[i]
		p.Path = filepath.Join(dir, p.File)
		if _, err := os.Stat(p.Path); err != nil {
			msg := err.Error()
			if errors.Is(err, fs.ErrNotExist) {
				msg = fmt.Sprintf("patch %q: no such file: %s", p.Key, p.Path)
			}
			return &Error{File: file, Line: pos.value("base.patch.file", p.File), Msg: msg}
		}
	}
	for _, f := range found {
		if !slices.ContainsFunc(b.Patches, func(p Patch) bool { return p.Path == f }) {
			return &Error{File: file, Msg: fmt.Sprintf(
				"base %q: %s/%s is not listed; add it as a [[base.patch]] or remove it", b.Name, b.Name, filepath.Base(f))}
		}
	}
	return nil
}

// KeyOf makes a key of a patch file's name: without its number and ending.
func KeyOf(file string) string {
	key := strings.TrimSuffix(file, ".patch")
	if number, rest, ok := strings.Cut(key, "-"); ok && strings.Trim(number, "0123456789") == "" {
		key = rest
	}
	return key
}

// isName reports whether s can name a file and a git ref.
func isName(s string) bool {
	return s != "" && !strings.HasPrefix(s, "-") && !strings.HasPrefix(s, ".") &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
		})
}
