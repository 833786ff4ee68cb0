// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

// Keys of the kernel patches, as in kernel-patches/series.toml, from which on
// tests pass. Most tests attach a program over rtnetlink and need only that.
const (
	needsFix       = "fix"
	needsRtnetlink = "rtnetlink"
	needsTun       = "tun"
	needsTunMaps   = "tun-maps"
	needsBpftool   = "bpftool"
	needsLink      = "link"

	needsSelftests    = "selftests"
	needsTunSelftests = "tun-selftests"
)
