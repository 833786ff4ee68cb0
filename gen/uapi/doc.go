// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package uapi turns C headers of the Linux user-space API into Go.
//
// The C compiler supplies all facts. The preprocessor (-E -dD) lists the macros and
// their places. One generated translation unit yields their values, in an ELF
// section, and the layouts of enums and structs, in DWARF. No compiled code runs,
// so every target of the compiler works.
//
// There are three steps, which can be called one by one:
//
//   - [Open] finds or installs the headers: a [Source].
//   - [Analyse] asks the compiler about a header, [AnalyseAll] about many at
//     once. A [Header] is the model: constants, types, and the names that Go
//     cannot express, each with the reason.
//   - [Select] applies a [Config]; [Render] makes Go files of the [Package].
//
// [Build] runs all steps for a configuration; [Generate] also writes or checks the
// package. [Verify] and [VerifyHeaders] have compilers confirm the generated Go;
// [Diff] compares two snapshots.
//
// Every error names the file that it is about. A header that does not compile is a
// [*CompileError] with the compiler's messages. A wrong configuration is a [*ConfigError]
// with the line. A package that differs from the headers is a [*DriftError] with the
// difference. A missing compiler wraps [ErrNoCompiler]. After an error of these kinds the
// files of an earlier run are unchanged.
// [ErrNoCompiler]. After an error the files of an earlier run are unchanged.
package uapi
