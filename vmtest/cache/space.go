// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/proc"
)

// SpaceError is a full disk, with a remedy.
type SpaceError struct {
	// Dir is the directory of the failed write.
	Dir string
	// NeedBytes is about how much the work needs in Dir. FreeBytes is the free space
	// there. 0 means unknown.
	NeedBytes, FreeBytes int64
	// Err is the error of the write.
	Err error
}

func (e *SpaceError) Error() string {
	msg := fmt.Sprintf("no space left in %s", e.Dir)
	if e.NeedBytes > 0 {
		msg += fmt.Sprintf(": needs about %s, %s free", size(e.NeedBytes), size(e.FreeBytes))
	}
	return fmt.Sprintf("%s: %v (free some space, or move the cache with %s=DIR)", msg, e.Err, EnvDir)
}

func (e *SpaceError) Unwrap() error { return e.Err }

func size(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// DiskFull reports whether err, or the stderr of the program that failed, says that the
// disk is full.
func DiskFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var perr *proc.Error
	return errors.As(err, &perr) && (strings.Contains(perr.Stderr, "No space left on device") ||
		strings.Contains(perr.Stderr, "Disk quota exceeded"))
}

// Explain turns err into a [*SpaceError] if the cause is a full disk. It returns other
// errors unchanged. need is about how many bytes the work takes in dir; 0 means unknown.
func Explain(err error, dir string, need int64) error {
	var serr *SpaceError
	if err == nil || !DiskFull(err) || errors.As(err, &serr) {
		return err
	}
	free, _ := Free(dir)
	return &SpaceError{Dir: dir, NeedBytes: need, FreeBytes: free, Err: err}
}

// Free returns how many bytes an unprivileged user may still write to the file system of
// dir. dir need not exist.
func Free(dir string) (int64, error) {
	for {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		if err == nil {
			return int64(st.Bavail) * st.Bsize, nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, unix.ENOENT) || parent == dir {
			return 0, fmt.Errorf("free space in %s: %w", dir, err)
		}
		dir = parent
	}
}
