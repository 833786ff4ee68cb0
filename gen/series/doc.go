// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package series reads the series of a change: patches, cover letters, changelogs and sent
// versions. It also archives sent versions, and adds tags from replies to the patches.
// [Load] only reads files of the workbench and fetches nothing.
//
// Each directory *-patches of the workbench is a project and has a series.toml
// (see package manifest). Its subdirectory KEY is a series: a directory of patches
// per base, cover.md (the cover letter's text), changelog.md (a section per
// version) and sent/vN (the sent versions, see [Posting]).
// Every mistake in a file is a [*manifest.Error] or a [*FileError], which names the file.
// [*FileError].
package series

import "fmt"

// FileError describes an invalid file of a series.
type FileError struct {
	// File is its path.
	File string
	// Err is the cause. It is a [*patch.Error] if the file is a patch.
	Err error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %v", e.File, e.Err) }

func (e *FileError) Unwrap() error { return e.Err }
