// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import "xpsgen/vmtest/arch"

// archOf returns a, or amd64 for nil.
func archOf(a *arch.Arch) *arch.Arch {
	if a == nil {
		a, _ = arch.Find(arch.Amd64) // always known
	}
	return a
}

// suffix returns the end of a step's name: empty for amd64, else the
// architecture.
func suffix(a *arch.Arch) string {
	if a.Cross() {
		return " for " + a.Name
	}
	return ""
}
