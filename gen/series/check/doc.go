// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package check checks a series against the rules of netdev's continuous integration and
// its maintainers.
//
// A check covers a whole thread or one patch. Its exit code is that of netdev's runner
// (NIPA): 0 passed, 250 warning, anything else failed. Scripts such as checkpatch and
// get_maintainer come from the tree that the series is for. The key scripts of series.toml
// can name another project for them.
//
// Results are cached under the hash of all inputs, so that checking an unchanged series
// takes seconds.
//
// A check that finds a problem returns a [Result], not an error. A check whose program or
// script is missing or too old is Blocked; the others run. An error means that the
// workbench itself failed.
//
// The package needs git, and the dependencies of the group series in package deps.
package check
