// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"io/fs"
	"slices"
)

// gitless is a directory without the repository in it.
type gitless struct{ fs.FS }

func (g gitless) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(g.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		// Links would have to be read, and no build needs one.
		return e.Name() == ".git" || e.Type()&fs.ModeSymlink != 0
	}), err
}
