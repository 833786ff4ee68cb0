// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/rtnl"
)

// inNetNS calls f in a network namespace and a mount namespace of its own, whose /sys shows
// the devices of the namespace.
func inNetNS(t *testing.T, f func(conn *rtnl.Conn)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()              // the thread ends with its namespaces
		if unix.Gettid() == unix.Getpid() { // the main thread never ends, so take another one
			inNetNS(t, f)
			runtime.UnlockOSThread()
			return
		}
		if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_FS); errors.Is(err, unix.EPERM) {
			t.Log("not permitted to make a network namespace")
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
			t.Logf("the root directory is not a mount: %v", err)
			return
		}
		if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
			t.Errorf("mount /sys: %v", err)
			return
		}
		conn, err := rtnl.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		f(conn)
	}()
	<-done
}

// netNS names the network namespace of the calling thread.
func netNS(t *testing.T) string {
	name, err := os.Readlink(ownNetNS)
	if err != nil {
		t.Error(err)
	}
	return name
}

// TestNewNetNS: a new namespace differs from the caller's, which stays the same. A function
// that runs there comes back, also with an error.
func TestNewNetNS(t *testing.T) {
	inNetNS(t, func(*rtnl.Conn) {
		home := netNS(t)
		ns, err := newNetNS()
		if err != nil {
			t.Error(err)
			return
		}
		if now := netNS(t); now != home {
			t.Errorf("the caller is in %s, was in %s", now, home)
		}
		d := &device{far: ns}
		for _, want := range []error{nil, errors.New("nothing there")} {
			there := ""
			if err := d.there(func() error { there = netNS(t); return want }); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if there == "" || there == home {
				t.Errorf("the function ran in %q, the caller is in %s", there, home)
			}
			if now := netNS(t); now != home {
				t.Errorf("the caller is in %s afterwards, was in %s", now, home)
			}
		}
		ns.Close()
		if err := d.there(func() error { t.Error("called without a namespace"); return nil }); !errors.Is(err, unix.EBADF) {
			t.Errorf("a closed namespace: %v", err)
		}
	})
}

// TestVeth: the far end of a pair is in another namespace. Each queue gets its mask. A TCP
// connection to the far end counts its packets.
func TestVeth(t *testing.T) {
	inNetNS(t, func(conn *rtnl.Conn) {
		const queues = 3
		d, err := veth(conn, "near0", queues)
		if errors.Is(err, unix.EOPNOTSUPP) {
			t.Log("this kernel has no veth driver")
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		has(t, "near0", localAddr)
		if _, err := net.InterfaceByName("far0"); err == nil {
			t.Error("far0 is here")
		}
		if err := d.there(func() error { has(t, "far0", netip.PrefixFrom(peerAddr, localAddr.Bits())); return nil }); err != nil {
			t.Error(err)
		}
		if got, err := filepath.Glob("/sys/class/net/near0/queues/tx-*"); err != nil || len(got) != queues {
			t.Errorf("queues %q, %v", got, err)
		}
		if err := d.setMasks("xps_cpus", func(queue int) uint64 { return uint64(queue) & 1 }); err != nil {
			t.Error(err)
		}
		for q, want := range []string{"", "1", ""} {
			text, err := os.ReadFile(fmt.Sprintf("/sys/class/net/near0/queues/tx-%d/xps_cpus", q))
			if mask := strings.TrimLeft(strings.TrimSpace(string(text)), "0,"); err != nil || mask != want {
				t.Errorf("queue %d: mask %q, want %q: %v", q, text, want, err)
			}
		}
		if err := d.setMasks("nosuch", func(int) uint64 { return 0 }); err == nil || !strings.HasPrefix(err.Error(), "set nosuch of queue 0: ") {
			t.Errorf("no such file: %v", err)
		}
		s, err := openTCP(d)
		if err != nil {
			t.Error(err)
			return
		}
		before, berr := d.packets()
		err = s.send()
		after, aerr := d.packets()
		// Each exchange is at least a packet and its acknowledgement.
		if err := errors.Join(err, berr, aerr); err != nil || after-before < exchanges || s.ops() < exchanges {
			t.Errorf("%d packets in a round, expected %d: %v", after-before, s.ops(), err)
		}
		s.close()
		if err := d.remove(); err != nil {
			t.Error(err)
		}
		if _, err := net.InterfaceByName("near0"); err == nil {
			t.Error("near0 is still here")
		}
		if err := d.far.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the far namespace is still open: %v", err)
		}
		if err := d.remove(); !errors.Is(err, unix.ENODEV) || !strings.HasPrefix(err.Error(), "remove near0: ") {
			t.Errorf("removed twice: %v", err)
		}
	})
}

// has checks that a device is up and has an address.
func has(t *testing.T, name string, want netip.Prefix) {
	t.Helper()
	dev, err := net.InterfaceByName(name)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	addrs, err := dev.Addrs()
	if err != nil || dev.Flags&net.FlagUp == 0 || !slices.ContainsFunc(addrs, func(a net.Addr) bool { return a.String() == want.String() }) {
		t.Errorf("%s: %v, addresses %v, want %v: %v", name, dev.Flags, addrs, want, err)
	}
}
