// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// isGlob reports whether a path is a pattern.
func isGlob(p string) bool { return strings.ContainsAny(p, "*?[") }

// ListHeaders returns the headers below some directories, sorted. It skips Debian's
// directories for one target, such as x86_64-linux-gnu.
func ListHeaders(dirs []string) ([]string, error) {
	var out []string
	for _, dir := range dirs {
		err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && isTriplet(name) {
				return fs.SkipDir
			}
			if err == nil && !d.IsDir() && strings.HasSuffix(name, ".h") {
				out = append(out, name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("uapi: %s: %w", dir, err)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// matchPath is [path.Match] with "**" for any number of directories.
func matchPath(pattern, name string) bool {
	first, rest, more := strings.Cut(pattern, "/")
	if first == "**" && more {
		for {
			if matchPath(rest, name) {
				return true
			}
			_, tail, ok := strings.Cut(name, "/")
			if !ok {
				return false
			}
			name = tail
		}
	}
	head, tail, ok := strings.Cut(name, "/")
	if ok != more {
		return false
	}
	if matched, err := path.Match(first, head); err != nil || !matched {
		return false
	}
	return !more || matchPath(rest, tail)
}

// expand replaces each pattern by the headers that it matches on any target. It leaves out
// the matches that are known not to compile.
func (c *Config) expand(includes [][]string) (*Config, []LeftOut, error) {
	var left []LeftOut
	out := *c
	out.Headers, out.origin = nil, nil
	own := make(map[string]bool)
	for _, h := range c.Headers {
		own[h.Path] = true
	}
	var all []string
	for i, h := range c.Headers {
		if !isGlob(h.Path) {
			out.Headers, out.origin = append(out.Headers, h), append(out.origin, i)
			continue
		}
		if all == nil {
			for _, dirs := range includes {
				some, err := ListHeaders(dirs)
				if err != nil {
					return nil, nil, err
				}
				all = append(all, some...)
			}
			slices.Sort(all)
			all = slices.Compact(all)
		}
		matches, err := c.glob(i, h, all)
		if err != nil {
			return nil, nil, err
		}
		for _, name := range matches {
			if own[name] {
				continue
			}
			own[name] = true
			if reason := Incompatible(name); reason != "" {
				left = append(left, LeftOut{name, reason, true})
				continue
			}
			one := h
			one.Path, one.Except = name, nil
			out.Headers, out.origin = append(out.Headers, one), append(out.origin, i)
		}
	}
	return &out, left, out.fileClash(func(HeaderConfig) bool { return true })
}

// glob returns the headers that the pattern of the i-th entry matches.
func (c *Config) glob(i int, h HeaderConfig, all []string) ([]string, error) {
	var matches []string
	used := make([]bool, len(h.Except))
	for _, name := range all {
		if !matchPath(h.Path, name) {
			continue
		}
		skip := false
		for k, p := range h.Except {
			if matchPath(p, name) {
				used[k], skip = true, true
			}
		}
		if !skip {
			matches = append(matches, name)
		}
	}
	if k := slices.Index(used, false); k >= 0 {
		return nil, c.headerError(i, "except", fmt.Sprintf("except: %q matches none of %q", h.Except[k], h.Path))
	}
	if len(matches) == 0 {
		return nil, c.headerError(i, "path", fmt.Sprintf("path: no header matches %q", h.Path))
	}
	return matches, nil
}

// missing reports whether a header is below none of the directories.
func missing(dirs []string, header string) bool {
	return !slices.ContainsFunc(dirs, func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(header)))
		return err == nil
	})
}
