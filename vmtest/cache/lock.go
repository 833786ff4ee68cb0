// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/progress"
)

// retryDelay is how often a waiting run tries to take the lock.
const retryDelay = 100 * time.Millisecond

// Lock is an exclusive lock on a part of the cache. This process holds it, and so do
// children that inherit [Lock.File]. The kernel drops it when the last of them ends. So
// the tree of a build whose parent was killed stays locked until the last compiler stops.
type Lock struct {
	f *os.File
}

// Acquire takes the lock at path and creates the file if necessary. If another run holds
// the lock, Acquire emits one Waiting event for the step named by what. It then waits
// until the lock is free or ctx ends.
func Acquire(ctx context.Context, path, what string, p progress.Func) (*Lock, error) {
	f, err := openLock(path)
	switch {
	case ReadOnly(err) && errors.Is(statError(path), fs.ErrNotExist):
		// No run can write in this cache, so no lock is needed.
		return &Lock{}, nil
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	if err := lockFile(ctx, f, what, p); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %s: %w", what, path, err), f.Close())
	}
	l := &Lock{f: f}
	// The file tells when the lock was last taken. Waiting runs show the pid; the lock
	// does not depend on it.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return l, nil
}

// openLock opens a lock file, to write the pid into it if that is allowed.
func openLock(path string) (*os.File, error) {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	}
	if ReadOnly(err) {
		f, err = os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = unix.EROFS
		}
	}
	return f, err
}

func statError(path string) error {
	_, err := os.Stat(path)
	return err
}

// ReadOnly reports whether err says that the cache cannot be written to. A
// read-only cache still serves a run if it has all that the run needs.
func ReadOnly(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrPermission)
}

func lockFile(ctx context.Context, f *os.File, what string, p progress.Func) error {
	for waited := false; ; waited = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil || errors.Is(err, unix.EINTR) {
			if err == nil {
				return nil
			}
			continue
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return os.NewSyscallError("flock", err)
		}
		if !waited {
			p.Emit(progress.Event{Step: what, State: progress.Waiting, Text: "waiting for " + holder(f.Name())})
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", holder(f.Name()), ctx.Err())
		case <-time.After(retryDelay):
		}
	}
}

// holder describes the holder of the lock at path.
func holder(path string) string {
	data, _ := os.ReadFile(path)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 0 {
		return "another run"
	}
	if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return fmt.Sprintf("the last children of an interrupted run (was pid %d)", pid)
	}
	return fmt.Sprintf("another run (pid %d)", pid)
}

// Held reports whether some process holds the lock at path. A file that is
// missing or cannot be opened is not locked.
func Held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	// A shared lock is refused only while an exclusive one is held. It is
	// dropped on return, so a run that acquires the lock meanwhile retries.
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// File returns the open lock file, for a child to inherit. l keeps ownership.
func (l *Lock) File() *os.File { return l.f }

// Release drops the lock, unless a child that inherited it is still alive. Calling it
// twice, or on nil, is harmless.
func (l *Lock) Release() {
	if l == nil || l.f == nil {
		return
	}
	// Do not use LOCK_UN: it would take the lock from children as well.
	_ = l.f.Close()
	l.f = nil
}
