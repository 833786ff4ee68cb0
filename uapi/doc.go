// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package uapi holds constants and types of Linux's user-space API, taken by
// the C compiler from the headers of the kernel that this workbench patches.
// It has IFLA_XPS and its nest, which no released package has yet.
//
// Names are those of C. A constant is untyped and has the value that it has in
// C; flags are written as the unsigned number of their bits, because in C
// 1<<31 is negative. The top of each file names its header, the header's
// digest, and the kernel it came from.
//
// Everything but this comment is generated after uapi.toml by xpsgen uapi,
// from a kernel tree.
package uapi
