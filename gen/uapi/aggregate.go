// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import "debug/dwarf"

// An Aggregate is a struct or union with its layout.
type Aggregate struct {
	Pos Pos
	// Tag is the tag in C.
	Tag string
}

func aggregates(d *dwarf.Data, a *analysis) ([]*Aggregate, error) { return nil, nil }
