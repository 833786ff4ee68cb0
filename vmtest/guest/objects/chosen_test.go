// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

// inRoot calls f in a mount namespace of its own, with an empty root directory.
func inRoot(t *testing.T, f func()) {
	t.Helper()
	dir := t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()              // the thread ends with its namespace
		if unix.Gettid() == unix.Getpid() { // the main thread never ends, so take another one
			inRoot(t, f)
			runtime.UnlockOSThread()
			return
		}
		if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); errors.Is(err, unix.EPERM) {
			t.Log("not permitted to make a mount namespace")
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
			t.Logf("the root directory is not a mount: %v", err)
			return
		}
		if err := errors.Join(unix.Chroot(dir), unix.Chdir("/")); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

// TestChosenMemory: ip finds the memory at its place, reads the mutant there, and every user can
// write which mutants it reaches.
func TestChosenMemory(t *testing.T) {
	defer unix.Umask(unix.Umask(0o022))
	inRoot(t, func() {
		if err := errors.Join(os.Mkdir("/work", 0o755), os.WriteFile(wire.MutantFile, nil, 0o644)); err != nil {
			t.Error(err)
			return
		}
		const end = 9 // mutants have the numbers 0 to 8
		called := 0
		err := withChosen("/work", end, func(_ *place, m *chosen) error {
			called++
			if info, err := os.Stat(wire.MutantFile); err != nil || info.Size() != 4+end || info.Mode().Perm() != 0o666 {
				t.Errorf("ip finds %+v, %v", info, err)
			}
			if got := m.reached(); got != nil {
				t.Errorf("reached %d before any call", got)
			}
			m.set(7)
			ip, err := os.OpenFile(wire.MutantFile, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer ip.Close()
			id := make([]byte, 4)
			if _, err := ip.ReadAt(id, 0); err != nil || binary.NativeEndian.Uint32(id) != 7 {
				t.Errorf("ip reads mutant %x, %v", id, err)
			}
			for _, reached := range []int64{0, 3, end - 1} {
				if _, err := ip.WriteAt([]byte{1}, 4+reached); err != nil {
					t.Error(err)
				}
			}
			if got := m.reached(); !slices.Equal(got, []int{0, 3, end - 1}) {
				t.Errorf("reached %d", got)
			}
			m.set(0)
			if got := m.reached(); got != nil {
				t.Errorf("reached %d after another choice", got)
			}
			return nil
		})(nil, 2)
		if err != nil || called != 1 {
			t.Errorf("%d calls, %v", called, err)
		}
		if _, err := os.Stat(filepath.Join("/work", "mutant2")); err != nil {
			t.Errorf("the file of the second place: %v", err)
		}
	})
}

func TestChosenFails(t *testing.T) {
	inRoot(t, func() {
		for name, tt := range map[string]struct{ dir, want string }{
			"no directory":     {"/nosuch", "prepare the mutants: "},
			"no file to mount": {"/", "mount " + wire.MutantFile + ": "},
		} {
			err := withChosen(tt.dir, 1, func(*place, *chosen) error { t.Errorf("%s: called", name); return nil })(nil, 1)
			if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
		}
	})
	inRoot(t, func() {
		if err := os.WriteFile(wire.MutantFile, nil, 0o644); err != nil {
			t.Error(err)
			return
		}
		broken := errors.New("ip does not start")
		if err := withChosen("/", 1, func(*place, *chosen) error { return broken })(nil, 1); !errors.Is(err, broken) {
			t.Errorf("%v, want %v", err, broken)
		}
	})
}
