// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// libc holds the few declarations that UAPI headers want of the C library.
// Some headers include one of its headers when they are compiled outside the
// kernel, and what they see must depend neither on the machine nor on there
// being a C library for the target. Nothing in these is ever part of a model.
//
//go:embed libc
var libc embed.FS

// unpackLibc writes the stand-in headers below dir.
func unpackLibc(dir string) error {
	sub, err := fs.Sub(libc, "libc")
	if err != nil {
		return fmt.Errorf("stand-in headers: %w", err)
	}
	if err := os.CopyFS(dir, sub); err != nil {
		return fmt.Errorf("stand-in headers: %w", err)
	}
	return nil
}

// withLibc returns the include roots of a run: root and a temporary directory
// with the stand-in headers, which remove takes away.
func withLibc(root string) (roots []string, remove func(*error), err error) {
	dir, err := os.MkdirTemp("", "xpsgen-libc-")
	if err != nil {
		return nil, nil, fmt.Errorf("stand-in headers: %w", err)
	}
	if err := unpackLibc(dir); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return []string{root, dir}, func(err *error) { *err = errors.Join(*err, os.RemoveAll(dir)) }, nil
}
