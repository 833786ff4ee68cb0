// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package ipobjects loads many objects with ip in the patched guest, and compares the
// results with a golden table.
//
// The objects cover what a user may pass to ip: all section names that libbpf knows, all
// kinds of maps and data, damaged files, and files that are not objects. ip is built with
// the machine's libbpf, with the libbpf of the patched kernel, and without libbpf. It runs with
// a BPF file system, with a read-only /sys, with ip -n, by ip netns exec, and without rights.
//
// Some results are failures even if the golden table has them, see
// [Table.Faults]. For example, ip ends by a signal, or ip attaches a program
// other than the requested one.
package ipobjects
