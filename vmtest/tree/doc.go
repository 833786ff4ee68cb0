// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package tree turns a series of patches and the name of a base into a source
// tree on disk.
//
// [Load] reads a manifest (series.toml). [Open] finds the base in the cache or
// obtains it: from a Debian package, from git, or from a directory of the
// user's own. The result knows the key of the patched tree without
// having made it, so that a caller who finds a finished kernel under that key
// never runs git at all. [Source.Commit] applies the patches, [Source.Checkout]
// puts the result into a working tree that only one run has at a time.
//
// A working tree is kept from run to run, and moving it from one commit to
// another touches only the files that differ: that is what makes the next
// build incremental.
//
// Errors: [*ManifestError] is a mistake in series.toml, [*ApplyError] a patch that does
// not apply. Both are faults of the series. An error that wraps [ErrObtain] says that a
// base could not be obtained, which is a fault of the machine.
//
// Needs git; apt and dpkg for Debian packages, xz and tar's formats are read
// here. Nothing outside the cache directory is written, the user's own
// directories included.
package tree
