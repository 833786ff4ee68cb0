// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"fmt"

	"xpsgen/vmtest/tree/manifest"
)

// AllBases is the name for all kernel bases.
const AllBases = "all"

// kernel returns the project for the guest's kernel. The error wraps [ErrSource] if no
// project has that role.
func kernel(root string) (*manifest.Change, *manifest.Project, error) {
	c, err := manifest.LoadChange(root)
	if err != nil {
		return nil, nil, err
	}
	p := c.Guest(manifest.GuestKernel)
	if p == nil {
		return nil, nil, fmt.Errorf("%w: no series.toml below %s has guest = %q, so no kernel can boot", ErrSource, root, manifest.GuestKernel)
	}
	return c, p, nil
}

// Bases returns the kernel bases for name. For [AllBases] these are all bases of the
// workbench at root, in the order of its manifest. Otherwise it is the named base, or the
// first if name is empty.
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
