// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import "xpsgen/vmtest/guest/suite/check"

// NoHook is what the reason of a test says that is skipped, or fails, because
// the kernel has no hook.
const NoHook = reasonUnpatched

// NeedsHook tells whether the test called name, in the form of [Names], is one
// of the hook: one that must not pass on a kernel without it. A name that is
// not in the plan counts as one.
func NeedsHook(name string) bool {
	for _, g := range groups(&env{}) {
		for _, t := range g.Tests {
			if check.FullName(g.Name, t.Name) == name {
				return !t.Baseline
			}
		}
	}
	return true
}
