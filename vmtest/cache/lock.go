// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/progress"
)

// retryDelay is how often a waiting run looks whether the lock is free.
const retryDelay = 100 * time.Millisecond

// Lock is an exclusive lock on a part of the cache, held by this process and
// by the children that inherit [Lock.File]. The kernel drops it when the last
// of them is gone, however they end: a build whose parent was killed keeps its
// tree to itself until its last compiler has stopped.
type Lock struct {
	f *os.File
}

// Acquire takes the lock at path, making the file if need be. If another run
// holds it, Acquire says so once through p, as the step called what, and waits until it is free or ctx is done.
func Acquire(ctx context.Context, path, what string, p progress.Func) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	if err := lockFile(ctx, f, what, p); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %s: %w", what, path, err), f.Close())
	}
	l := &Lock{f: f}
	// The pid is for those who wait; the lock does not depend on it.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return l, nil
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

// holder describes who holds the lock at path, as far as that can be known.
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

// File is the open lock file, for a child to inherit. It stays owned by l.
func (l *Lock) File() *os.File { return l.f }

// Release gives the lock back, once no child that inherited it lives any more.
// Calling it twice, or on nil, is harmless.
func (l *Lock) Release() {
	if l == nil || l.f == nil {
		return
	}
	// Closing is enough, and unlike LOCK_UN it leaves the lock to children.
	_ = l.f.Close()
	l.f = nil
}
