// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package objects compiles the BPF programs of package bpf and reports whether
// the committed objects still match their sources.
//
// Compiling needs a clang with the BPF target and its llvm-strip, and neither
// kernel headers nor libbpf. Environment:
//
//	$BPF2GO_CC     the compiler, before
//	$CLANG         the compiler; without either, clang and then clang-21 down
//	               to clang-14 are looked for in PATH
//	$BPF2GO_STRIP  the strip; without it, the one that belongs to the compiler
package objects
