// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package vmtest is the way from two series of patches to a verdict: it has
// the trees patched (vmtest/tree), the kernel, ip and the guest built
// (vmtest/build), the guest booted (vmtest/vm), and judges what it reports.
//
// [RunSuite] does all of that, [RunProgram] and [Guest.Shell] hand the same
// guest to the user, [RunMutants] shows that the suite notices defects.
//
// A run that says something about the kernel under test returns an [Outcome],
// passed or not. Errors mean that there is nothing to judge: [IsVerdict] tells
// those that are the tree's fault (a patch that does not apply, a compile
// error, a dropped Kconfig symbol) from breakdowns of the workbench itself.
//
// Nothing here prints, reads flags or knows the terminal.
package vmtest
