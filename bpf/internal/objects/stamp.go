// SPDX-License-Identifier: GPL-2.0-only OR MIT

package objects

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// StampFile is the name of a file next to the objects. It records the compiler, the
// flags, and the hashes of sources and outputs.
const StampFile = "objects.sum"

// ErrStale: sources, objects or flags differ from the stamp.
var ErrStale = errors.New("BPF objects do not match their sources")

const (
	keyCompiler = "compiler"
	keyFlags    = "flags"
	keyTargets  = "targets"
)

// A Stamp records the files after compiling, the compiler and its flags.
type Stamp struct {
	Compiler string
	Flags    string
	Targets  string
	// Files maps the name of each source, header, object and binding to
	// its SHA-256 in hex.
	Files map[string]string
}

// NewStamp returns a stamp of the current files of dir.
func NewStamp(dir, compiler string) (*Stamp, error) {
	s := &Stamp{Compiler: compiler, Flags: flags, Targets: targets, Files: make(map[string]string)}
	names, err := outputs(dir)
	if err != nil {
		return nil, err
	}
	for _, pattern := range []string{"*" + sourceSuffix, "*.h"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, p := range paths {
			names[filepath.Base(p)] = true
		}
	}
	for name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		s.Files[name] = hex.EncodeToString(sum[:])
	}
	return s, nil
}

// ReadStamp reads the stamp of dir.
func ReadStamp(dir string) (*Stamp, error) {
	path := filepath.Join(dir, StampFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := ParseStamp(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ParseStamp parses the text that [Stamp.Bytes] returns.
func ParseStamp(b []byte) (*Stamp, error) {
	s := &Stamp{Files: make(map[string]string)}
	sc := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if key, value, ok := strings.Cut(line, ": "); ok {
			switch key {
			case keyCompiler:
				s.Compiler = value
			case keyFlags:
				s.Flags = value
			case keyTargets:
				s.Targets = value
			default:
				return nil, fmt.Errorf("line %d: unknown key %q", n, key)
			}
			continue
		}
		sum, name, ok := strings.Cut(line, "  ")
		if !ok || len(sum) != 2*sha256.Size || name == "" {
			return nil, fmt.Errorf("line %d: want \"<sha256>  <file>\", got %q", n, line)
		}
		if _, twice := s.Files[name]; twice {
			return nil, fmt.Errorf("line %d: duplicate entry %q", n, name)
		}
		s.Files[name] = sum
	}
	return s, sc.Err()
}

// Bytes returns the text of the stamp file.
func (s *Stamp) Bytes() []byte {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "# Written by go generate ./bpf. Do not edit.\n")
	fmt.Fprintf(&buf, "%s: %s\n", keyCompiler, s.Compiler)
	fmt.Fprintf(&buf, "%s: %s\n", keyFlags, s.Flags)
	fmt.Fprintf(&buf, "%s: %s\n", keyTargets, s.Targets)
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		fmt.Fprintf(&buf, "%s  %s\n", s.Files[name], name)
	}
	return buf.Bytes()
}

// Verify compares the files of dir with its stamp. If they differ, the error wraps
// [ErrStale] and names every file that differs, and the remedy.
func Verify(dir string) error {
	want, err := ReadStamp(dir)
	if errors.Is(err, os.ErrNotExist) {
		return stale([]string{StampFile + ": missing"})
	}
	if err != nil {
		return err
	}
	have, err := NewStamp(dir, want.Compiler)
	if err != nil {
		return err
	}
	if diff := want.diff(have); len(diff) != 0 {
		return stale(diff)
	}
	return nil
}

func stale(diff []string) error {
	return fmt.Errorf("%w (run: go generate ./bpf):\n\t%s", ErrStale, strings.Join(diff, "\n\t"))
}

// diff returns a line for each difference of have from s.
func (s *Stamp) diff(have *Stamp) []string {
	var diff []string
	for _, v := range []struct{ key, want, have string }{
		{keyCompiler, s.Compiler, have.Compiler},
		{keyFlags, s.Flags, have.Flags},
		{keyTargets, s.Targets, have.Targets},
	} {
		if v.want != v.have {
			diff = append(diff, fmt.Sprintf("%s: compiled with %q, now %q", v.key, v.want, v.have))
		}
	}
	names := maps.Clone(s.Files)
	maps.Copy(names, have.Files)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		want, known := s.Files[name]
		sum, there := have.Files[name]
		switch {
		case !there:
			diff = append(diff, name+": missing")
		case !known:
			diff = append(diff, name+": not known to "+StampFile)
		case want != sum:
			diff = append(diff, name+": changed")
		}
	}
	return diff
}
