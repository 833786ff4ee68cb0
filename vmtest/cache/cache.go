// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package cache stores results that are expensive to make: fetched sources, patched
// trees, kernels. The key of an entry is the hash of all its inputs. An entry is written
// under a temporary name, renamed into place, and locked while in use. So an interrupted
// run leaves no incomplete entry, and two runs at once do not disturb each other.
//
// The directory may be deleted while no run uses it; later runs rebuild its content.
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

// tempPrefix marks entries that are being written. No reader trusts such a name.
const tempPrefix = ".tmp-"

// Dir returns the cache directory: $XPSGEN_CACHE, or xpsgen in the user's cache
// directory. It need not exist.
func Dir() (string, error) {
	if dir := os.Getenv(EnvDir); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("cache directory: $%s: %w", EnvDir, err)
		}
		return abs, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache directory: %w (set $%s)", err, EnvDir)
	}
	return filepath.Join(dir, "xpsgen"), nil
}

// WriteFile writes data to path atomically: to a temporary file in the same directory,
// which it renames. It creates a missing directory. On error the old file is unchanged.
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

// Publish creates the directory path. It calls fill with a new, empty directory next to
// path and renames that into place. An existing path is replaced. The caller holds the
// lock that guards path. Publish first removes leftovers of killed runs.
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

// Sweep removes leftovers of interrupted calls of [Publish] for name from dir.
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
