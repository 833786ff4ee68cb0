// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// notesDir, in a result, has the notes of gcc under the paths of their objects.
// gcov needs them to relate the counts of a program to lines.
const notesDir = "gcno"

// keepNotes copies the notes of the objects below dir into the result at to. It
// creates no directory if there are none.
func keepNotes(dir, to string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".gcno") || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, notesDir, rel)
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		return copyFile(dst, path)
	})
	if err != nil {
		return fmt.Errorf("keep the notes of gcc: %w", err)
	}
	return nil
}

// NotesOf returns the directory of gcc's notes for a program of the cache.
func NotesOf(program string) string { return filepath.Join(filepath.Dir(program), notesDir) }
