// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/objects/record"
)

// keepCountsHere makes each build that counts its lines write the counts below dir, in the
// memory of the guest. Hundreds of calls update them, some without any rights. bring copies
// them to the directory of the host.
func keepCountsHere(job *record.Job, dir string) (bring func() error, err error) {
	type pair struct{ from, to string }
	var pairs []pair
	for i := range job.Builds {
		b := &job.Builds[i]
		if b.Counts == "" {
			continue
		}
		here := filepath.Join(dir, "counts-"+b.Name)
		if err := errors.Join(os.Mkdir(here, 0o777), os.Chmod(here, 0o777)); err != nil {
			return nil, fmt.Errorf("count lines: %w", err)
		}
		pairs = append(pairs, pair{here, b.Counts})
		b.Counts = here
	}
	if len(pairs) > 0 {
		// One user creates the files, another one updates them.
		unix.Umask(0)
	}
	return func() error {
		for _, p := range pairs {
			if err := os.CopyFS(p.to, os.DirFS(p.from)); err != nil {
				return fmt.Errorf("bring the line counts: %w", err)
			}
		}
		return nil
	}, nil
}

// countsEnv returns the variables that tell a build where to write its counts.
func countsEnv(b *record.Build) []string {
	if b.Counts == "" {
		return nil
	}
	return []string{"GCOV_PREFIX=" + b.Counts, "GCOV_PREFIX_STRIP=99"}
}
