// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

// Keys of kernel patches in kernel-patches/series.toml. A test passes on trees that
// have the patch it names. Most tests attach by rtnetlink and need only that patch.
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
