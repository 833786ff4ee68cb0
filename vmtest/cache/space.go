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

// SpaceError says that a disk is full, and what would help.
type SpaceError struct {
	// Dir is where something was to be written.
	Dir string
	// NeedBytes is about how much the work needs there, FreeBytes what there
	// is; 0 means not known.
	NeedBytes, FreeBytes int64
	// Err is what met the full disk.
	Err error
}

func (e *SpaceError) Error() string {
	msg := fmt.Sprintf("no space left in %s", e.Dir)
	if e.NeedBytes > 0 {
		msg += fmt.Sprintf(": this takes about %s, and %s is free", size(e.NeedBytes), size(e.FreeBytes))
	}
	return fmt.Sprintf("%s; free some, or put the cache elsewhere with %s=DIR (%v)", msg, EnvDir, e.Err)
}

func (e *SpaceError) Unwrap() error { return e.Err }

func size(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
}

// DiskFull reports whether err, or the program it came from, says that there
// was no space left.
func DiskFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var perr *proc.Error
	return errors.As(err, &perr) && (strings.Contains(perr.Stderr, "No space left on device") ||
		strings.Contains(perr.Stderr, "Disk quota exceeded"))
}

// Explain turns err into a [*SpaceError] if a full disk is its cause, and
// returns it as it is otherwise. need is about how many bytes the work takes
// in dir, 0 if that is not known.
func Explain(err error, dir string, need int64) error {
	var serr *SpaceError
	if err == nil || !DiskFull(err) || errors.As(err, &serr) {
		return err
	}
	free, _ := Free(dir)
	return &SpaceError{Dir: dir, NeedBytes: need, FreeBytes: free, Err: err}
}

// Free returns how many bytes an unprivileged user may still write to the file
// system that dir is on, or would be on.
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
