// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf

// Compiles every *.bpf.c of this directory with bpf2go and writes what was
// made from what to objects.sum.
//go:generate go run ./internal/objects/generate
