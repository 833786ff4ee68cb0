// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"xpsgen/vmtest/guest/objects/record"
)

// TestKeepCountsHere: a build that counts writes to the guest, and bring copies the counts
// to the host.
func TestKeepCountsHere(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	host, dir := t.TempDir(), t.TempDir()
	job := &record.Job{Builds: []record.Build{{Name: "plain"}, {Name: "counting", Counts: host}}}
	bring, err := keepCountsHere(job, dir)
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(dir, "counts-counting")
	if got := countsEnv(&job.Builds[0]); got != nil {
		t.Errorf("a build that does not count gets %q", got)
	}
	if got := countsEnv(&job.Builds[1]); !slices.Contains(got, "GCOV_PREFIX="+here) {
		t.Errorf("a build that counts gets %q", got)
	}
	if info, err := os.Stat(here); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("not all users may count: %v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(here, "ip.gcda"), []byte("1"), 0o666); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(here, "ip.gcda")); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("another user cannot update the counts: %v, %v", info, err)
	}
	if err := bring(); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(host, "ip.gcda")); err != nil || string(data) != "1" {
		t.Errorf("counts: %q, %v", data, err)
	}
}

// TestKeepNoCounts: without a build that counts, the umask does not change.
func TestKeepNoCounts(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	bring, err := keepCountsHere(&record.Job{Builds: []record.Build{{Name: "plain"}}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if mask := syscall.Umask(0o022); mask != 0o022 {
		t.Errorf("umask %o", mask)
	}
	if err := bring(); err != nil {
		t.Error(err)
	}
}
