// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// ownNetNS is the file of the network namespace of the thread.
const ownNetNS = "/proc/thread-self/ns/net"

// isolate moves the thread of a test to a new network namespace and a new mount namespace,
// and mounts the sysfs of the network namespace.
func (e isolation) isolate(t *check.T) {
	t.Must(unix.Unshare(unix.CLONE_NEWNS), "new mount namespace")
	t.Must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), "make mounts private")
	e.enterNew(t, e.sysfs())
}

// randomize is the sysctl of address randomisation.
const randomize = "/proc/sys/kernel/randomize_va_space"

// fixAddresses disables address randomisation until restore is called. An emulator caches
// translated code by address, and then translates it only once. That halves the time of
// the suite.
func fixAddresses() (restore func(), err error) {
	before, err := os.ReadFile(randomize)
	if err == nil {
		err = os.WriteFile(randomize, []byte("0"), 0)
	}
	if err != nil {
		return nil, fmt.Errorf("address randomisation: %w", err)
	}
	return func() { os.WriteFile(randomize, before, 0) }, nil
}

// enterNew moves the thread to a new network namespace and mounts its sysfs on dir.
// Only the tests send packets in the namespace.
func (e isolation) enterNew(t *check.T, dir string) {
	t.Must(unix.Unshare(unix.CLONE_NEWNET), "new network namespace")
	t.Must(os.MkdirAll(dir, 0o755), "make directory")
	t.Must(unix.Mount("sysfs", dir, "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""), "mount sysfs")
	// Neighbour discovery would send packets.
	for _, which := range []string{"all", "default"} {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", []byte("1"), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Must(err, "turn IPv6 off")
		}
	}
}

// sysfs is the directory where isolate mounts sysfs.
func (e isolation) sysfs() string { return filepath.Join(e.scratch, "sys") }

// netns is a second network namespace.
type netns struct {
	file *os.File
	// sysfs is where its sysfs is mounted.
	sysfs string
}

// newNetNS makes a network namespace and returns to that of the test. The namespace
// lives until it is closed or the test ends.
func (e isolation) newNetNS(t *check.T) *netns {
	home, err := os.Open(ownNetNS)
	t.Must(err, "open own network namespace")
	defer home.Close()
	ns := &netns{sysfs: e.sysfs() + "-far"}
	e.enterNew(t, ns.sysfs)
	file, err := os.Open(ownNetNS)
	// If the thread cannot return, every later step fails with a misleading error.
	t.Must(unix.Setns(int(home.Fd()), unix.CLONE_NEWNET), "return to own network namespace")
	t.Must(err, "open new network namespace")
	ns.file = file
	t.Cleanup(ns.close)
	return ns
}

// close drops the reference to the namespace.
func (ns *netns) close() { ns.file.Close() }

// do runs f in the namespace.
func (ns *netns) do(t *check.T, f func()) {
	home, err := os.Open(ownNetNS)
	t.Must(err, "open own network namespace")
	defer home.Close()
	t.Must(unix.Setns(int(ns.file.Fd()), unix.CLONE_NEWNET), "enter network namespace")
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(fmt.Sprintf("return to own network namespace: %v", err))
		}
	}()
	f()
}
