// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package uapi turns C headers of the Linux user-space API into Go.
//
// The C compiler answers every question: which macros exist and where they
// stand (-E -dD), what they are worth (one generated translation unit a
// header, read from an ELF section), what enums and structs look like
// (DWARF). Nothing is executed, so any target the compiler knows will do.
//
// The work is done in three steps, each usable by itself:
//
//   - [Open] finds or installs the headers: a [Source].
//   - [Analyse] asks the compiler about a header, [AnalyseAll] about many at
//     once. A [Header] is the model: constants, types and what could not be
//     expressed, each with its reason.
//   - [Select] applies a [Config]; [Render] makes Go files of the [Package].
//
// [Build] runs all of them after a configuration; [Generate] also writes, or
// checks, the package. [Verify] and [VerifyHeaders] have compilers confirm what
// came out; [Diff] compares two snapshots.
//
// # Errors
//
// Every error names the file it is about. A header that does not compile is a
// [*CompileError] with the compiler's own lines; a wrong configuration is a
// [*ConfigError] with the line; a package that differs from what the headers
// say is a [*DriftError] with the difference. A missing compiler wraps
// [ErrNoCompiler]. Whenever an error is returned, the files of an earlier run
// are as they were.
package uapi
