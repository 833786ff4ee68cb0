// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"fmt"

	"xpsgen/vmtest/tree/manifest"
)

// AllBases is the name for all kernel bases.
const AllBases = "all"

// kernel returns the project that the guest takes its kernel from. Errors wrap
// [ErrSource] if no project is one.
func kernel(root string) (*manifest.Change, *manifest.Project, error) {
	c, err := manifest.LoadChange(root)
	if err != nil {
		return nil, nil, err
	}
	p := c.Guest(manifest.GuestKernel)
	if p == nil {
		return nil, nil, fmt.Errorf("%w: no series.toml below %s says guest = %q, so there is no kernel to boot", ErrSource, root, manifest.GuestKernel)
	}
	return c, p, nil
}

// Bases returns the kernel bases that name stands for: all that the workbench
// at root has, in the order of its manifest, for [AllBases]; else the one of
// that name, or the first for none.
func Bases(root, name string) ([]string, error) {
	_, p, err := kernel(root)
	if err != nil {
		return nil, err
	}
	if name != AllBases {
		b, err := p.Base(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSource, err)
		}
		return []string{b.Name}, nil
	}
	var names []string
	for _, b := range p.Bases {
		names = append(names, b.Name)
	}
	return names, nil
}
