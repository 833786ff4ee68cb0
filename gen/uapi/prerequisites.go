// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import "slices"

// prerequisites are headers to include before others that are not complete by
// themselves. The list may only shrink.
var prerequisites = map[string][]string{
	"asm/ucontext.h":         {"asm/signal.h", "asm/sigcontext.h"},
	"asm-generic/ucontext.h": {"asm/signal.h", "asm/sigcontext.h"},
	"linux/coda.h":           {"sys/types.h"},
	"linux/errqueue.h":       {"linux/time.h"},
	"linux/hdlc/ioctl.h":     {"linux/if.h"},
	"linux/omapfb.h":         {"stddef.h"},
	"linux/phonet.h":         {"sys/socket.h"},
	"linux/sctp.h":           {"stdint.h", "sys/socket.h"},
	"linux/sysctl.h":         {"stddef.h"},
	"linux/usb/audio.h":      {"stddef.h"},
}

// incompatible are headers that cannot be compiled outside the kernel, with
// the reason. The list may only shrink.
var incompatible = map[string]string{
	"linux/patchkey.h": "refuses to be included other than by linux/soundcard.h, which has its names",
	"xen/evtchn.h":     "needs domid_t of xen/interface/xen.h, which is not installed",
	"xen/gntdev.h":     "needs grant_ref_t of xen/interface/grant_table.h, which is not installed",
	"xen/privcmd.h":    "includes xen/interface/xen.h, which is not installed",
}

// Prerequisites returns the headers that a known header needs before it.
func Prerequisites(header string) []string { return slices.Clone(prerequisites[header]) }

// Incompatible returns why a header is known not to compile outside the
// kernel, or "".
func Incompatible(header string) string { return incompatible[header] }
