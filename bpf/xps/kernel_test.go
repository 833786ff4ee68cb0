// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/bpf"
	"xpsgen/bpf/xps"
	"xpsgen/uapi"
)

// These tests need root and a kernel with the hook, and run in a new network
// namespace. Elsewhere they are skipped, unless XPS_TEST_REQUIRE, a
// comma-separated list, contains what is missing: "root" or "xps".

// skipUnlessRequired skips the test because the machine lacks what. If XPS_TEST_REQUIRE
// contains what, the test fails instead.
func skipUnlessRequired(tb testing.TB, what, reason string) {
	tb.Helper()
	if required(os.Getenv("XPS_TEST_REQUIRE"), what) {
		tb.Fatalf("XPS_TEST_REQUIRE has %q, but %s", what, reason)
	}
	tb.Skip(reason)
}

func required(list, what string) bool {
	return slices.Contains(strings.Split(list, ","), what)
}

func TestRequired(t *testing.T) {
	for _, tt := range []struct {
		list, what string
		want       bool
	}{
		{"", "xps", false}, {"xps", "xps", true}, {"root,xps", "xps", true},
		{"xps,root", "xps", true}, {"root", "xps", false}, {"noxps", "xps", false},
	} {
		if got := required(tt.list, tt.what); got != tt.want {
			t.Errorf("required(%q, %q) = %t", tt.list, tt.what, got)
		}
	}
}

// requireNetNS moves the test to a new network namespace, with nothing
// in it but a loopback device. The thread ends with the test.
func requireNetNS(tb testing.TB) {
	tb.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); errors.Is(err, unix.EPERM) {
		skipUnlessRequired(tb, "root", "making a network namespace is not permitted (run as root)")
	} else if err != nil {
		tb.Fatal(err)
	}
}

// requireHook returns a client in a new network namespace on a kernel
// that has the hook. Warnings of the kernel are appended to warnings, if not nil.
func requireHook(tb testing.TB, warnings *[]xps.Warning) *xps.Client {
	tb.Helper()
	requireNetNS(tb)
	cfg := &xps.Config{}
	if warnings != nil {
		cfg.Warn = func(w xps.Warning) { *warnings = append(*warnings, w) }
	}
	c := mustDial(tb, cfg)
	if err := c.Supported(tb.Context()); errors.Is(err, xps.ErrNotSupported) {
		skipUnlessRequired(tb, "xps", "this kernel has no XPS hook (go test -exec 'xpsgen vm run --' ./bpf/xps)")
	} else if err != nil {
		tb.Fatal(err)
	}
	return c
}

func mustDial(tb testing.TB, cfg *xps.Config) *xps.Client {
	tb.Helper()
	c, err := xps.Dial(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// mustProgram loads a program that always returns ret.
func mustProgram(tb testing.TB, ret int32) *ebpf.Program {
	tb.Helper()
	spec, err := bpf.Spec("test_const")
	if err != nil {
		tb.Fatal(err)
	}
	if err := spec.Variables[bpf.TestConstVarRet].Set(ret); err != nil {
		tb.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		tb.Fatal(err)
	}
	defer coll.Close()
	prog := coll.DetachProgram(bpf.TestConstProgTestConst)
	tb.Cleanup(func() { prog.Close() })
	return prog
}

// mustProgramOf loads a program of another type than the hook's.
func mustProgramOf(tb testing.TB, typ ebpf.ProgramType) *ebpf.Program {
	tb.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         typ,
		License:      "GPL",
		Instructions: asm.Instructions{asm.LoadImm(asm.R0, 0, asm.DWord), asm.Return()},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { prog.Close() })
	return prog
}

func mustID(tb testing.TB, prog *ebpf.Program) ebpf.ProgramID {
	tb.Helper()
	info, err := prog.Info()
	if err != nil {
		tb.Fatal(err)
	}
	id, ok := info.ID()
	if !ok {
		tb.Fatal("program without an id")
	}
	return id
}

// rtnetlink makes changes to devices that the package under test cannot make.
type rtnetlink struct{ *netlink.Conn }

func mustRtnetlink(tb testing.TB) rtnetlink { return mustRtnetlinkIn(tb, 0) }

// mustRtnetlinkIn is mustRtnetlink for the network namespace of a descriptor.
func mustRtnetlinkIn(tb testing.TB, netns int) rtnetlink {
	tb.Helper()
	c, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Strict: true, NetNS: netns})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return rtnetlink{c}
}

// queues is how many tx queues the devices of the tests have.
const queues = 4

// add makes a device with that many queues and returns its index.
func (c rtnetlink) add(name, kind string) (int, error) {
	if err := c.create(name, kind); err != nil {
		return 0, err
	}
	return index(name)
}

// create makes a device with that many queues.
func (c rtnetlink) create(name, kind string) error {
	ae := netlink.NewAttributeEncoder()
	ae.String(uapi.IFLA_IFNAME, name)
	ae.Uint32(uapi.IFLA_NUM_TX_QUEUES, queues)
	ae.Nested(uapi.IFLA_LINKINFO, func(nae *netlink.AttributeEncoder) error {
		nae.String(uapi.IFLA_INFO_KIND, kind)
		return nil
	})
	attrs, err := ae.Encode()
	if err != nil {
		return err
	}
	_, err = c.Execute(netlink.Message{
		Header: netlink.Header{
			Type:  uapi.RTM_NEWLINK,
			Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Excl,
		},
		Data: append(make([]byte, unix.SizeofIfInfomsg), attrs...),
	})
	return err
}

// del removes a device.
func (c rtnetlink) del(ifindex int) error {
	msg := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(msg[4:], uint32(ifindex))
	_, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: uapi.RTM_DELLINK, Flags: netlink.Request | netlink.Acknowledge},
		Data:   msg,
	})
	return err
}

func mustAdd(tb testing.TB, name string) int {
	tb.Helper()
	ifindex, err := mustRtnetlink(tb).add(name, "dummy")
	if err != nil {
		tb.Fatalf("add %s: %v", name, err)
	}
	return ifindex
}

// mustBond makes a bond, a device that refuses programs.
func mustBond(tb testing.TB, c rtnetlink) int {
	tb.Helper()
	ifindex, err := c.add("bond7", "bond")
	if errors.Is(err, unix.EOPNOTSUPP) {
		skipUnlessRequired(tb, "xps", "this kernel has no bonds (CONFIG_BONDING)")
	}
	if err != nil {
		tb.Fatal(err)
	}
	return ifindex
}

// index returns the index of a device in the network namespace of the calling thread.
func index(name string) (int, error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(s)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(s, uapi.SIOCGIFINDEX, req); err != nil {
		return 0, err
	}
	return int(req.Uint32()), nil
}
