// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// TempVariable is the environment variable that names the directory of
// temporary files.
const TempVariable = "TMPDIR"

// PlaceError is a directory that cannot be used. It names the variable that selects
// another one.
type PlaceError struct {
	// What is the purpose of the directory.
	What string
	// Path is the directory.
	Path string
	// Variable is the environment variable to set.
	Variable string
	// Err is the cause.
	Err error
}

func (e *PlaceError) Error() string {
	return fmt.Sprintf("%s %q: %v (set %s to another directory)", e.What, e.Path, e.Err, e.Variable)
}

func (e *PlaceError) Unwrap() error { return e.Err }

// Check reports whether the cache can be in dir. The kernel must build in that path, and
// no file may be in the way. dir need not exist. The error is a [*PlaceError].
func Check(dir string) error {
	err := checkName(dir)
	if err == nil {
		err = checkDirectory(dir)
	}
	if err != nil {
		return &PlaceError{What: "cache directory", Path: dir, Variable: EnvDir, Err: err}
	}
	return nil
}

// CheckTemp reports whether temporary files can be created. The error is a [*PlaceError].
func CheckTemp() error {
	dir := os.TempDir()
	info, err := os.Stat(dir)
	switch {
	case err != nil:
	case !info.IsDir():
		err = unix.ENOTDIR
	default:
		err = unix.Access(dir, unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return &PlaceError{What: "temporary directory", Path: dir, Variable: TempVariable, Err: cause(err)}
	}
	return nil
}

// plain lists the characters that a build path may have, in addition to letters and digits. For
// make, a space ends a name, a colon ends a target, and %, $ and # have a meaning. The
// kernel's Makefile also puts the path after an equals sign and, in -Wp, between commas.
const plain = "/._-+@~"

func checkName(path string) error {
	if !utf8.ValidString(path) {
		return fmt.Errorf("the kernel does not build in a path that is not UTF-8")
	}
	for _, r := range path {
		switch {
		case r >= utf8.RuneSelf, r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(plain, r):
		default:
			return fmt.Errorf("the kernel does not build in a path with %q", r)
		}
	}
	return nil
}

// checkDirectory checks the nearest existing parent of dir.
func checkDirectory(dir string) error {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s: %w", dir, unix.ENOTDIR)
		case err == nil:
			return nil
		case !os.IsNotExist(err):
			return cause(err)
		case dir == filepath.Dir(dir):
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// cause returns err without the path, which the caller's error already names.
func cause(err error) error {
	if perr, ok := err.(*os.PathError); ok {
		return perr.Err
	}
	return err
}
