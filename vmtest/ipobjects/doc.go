// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package ipobjects has ip load many objects in the patched guest, and compares how that
// ends with a golden table.
//
// The objects cover what a user may pass to ip: all section names that libbpf knows, all
// kinds of maps and data, damaged files, and files that are not objects. ip is built with
// the machine's libbpf, with that of the patched kernel, and without libbpf. It runs with
// a BPF file system, with a read-only /sys, with ip -n, and without rights.
//
// Two results are failures even if the golden table has them: ip ends by a signal, or a
// program is attached that is not the one asked for.
package ipobjects
