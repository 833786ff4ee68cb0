// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf

// Compile every *.bpf.c of this directory with bpf2go, and write the hashes of sources
// and outputs to objects.sum.
//go:generate go run ./internal/objects/generate
