// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	gitenv "xpsgen/vmtest/git"
)

// Edit changes one file of a tree.
type Edit struct {
	// File is the path in the tree.
	File string
	// Before and After are the whole text. An empty Before makes a new file.
	Before, After string
}

// WritePatch writes a patch of these edits to file, to be applied on top of a series. The
// same edits make the same bytes.
func WritePatch(ctx context.Context, file, subject string, edits []Edit) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(file), "edits-")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for _, e := range edits {
		for side, text := range map[string]string{"a": e.Before, "b": e.After} {
			if text == "" {
				continue
			}
			to := filepath.Join(work, side, e.File)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return fmt.Errorf("write %s: %w", file, err)
			}
			if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
				return fmt.Errorf("write %s: %w", file, err)
			}
		}
	}
	repo := gitenv.Repo{Dir: work}
	out, err := repo.Cmd("diff", "--no-index", "--no-prefix", "--no-color", "--no-ext-diff", "a", "b").Output(ctx)
	if err != nil && gitenv.ExitCode(err) != 1 { // 1 says that they differ
		return fmt.Errorf("write %s: %w", file, err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"+
		"From: xpsgen <xpsgen@localhost>\nDate: Thu, 1 Jan 1970 00:00:00 +0000\n"+
		"Subject: [PATCH] %s\n\nOnly for tests.\n---\n", subject)
	b.Write(out)
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
