// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// standIns is a directory for the headers of [libc]. Few kernel headers include one of
// them, and writing them takes longer than a look at the includes. So they are unpacked
// only when a header can include one.
type standIns struct {
	dir string

	mu       sync.Mutex
	unpacked bool
	seen     map[string]bool // files that were looked at, by name
}

// supply unpacks the stand-ins if src, or a header below dirs that it includes, can
// include one of them. With always it unpacks them in any case.
func (s *standIns) supply(src string, dirs []string, always bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unpacked || !always && !s.wanted(src, "", dirs) {
		return nil
	}
	s.unpacked = true
	return unpackLibc(s.dir)
}

// wanted reports whether text, of a file in the directory dir, can include a stand-in. It
// ignores conditions. It returns true for an include whose name it cannot read.
func (s *standIns) wanted(text, dir string, dirs []string) bool {
	for name := range includes(text) {
		if name == "" {
			return true
		}
		if _, err := fs.Stat(libc, "libc/"+filepath.ToSlash(filepath.Clean(name))); err == nil {
			return true
		}
		// Check all of them. The compiler may take any.
		for _, d := range append(dirs[:len(dirs):len(dirs)], dir) {
			file := filepath.Join(d, name)
			if d == "" || s.seen[file] {
				continue
			}
			s.seen[file] = true
			if header, err := os.ReadFile(file); err == nil && s.wanted(string(header), filepath.Dir(file), dirs) {
				return true
			}
		}
	}
	return false
}

// includes yields the names of headers that text includes or asks for, in any condition. It
// yields "" for a directive with a macro or a comment in place of the name.
func includes(text string) func(yield func(string) bool) {
	const word = "include"
	return func(yield func(string) bool) {
		for {
			before, after, found := strings.Cut(text, word)
			if !found {
				return
			}
			line := strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:])
			text = after
			rest := strings.TrimLeft(strings.TrimPrefix(after, "_next"), "_( \t")
			name, ended := "", false
			switch {
			case strings.HasPrefix(rest, "<"):
				name, _, ended = strings.Cut(rest[1:], ">")
			case strings.HasPrefix(rest, `"`):
				name, _, ended = strings.Cut(rest[1:], `"`)
			case line != "#" && line != "%:":
				continue // a word of a comment
			}
			if strings.ContainsRune(name, '\n') || !ended {
				name = ""
			}
			if !yield(name) {
				return
			}
		}
	}
}
