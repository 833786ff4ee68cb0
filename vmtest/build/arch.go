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

// suffix names another architecture than amd64 at the end of a step.
func suffix(a *arch.Arch) string {
	if a.Cross() {
		return " for " + a.Name
	}
	return ""
}
