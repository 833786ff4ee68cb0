// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package tree turns a series of patches and the name of a base into a source
// tree on disk.
//
// [Load] reads a manifest (series.toml). [Open] finds the base in the cache or
// obtains it: from a Debian package, from git, or from a directory of the
// user's own. [Source.Commit] applies the patches. The cache stores the
// resulting commit and tree, so a second run needs no git for them.
// [Source.Checkout] writes the result to a working tree that only one run has
// at a time.
//
// A working tree is kept from run to run. Moving it from one commit to another
// touches only the files that differ, so the next build is incremental.
//
// Errors: [*ManifestError] is a mistake in series.toml, [*ApplyError] a patch
// that does not apply. Both are faults of the series. An error that wraps
// [ErrObtain] says that a base could not be obtained, which is a fault of the
// machine.
//
// The package needs git, for Debian packages also apt and dpkg, and for
// tarballs xz, gzip or zstd. It writes only to the cache directory, and never
// to the user's own directories.
package tree
