// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// libc has the few declarations of the C library that UAPI headers need. They make the
// result independent of the machine's C library, and the target needs none. Nothing in them
// becomes part of a model.
//
//go:embed libc
var libc embed.FS

// unpackLibc writes the stand-in headers below dir.
func unpackLibc(dir string) error {
	err := fs.WalkDir(libc, "libc", func(name string, e fs.DirEntry, err error) error {
		to := dir + strings.TrimPrefix(name, "libc")
		switch {
		case err != nil:
			return err
		case name == "libc":
			return nil
		case e.IsDir():
			return os.Mkdir(to, 0o777)
		}
		text, err := libc.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o666)
	})
	if err != nil {
		return fmt.Errorf("stand-in headers: %w", err)
	}
	return nil
}
