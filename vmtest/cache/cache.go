// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package cache keeps what is expensive to make: fetched sources, patched
// trees, kernels. Everything in it is keyed by the hash of all that made it,
// written beside its place and renamed into it, and locked while in use. So a
// run that was interrupted leaves nothing half-made that a later one trusts,
// and two runs at once do not disturb each other.
//
// The directory may be deleted at any time no run uses it; everything in it
// can be made again.
package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// EnvDir is the environment variable that names the cache directory.
const EnvDir = "XPSGEN_CACHE"

// tempPrefix marks what is being written. Nobody ever trusts such a name.
const tempPrefix = ".tmp-"

// Dir returns the cache directory: $XPSGEN_CACHE, or xpsgen in the user's own
// cache directory. The directory need not exist.
func Dir() (string, error) {
	if dir := os.Getenv(EnvDir); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("cache directory from $%s: %w", EnvDir, err)
		}
		return abs, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory: %w (set $%s)", err, EnvDir)
	}
	return filepath.Join(dir, "xpsgen"), nil
}

// WriteFile writes data to path whole: under another name in the same
// directory first, then renamed. The directory is made if it is missing. On
// any error the old file is untouched.
func WriteFile(path string, data []byte, perm os.FileMode) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(perm); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Publish makes the directory path by calling fill with a new, empty directory
// beside it and renaming that into place. The caller holds the lock that
// guards path. Leftovers of runs that were killed in the middle are removed
// first. If path exists it is replaced.
func Publish(path string, fill func(dir string) error) (err error) {
	parent, name := filepath.Split(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	if err := Sweep(parent, name); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, tempPrefix+name+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := fill(tmp); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// Sweep removes from dir what interrupted calls of [Publish] left of name.
func Sweep(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix+name+"-") {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
