// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import "xpsgen/vmtest/guest/suite/check"

// Keys of the patches of the kernel series, as in kernel-patches/series.toml,
// from which on tests hold. Nearly all attach a program, and hold as soon as
// that can be done.
const (
	needsRtnetlink = "rtnetlink"
	needsTun       = "tun"
	needsTunMaps   = "tun-maps"
	needsBpftool   = "bpftool"
	needsLink      = "link"
	needsLinkTools = "link-tools"

	needsSelftests     = "selftests"
	needsLinkSelftests = "link-selftests"
)

// NoHook is what the reason of a test says that is skipped, or fails, because
// the kernel has no hook.
const NoHook = reasonUnpatched

// NeedsHook tells whether the test called name, in the form of [Names], is one
// of the hook: one that must not pass on a kernel without it. A name that is
// not in the plan counts as one.
func NeedsHook(name string) bool {
	t, ok := find(name)
	return !ok || !t.Baseline
}

// Needs is the key of the patch of the kernel series from which on the test
// called name, in the form of [Names], holds: with that patch and all before
// it, it passes. Empty means that it holds on the base as it is. A name that
// is not in the plan needs what most tests need.
func Needs(name string) string {
	t, ok := find(name)
	if !ok {
		return needsRtnetlink
	}
	return t.Needs
}

// find looks a test up by its full name.
func find(name string) (check.Test, bool) {
	for _, g := range groups(&env{}) {
		for _, t := range g.Tests {
			if check.FullName(g.Name, t.Name) == name {
				return t, true
			}
		}
	}
	return check.Test{}, false
}
