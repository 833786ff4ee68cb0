// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package build compiles what the guest runs: the kernel, iproute2's ip and the
// guest's own init. Every result is kept in the cache under the hash of its
// inputs. Returning a cached result takes milliseconds.
//
// A kernel is built next to its working tree in a directory that is kept, so
// that a changed line costs one object and a link. A killed build leaves a
// mark. The next build first removes the files that may be incomplete.
//
// Errors: [*CompileError] and [*config.DroppedSymbolError] say that the tree
// or its configuration is wrong. [*BreakdownError] and [*cache.SpaceError] say
// that the machine could not do the work: a compiler that was killed, a tool
// that is missing, a full disk.
package build
