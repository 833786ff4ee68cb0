// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFirstThreadStays makes many calls that change their thread. None may change the
// first thread of the process, which /proc/self describes.
func TestFirstThreadStays(t *testing.T) {
	me, err := currentThread()
	if err != nil {
		t.Fatal(err)
	}
	const calls = 200
	errs := make(chan error, calls)
	for range calls {
		go func() {
			errs <- me.run(func() error {
				if unix.Gettid() == unix.Getpid() {
					t.Error("the first thread was changed")
				}
				time.Sleep(time.Millisecond)
				return nil
			}, true)
		}()
	}
	for range calls {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// TestBackgroundStaysOnThread: a call whose context cannot end runs on the thread of
// the caller, in its mount namespace.
func TestBackgroundStaysOnThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	want := unix.Gettid()
	released := false
	got, err := await(context.Background(), work[int]{
		do:      func() (int, error) { return unix.Gettid(), nil },
		release: func() { released = true },
	})
	if err != nil || got != want || !released {
		t.Errorf("ran on thread %d, want %d; released %v, %v", got, want, released, err)
	}
}
