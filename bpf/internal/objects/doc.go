// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package objects compiles the BPF programs of package bpf and reports whether
// the committed objects still match their sources.
//
// Compiling needs a clang with the BPF target and its llvm-strip, and neither
// kernel headers nor libbpf. Environment:
//
//	$BPF2GO_CC     the compiler
//	$CLANG         the compiler if BPF2GO_CC is not set. Default: the first of clang
//	               and clang-21 to clang-14 in PATH
//	$BPF2GO_STRIP  llvm-strip. Default: that of the compiler
package objects
