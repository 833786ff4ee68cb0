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

// ownNetNS is where a thread finds the network namespace it is in.
const ownNetNS = "/proc/thread-self/ns/net"

// isolate gives the thread of a test a network namespace, and a mount
// namespace in which a sysfs of that network namespace is mounted.
func (e isolation) isolate(t *check.T) {
	t.Must(unix.Unshare(unix.CLONE_NEWNS), "new mount namespace")
	t.Must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), "make mounts private")
	e.enterNew(t, e.sysfs())
}

// randomize is the sysctl of address randomisation.
const randomize = "/proc/sys/kernel/randomize_va_space"

// fixAddresses has programs loaded where they were the last time, until
// restore is called. An emulator that translates code by its address does so
// once then: that halves the time of the suite.
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

// enterNew moves the thread to a new network namespace, whose sysfs it mounts
// on dir, and in which nothing is sent that no test asked for.
func (e isolation) enterNew(t *check.T, dir string) {
	t.Must(unix.Unshare(unix.CLONE_NEWNET), "new network namespace")
	t.Must(os.MkdirAll(dir, 0o755), "make directory")
	t.Must(unix.Mount("sysfs", dir, "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""), "mount sysfs")
	// Neighbour discovery would send packets that nobody asked for.
	for _, which := range []string{"all", "default"} {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", []byte("1"), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Must(err, "turn IPv6 off")
		}
	}
}

// sysfs is where isolate mounts it.
func (e isolation) sysfs() string { return filepath.Join(e.scratch, "sys") }

// netns is a second network namespace.
type netns struct {
	file *os.File
	// sysfs is where its sysfs is mounted.
	sysfs string
}

// newNetNS makes a network namespace and returns to the one of the test. The
// namespace lives until the end of the test, or until it is closed.
func (e isolation) newNetNS(t *check.T) *netns {
	home, err := os.Open(ownNetNS)
	t.Must(err, "open own network namespace")
	defer home.Close()
	ns := &netns{sysfs: e.sysfs() + "-far"}
	e.enterNew(t, ns.sysfs)
	file, err := os.Open(ownNetNS)
	// A thread that cannot return would fail every further step in ways hard
	// to understand.
	t.Must(unix.Setns(int(home.Fd()), unix.CLONE_NEWNET), "return to own network namespace")
	t.Must(err, "open new network namespace")
	ns.file = file
	t.Cleanup(ns.close)
	return ns
}

// close gives up the namespace, which ends it when nothing else is in it.
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
