// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"fmt"
	"path/filepath"

	"xpsgen/vmtest/tree"
)

// AllBases is the name that stands for every kernel base.
const AllBases = "all"

// Bases returns the kernel bases that name stands for: all that the workbench
// at root has, in the order of its manifest, for [AllBases]; else the one of
// that name, or [DefaultBase] for none.
func Bases(root, name string) ([]string, error) {
	series, err := tree.Load(filepath.Join(root, "kernel-patches"))
	if err != nil {
		return nil, err
	}
	if name != AllBases {
		b, err := series.Base((&Source{Base: name}).BaseName())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSource, err)
		}
		return []string{b.Name}, nil
	}
	var names []string
	for _, b := range series.Bases {
		names = append(names, b.Name)
	}
	return names, nil
}
