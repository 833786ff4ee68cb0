// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/tomlfile"
)

// equivalentFile lists the equivalent defects, below the module's directory.
const equivalentFile = "gen/cmd/defects/equivalent.toml"

// equivalent is a defect that changes nothing that a caller can see.
type equivalent struct {
	// File is the file below the module's directory. Code is the line without
	// indentation.
	File, Code string
	// Kind, Old and New are as in the defect.
	Kind, Old, New string
	// Why is the proof.
	Why string
}

// readEquivalent reads the list of the module in dir. The list is empty if there is no file.
// An entry must have a reason, and must match exactly one defect: otherwise the code has
// changed, and the proof needs a review.
func readEquivalent(dir string) ([]equivalent, error) {
	var list struct{ Defect []equivalent }
	path := filepath.Join(dir, equivalentFile)
	if err := tomlfile.Read(path, &list); err != nil {
		return nil, err
	}
	for _, e := range list.Defect {
		if e.Why == "" {
			return nil, fmt.Errorf("%s: %s: %q: the proof is missing", equivalentFile, e.File, e.Code)
		}
		all, err := sites(nil, e.File, filepath.Join(dir, e.File))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", equivalentFile, err)
		}
		n := 0
		for _, d := range all {
			if e.matches(d) {
				n++
			}
		}
		if n != 1 {
			return nil, fmt.Errorf("%s: %s: %q: %d defects match, want 1 (review the proof)", equivalentFile, e.File, e.Code, n)
		}
	}
	return list.Defect, nil
}

// matches reports whether d is the defect e.
func (e *equivalent) matches(d *defect) bool {
	return e.File == d.name && e.Code == d.code && e.Kind == d.kind && e.Old == d.old && e.New == d.new
}

// lineAt returns the line of text with the offset, without indentation.
func lineAt(text []byte, offset int) string {
	start := strings.LastIndexByte(string(text[:offset]), '\n') + 1
	line, _, _ := strings.Cut(string(text[start:]), "\n")
	return strings.TrimSpace(line)
}
