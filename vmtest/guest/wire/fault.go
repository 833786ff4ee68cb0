// SPDX-License-Identifier: GPL-2.0-only OR MIT

package wire

// FaultPlan returns the tests that a guest in ModeFault announces.
func FaultPlan() []string { return []string{"test-1", "test-2", "test-3", "test-4"} }
