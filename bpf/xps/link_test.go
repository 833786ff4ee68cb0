// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"os"
	"testing"

	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// TestLinkArguments: invalid arguments do not reach the kernel.
func TestLinkArguments(t *testing.T) {
	for _, ifindex := range []int{0, -1, 1 << 31, 1<<32 + 1} {
		if _, err := AttachLink(t.Context(), ifindex, nil, nil); !errors.Is(err, ErrNoDevice) {
			t.Errorf("link %d: %v, want %v", ifindex, err, ErrNoDevice)
		}
	}
	if _, err := AttachLink(t.Context(), 7, nil, nil); !errors.Is(err, ErrBadProgram) {
		t.Errorf("link nil: %v, want %v", err, ErrBadProgram)
	}
	if err := (&Link{}).Update(t.Context(), nil, nil); !errors.Is(err, ErrBadProgram) {
		t.Errorf("update nil: %v, want %v", err, ErrBadProgram)
	}
}

// TestExplainCreate: the errno of the call comes before the error of the check.
func TestExplainCreate(t *testing.T) {
	failed := fmt.Errorf("load: %w", unix.EPERM)
	for name, tt := range map[string]struct {
		errno unix.Errno
		has   bool
		err   error
		want  error // nil: only the errno
		text  string
	}{
		"the check fails": {unix.EINVAL, false, failed, nil,
			"link xps: invalid argument, and the check for BPF links to the hook failed: load: operation not permitted"},
		"no links": {unix.EOPNOTSUPP, false, nil, ErrNotSupported,
			"link xps: this kernel does not have the XPS hook for BPF programs: it does not support BPF links to the hook: operation not supported"},
		"device":  {unix.EOPNOTSUPP, true, nil, ErrDevice, "link xps: the device does not support XPS programs: operation not supported"},
		"program": {unix.EINVAL, true, nil, ErrBadProgram, "link xps: not a program for the XPS hook: invalid argument (" + needAttachType + ")"},
	} {
		err := explainCreate(&callError{call: callLinkCreate, errno: tt.errno}, func() (bool, error) { return tt.has, tt.err })
		expectSentinel(t, err, tt.want)
		first := unix.Errno(0)
		if !errors.As(err, &first) || first != tt.errno || errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v: errno %v, want %v", name, err, first, tt.errno)
		}
		if err.Error() != tt.text {
			t.Errorf("%s: %v\nwant %s", name, err, tt.text)
		}
	}
}

// TestLinkCloseWaits: calls of a Link return while the kernel closes its descriptor.
func TestLinkCloseWaits(t *testing.T) {
	for name, inUse := range map[string]bool{"close": false, "last call": true} {
		t.Run(name, func(t *testing.T) {
			waits, end, closed := make(chan struct{}), make(chan struct{}), make(chan error)
			l := &Link{raw: &ebpflink.RawLink{}, free: func() error {
				close(waits)
				<-end
				return nil
			}}
			if inUse {
				if _, err := l.acquire(); err != nil {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				go func() {
					l.release()
					closed <- nil
				}()
			} else {
				go func() { closed <- l.Close() }()
			}
			<-waits
			if !l.mu.TryLock() {
				close(end)
				t.Fatal("Close holds the mutex while it waits")
			}
			l.mu.Unlock()
			if fd := l.FD(); fd != -1 {
				t.Errorf("descriptor %d", fd)
			}
			if _, err := l.Info(t.Context()); !errors.Is(err, os.ErrClosed) {
				t.Errorf("info: %v, want %v", err, os.ErrClosed)
			}
			if fd, err := l.Disown(); fd != -1 || !errors.Is(err, os.ErrClosed) {
				t.Errorf("disown: %d, %v, want %v", fd, err, os.ErrClosed)
			}
			if err := l.Close(); err != nil {
				t.Errorf("close again: %v", err)
			}
			close(end)
			if err := <-closed; err != nil {
				t.Error(err)
			}
		})
	}
}
