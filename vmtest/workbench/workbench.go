// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package workbench finds the checkout that a command works on.
package workbench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/cache"
)

// ErrNone is wrapped by the error of [Find] or [Nearest] that finds no workbench. It is
// also wrapped if the named directory is not a workbench.
var ErrNone = errors.New("no workbench here")

// rootMark is the pattern of the files one of which makes a directory a
// workbench: the manifest of a project.
const rootMark = "*-patches/series.toml"

// rootFile, in the cache, holds the directory of the workbench last used.
const rootFile = "root"

// Find returns the directory of the workbench: explicit if given, else the
// nearest one at or above the current directory. If there is none, it is the
// one that contains the running program, else the one that [Remember] noted in
// cache. Find returns an error wrapping [ErrNone] if it finds no workbench.
func Find(explicit, cache string) (string, error) {
	root, near := Nearest(explicit)
	if near == nil || explicit != "" {
		return root, near
	}
	if self, err := os.Executable(); err == nil {
		if root := rootAbove(filepath.Dir(self)); root != "" {
			return root, nil
		}
	}
	if last, err := os.ReadFile(filepath.Join(cache, rootFile)); err == nil {
		if here := strings.TrimSpace(string(last)); isRoot(here) {
			return here, nil
		}
	}
	return "", near
}

// Nearest returns the directory of the workbench: explicit if given, else
// the nearest one at or above the current directory. Commands that write into
// a workbench use it, so that they never change one that the user does not
// name. Returns an error wrapping [ErrNone] if there is none.
func Nearest(explicit string) (string, error) {
	if explicit != "" {
		dir, err := filepath.Abs(explicit)
		if err != nil {
			return "", fmt.Errorf("find the workbench: %w", err)
		}
		if !isRoot(dir) {
			return "", fmt.Errorf("%s: %w: it has no %s", dir, ErrNone, rootMark)
		}
		return dir, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the workbench: %w", err)
	}
	if root := rootAbove(dir); root != "" {
		return root, nil
	}
	return "", fmt.Errorf("%s: %w: change to its directory, or set --root or XPSGEN_ROOT", dir, ErrNone)
}

// rootAbove returns the nearest workbench at or above dir, or "".
func rootAbove(dir string) string {
	for {
		if isRoot(dir) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

// Remember notes root, in the cache directory dir, as the workbench to use
// from elsewhere.
func Remember(root, dir string) error {
	path := filepath.Join(dir, rootFile)
	if old, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(old)) == root {
		return nil
	}
	if err := cache.WriteFile(path, []byte(root+"\n"), 0o644); err != nil {
		return fmt.Errorf("note the workbench: %w", err)
	}
	return nil
}

func isRoot(dir string) bool {
	found, err := filepath.Glob(filepath.Join(strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir), rootMark))
	return err == nil && len(found) > 0
}
