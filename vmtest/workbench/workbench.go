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

// ErrNone is returned when no workbench is found where the user stands and
// none was used before.
var ErrNone = errors.New("no workbench here")

// rootMark is the pattern of the files one of which makes a directory a
// workbench: the manifest of a project.
const rootMark = "*-patches/series.toml"

// rootFile, in the cache, holds the directory of the workbench last used.
const rootFile = "root"

// Find returns the directory of the workbench: explicit if given, else the
// nearest one at or above the current directory, else the one that the running
// program lies in, else the one that [Remember] noted in cache. Returns an error wrapping [ErrNone] if
// there is none.
func Find(explicit, cache string) (string, error) {
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
	starts := []string{dir}
	if self, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(self))
	}
	for _, start := range starts {
		for here := start; ; here = filepath.Dir(here) {
			if isRoot(here) {
				return here, nil
			}
			if here == filepath.Dir(here) {
				break
			}
		}
	}
	if last, err := os.ReadFile(filepath.Join(cache, rootFile)); err == nil {
		if here := strings.TrimSpace(string(last)); isRoot(here) {
			return here, nil
		}
	}
	return "", fmt.Errorf("%s: %w: stand in its directory, or set --root or XPSGEN_ROOT", dir, ErrNone)
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
