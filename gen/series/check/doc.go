// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package check checks a series against the rules of netdev's continuous integration and
// its maintainers.
//
// A check looks at a whole thread or at one patch of it. It ends with one of
// the codes that netdev's own runner (NIPA) knows: 0 passed, 250 a warning,
// anything else failed. Scripts such as checkpatch and get_maintainer are
// always those of the tree that the series is for, or of the project that its
// series.toml names as the one with the scripts.
//
// Results are cached under the hash of all inputs, so that checking an unchanged series
// takes seconds.
//
// Errors: a check that finds something returns a [Result], never an error. A
// check whose script the tree does not have is Blocked. An error means that the
// check could not be made: a [*ToolError] says that a program is missing,
// anything else that the workbench broke down.
//
// The package needs git, and the dependencies of the group series in package deps.
package check
