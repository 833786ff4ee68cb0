// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"xpsgen/vmtest/prepare"
)

// Each guest gets a file for its counts, which is removed at the end. Without a function
// to read them there is none.
func TestCountFiles(t *testing.T) {
	opt := &SuiteOptions{Out: t.TempDir()}
	if files, err := opt.countFiles(2); err != nil || files != nil {
		t.Errorf("nothing counts: %v, %v", files, err)
	}
	opt.Counts = func(context.Context, *prepare.Artifacts, []string) ([]string, error) { return nil, nil }
	files, err := opt.countFiles(2)
	if err != nil {
		t.Fatal(err)
	}
	got := names(files)
	want := []string{filepath.Join(opt.Out, ".counts-1.tar.gz"), filepath.Join(opt.Out, ".counts-2.tar.gz")}
	if !slices.Equal(got, want) {
		t.Errorf("files %q", got)
	}
	closeCounts(files)
	if left, err := os.ReadDir(opt.Out); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	opt.Out = filepath.Join(opt.Out, "none")
	if _, err := opt.countFiles(1); err == nil {
		t.Error("a directory that is not there: no error")
	}
}
