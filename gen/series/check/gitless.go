// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"io/fs"
	"slices"
)

// gitless is a directory tree without .git and symbolic links.
type gitless struct{ fs.FS }

func (g gitless) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(g.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		// Skip symbolic links: reading them would follow them, and no build needs
		// one.
		return e.Name() == ".git" || e.Type()&fs.ModeSymlink != 0
	}), err
}
