// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// thread has the properties of a thread that the kernel looks at when it makes a
// request: its network namespace and its capabilities. A call that can block runs on
// another thread, which gets the same ones.
type thread struct {
	// netns names the network namespace, empty if it does not matter or
	// cannot be read. file is open on it.
	netns string
	file  *os.File
	caps  [2]unix.CapUserData
}

const threadNetNS = "/proc/thread-self/ns/net"

func capabilities() (caps [2]unix.CapUserData, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &caps[0]); err != nil {
		return caps, os.NewSyscallError("capget", err)
	}
	return caps, nil
}

// currentThread describes the calling thread. It leaves out the network
// namespace: a socket stays in the one where it was created.
func currentThread() (t thread, err error) {
	t.caps, err = capabilities()
	return t, err
}

// currentThreadNetNS describes the calling thread with its network namespace.
// The caller closes it.
func currentThreadNetNS() (thread, error) {
	t, err := currentThread()
	if err != nil {
		return t, err
	}
	// Without /proc, threads cannot be compared. Assume that none has moved to
	// another namespace.
	if t.netns, err = os.Readlink(threadNetNS); err != nil {
		t.netns = ""
		return t, nil
	}
	if t.file, err = os.Open(threadNetNS); err != nil {
		return t, fmt.Errorf("network namespace of the caller: %w", err)
	}
	return t, nil
}

func (t *thread) close() {
	if t.file != nil {
		t.file.Close()
	}
}

// do calls f on a thread with the properties of t. If do changes the thread for that,
// the thread ends with the calling goroutine, which must return afterwards.
func (t *thread) do(f func() error) error { return t.run(f, false) }

// run is do, for an f that may change its thread itself. If changes is true, the thread
// ends in any case.
func (t *thread) run(f func() error, changes bool) error {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The first thread of a process does not end with its goroutine, and
		// /proc/self describes it. Keep it locked, and use another thread.
		defer runtime.UnlockOSThread()
		errs := make(chan error, 1)
		go func() { errs <- t.run(f, changes) }()
		return <-errs
	}
	same := !changes
	if t.netns != "" {
		here, err := os.Readlink(threadNetNS)
		if err != nil {
			return fmt.Errorf("network namespace of the thread: %w", err)
		}
		if here != t.netns {
			same = false
			if err := setns(int(t.file.Fd())); err != nil {
				return err
			}
		}
	}
	caps, err := capabilities()
	if err != nil {
		return err
	}
	if caps != t.caps {
		same = false
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		if err := unix.Capset(&header, &t.caps[0]); err != nil {
			return os.NewSyscallError("capset", err)
		}
	}
	if same {
		defer runtime.UnlockOSThread()
	}
	return f()
}

// setns moves the calling thread to the network namespace of fd.
func setns(fd int) error {
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return &callError{call: callSetns, errno: err.(unix.Errno)}
	}
	return nil
}

// inNetNS calls f in the network namespace of fd, on a thread with the capabilities of
// the calling thread. If fd is 0, it calls f on the calling thread.
func inNetNS(fd int, f func() error) error {
	if fd == 0 {
		return f()
	}
	t, err := currentThread()
	if err != nil {
		return err
	}
	errs := make(chan error, 1)
	go func() {
		errs <- t.run(func() error {
			if err := setns(fd); err != nil {
				return err
			}
			return f()
		}, true)
	}()
	return <-errs
}
