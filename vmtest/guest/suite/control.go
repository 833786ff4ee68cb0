// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// list returns the tests of attaching, replacing and detaching.
func (e controlTests) list() check.Group {
	return check.Group{Name: "control", Tests: []check.Test{
		{Name: "a24-off-detaches-the-program", Run: e.offDetaches},
		{Name: "a25-off-works-twice", Run: e.offTwice},
		{Name: "a26-noexist-does-not-replace", Run: e.noexist},
		{Name: "a27-ip-link-set-replaces-the-program", Run: e.ipReplaces},
		{Name: "d29-ip-replaces-the-expected-program-only", Run: e.ipExpects},
		{Name: "a28-replace-wants-the-expected-program", Run: e.replace},
		{Name: "a29-a-pinned-program-is-attached", Run: e.pinned},
		{Name: "a30-a-failed-replace-leaves-the-program-at-work", Run: e.failedReplace},
		{Name: "a31-a-group-of-links-gets-the-program", Run: e.group},
		{Name: "d01-detach-wants-the-expected-program", Run: e.detachExpected},
		{Name: "d02-replace-of-nothing-expects-nothing", Run: e.replaceNothing},
		{Name: "d03-bond-and-team-refuse-a-program", Run: e.mastersRefuse},
		{Name: "d30-replace-checks-the-expected-id", Run: e.expectedID},
		{Name: "d31-a-refused-program-moves-no-device", Run: e.refusedMovesNothing},
		{Name: "d04-the-same-program-attaches-to-many-devices", Run: e.manyDevices},
	}}
}

func (e controlTests) offDetaches(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	n.setXPS(t, "xps_cpus", "1", "2")
	p := newProbe(t, n, icmpSender(t, peerAddr))
	choice := func(what string) {
		p.expectOn(0, what, 0)
		p.expectOn(1, what, 1)
	}
	choice("before any program")
	t.Step("by the library", func() {
		attach(t, n, constant(t, 1))
		p.expectOn(0, "with a program that returns 1", 1)
		detach(t, n)
		expectAttached(t, n, "after detaching", 0)
		choice("after detaching")
	})
	t.Step("by ip", func() {
		attach(t, n, constant(t, 1))
		p.expectOn(0, "with a program that returns 1", 1)
		e.ipOK(t, "ip link set dev dummy0 xps off")
		expectAttached(t, n, "after ip link set xps off", 0)
		choice("after ip link set xps off")
	})
}

func (e controlTests) offTwice(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	attach(t, n, constant(t, 1))
	for range 2 {
		detach(t, n)
		expectAttached(t, n, "after detaching", 0)
	}
	attach(t, n, constant(t, 1))
	t.Must(os.WriteFile(filepath.Join(e.objects, "off-twice"), []byte(strings.Repeat("link set dev dummy0 xps off\n", 2)), 0o644), "write batch")
	e.ipOK(t, "ip -batch off-twice")
	expectAttached(t, n, "after ip link set xps off twice", 0)
}

func (e controlTests) noexist(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	first, second := constant(t, 0), constant(t, 1)
	c := client(t, nil)
	noReplace := &xps.AttachOptions{NoReplace: true}
	t.Must(c.Attach(t.Context(), n.index, first, noReplace), "attach with NOEXIST where nothing is")
	expectAttached(t, n, "with NOEXIST", idOf(t, first))
	for what, prog := range map[string]*ebpf.Program{"another program": second, "the same program": first} {
		expectRefused(t, "NOEXIST with "+what, n, setFlags(prog.FD(), uapi.XPS_FLAGS_UPDATE_IF_NOEXIST), unix.EBUSY, "attached")
		expectLibError(t, "NOEXIST with "+what, c.Attach(t.Context(), n.index, prog, noReplace), xps.ErrAttached)
	}
	detach(t, n)
	t.Must(c.Attach(t.Context(), n.index, second, noReplace), "attach with NOEXIST after detaching")
	expectAttached(t, n, "with NOEXIST after detaching", idOf(t, second))
}

// ipReplaces attaches a program over another one. Like other words of ip link set, xps
// replaces the old value.
func (e controlTests) ipReplaces(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	n.fallBack(t, 1)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	e.ipOK(t, "ip link set dev dummy0 xps obj hello0.o sec hello")
	first := attached(t, n)
	p.expect("with hello0", 0)
	n.fallBack(t, 0)
	e.ipOK(t, "ip link set dev dummy0 xps obj hello1.o sec hello")
	second := attached(t, n)
	if second == first || second == 0 {
		t.Errorf("id of the program after ip link set replaced it\n  expected: neither %d nor 0\n  seen:     %d", first, second)
	}
	p.expect("with hello1", 1)
	expectGone(t, first, "ip link set replaced it")
	e.ipOK(t, "ip -force link set dev dummy0 xps obj hello0.o sec hello")
	expectGone(t, second, "ip -force link set replaced it")
}

// ipExpects replaces and detaches the expected program and no other.
func (e controlTests) ipExpects(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	set := "ip link set dev dummy0 xps "
	e.ipOK(t, set+"obj hello0.o sec hello expect none")
	first := attached(t, n)
	path := filepath.Join(e.bpffs(t), "other")
	t.Must(constant(t, 1).Pin(path), "pin")
	for _, refused := range []string{
		"obj hello1.o sec hello expect none",
		"off expect none",
		fmt.Sprintf("obj hello1.o sec hello expect id %d", first+1),
		fmt.Sprintf("off expect id %d", first+1),
		"obj hello1.o sec hello expect pinned " + path,
		"off expect pinned " + path,
	} {
		e.ipFails(t, ipRefused, set+refused, "XPS program")
		expectAttached(t, n, "after "+refused+" was refused", first)
	}
	e.ipOK(t, set+"pinned "+path+fmt.Sprintf(" expect id %d", first))
	expectGone(t, first, "expect id named it")
	e.ipOK(t, set+"obj hello0.o sec hello expect pinned "+path)
	third := attached(t, n)
	e.ipOK(t, set+fmt.Sprintf("off expect id %d up", third))
	expectAttached(t, n, "after off expect id", 0)
	e.ipOK(t, set+"off expect none")
	for _, wrong := range []string{"off expect", "off expect id", "off expect id 0", "off expect id x", "off expect nothing"} {
		if out := e.ip(t, set+wrong); out.code == 0 {
			t.Errorf("ip command\n  expected: an error\n  seen:     %v", out)
		}
	}
}

func (e controlTests) replace(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	first, second, third := constant(t, 1), constant(t, 2), constant(t, 3)
	c := client(t, nil)
	attach(t, n, first)
	t.Must(c.Attach(t.Context(), n.index, second, &xps.AttachOptions{Expected: first}), "replace the expected program")
	expectAttached(t, n, "by replace", idOf(t, second))
	p.expect("with the program that replaced the expected one", 2)
	expectRefused(t, "REPLACE of another program", n, setExpected(third.FD(), uapi.XPS_FLAGS_REPLACE, first.FD()), unix.EEXIST, "expected")
	expectLibError(t, "REPLACE of another program", c.Attach(t.Context(), n.index, third, &xps.AttachOptions{Expected: first}), xps.ErrUnexpectedProgram)
	expectRefused(t, "REPLACE of nothing where something is", n, setExpected(third.FD(), uapi.XPS_FLAGS_REPLACE, -1), unix.EEXIST, "expected")
	expectAttached(t, n, "after refused replaces", idOf(t, second))
	p.expect("after refused replaces", 2)
}

func (e controlTests) pinned(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	n.fallBack(t, 0)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	prog := constant(t, 1)
	path := filepath.Join(e.bpffs(t), "steer")
	t.Must(prog.Pin(path), "pin")
	id := idOf(t, prog)
	e.ipOK(t, "ip link set dev dummy0 xps pinned "+path)
	expectAttached(t, n, "by ip from bpffs", id)
	p.expect("with the pinned program, which returns 1", 1)
	t.Must(os.Remove(path), "unpin")
	t.Must(prog.Close(), "close")
	expectAlive(t, id, "it was unpinned and closed, but is attached")
	p.expect("with the program unpinned and closed", 1)
	e.ipOK(t, "ip link set dev dummy0 xps off")
	expectGone(t, id, "ip link set xps off")
}

func (e controlTests) failedReplace(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	old, other := constant(t, 3), constant(t, 1)
	xdp := load(t, ebpf.XDP, returns(2))
	id := idOf(t, old)
	attach(t, n, old)
	t.Must(old.Close(), "close")
	c := dial(t)
	for _, try := range []struct {
		what string
		nest nest
		want unix.Errno
	}{
		{"a bad fd", setFD(badFD), unix.EBADF},
		{"a program of another type", setFD(xdp.FD()), unix.EINVAL},
		{"NOEXIST", setFlags(other.FD(), uapi.XPS_FLAGS_UPDATE_IF_NOEXIST), unix.EBUSY},
		{"an unexpected program", setExpected(other.FD(), uapi.XPS_FLAGS_REPLACE, other.FD()), unix.EEXIST},
		{"a bad expected fd", setExpected(other.FD(), uapi.XPS_FLAGS_REPLACE, badFD), unix.EBADF},
		{"an unknown flag", setFlags(other.FD(), uapi.XPS_FLAGS_MASK+1), unix.EINVAL},
	} {
		_, err := c.SetXPS(n.index, try.nest)
		check.Equal(t, "answer to "+try.what, error(try.want), errnoOf(err))
		expectAlive(t, id, try.what)
		expectAttached(t, n, "after "+try.what, id)
		p.expect("after "+try.what, 3)
	}
	detach(t, n)
	expectGone(t, id, "detaching")
}

func (e controlTests) group(t *check.T) {
	const group = 77
	var in []*nic
	for i := range 3 {
		n := e.dummy(t, fmt.Sprintf("dummy%d", i), 2)
		n.fallBack(t, 0)
		in = append(in, n)
	}
	out := e.dummy(t, "dummy9", 2)
	c := dial(t)
	for _, n := range in {
		_, err := c.Set(n.index, func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_GROUP, group) })
		t.Must(err, "put into group")
	}
	e.ipOK(t, fmt.Sprintf("ip link set group %d xps obj hello1.o sec hello", group))
	first := attached(t, in[0])
	if first == 0 {
		t.Errorf("program of %s after the group got one\n  expected: some\n  seen:     none", in[0].name)
	}
	for _, n := range in {
		expectAttached(t, n, "to "+n.name+" of the group", first)
		newProbe(t, n, frameSender(t, n, false)).expect("on "+n.name+" with hello1", 1)
	}
	expectAttached(t, out, "to a device outside of the group", 0)
	e.ipOK(t, fmt.Sprintf("ip link set group %d xps off", group))
	for _, n := range in {
		expectAttached(t, n, "to "+n.name+" after the group was turned off", 0)
	}
	expectGone(t, first, "the group was turned off")
}

func (e controlTests) detachExpected(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	prog, other := constant(t, 1), constant(t, 0)
	c := client(t, nil)
	attach(t, n, prog)
	expectRefused(t, "detach of another program", n, setExpected(-1, uapi.XPS_FLAGS_REPLACE, other.FD()), unix.EEXIST, "expected")
	expectLibError(t, "detach of another program", c.Detach(t.Context(), n.index, &xps.DetachOptions{Expected: other}), xps.ErrUnexpectedProgram)
	expectAttached(t, n, "after a refused detach", idOf(t, prog))
	t.Must(c.Detach(t.Context(), n.index, &xps.DetachOptions{Expected: prog}), "detach the expected program")
	expectAttached(t, n, "after detaching the expected program", 0)
	expectRefused(t, "detach of a program where there is none", n, setExpected(-1, uapi.XPS_FLAGS_REPLACE, prog.FD()), unix.EEXIST, "expected")
}

func (e controlTests) replaceNothing(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	prog, other := constant(t, 1), constant(t, 0)
	c := dial(t)
	expectRefused(t, "REPLACE of a program where there is none", n, setExpected(prog.FD(), uapi.XPS_FLAGS_REPLACE, other.FD()), unix.EEXIST, "expected")
	_, err := c.SetXPS(n.index, setExpected(prog.FD(), uapi.XPS_FLAGS_REPLACE, -1))
	t.Must(err, "REPLACE that expects nothing, where nothing is")
	expectAttached(t, n, "by REPLACE that expects nothing", idOf(t, prog))
}

// mastersRefuse attaches to a bond and a team device, which do not select the queues of
// their ports.
func (e controlTests) mastersRefuse(t *check.T) {
	prog := constant(t, 1)
	for _, n := range []*nic{e.master(t, "bond"), e.master(t, "team")} {
		expectRefused(t, "a program for "+n.name, n, setFD(prog.FD()), unix.EOPNOTSUPP, "ports")
		with(t, func(c *xps.Client) { t.Must(c.Detach(t.Context(), n.index, nil), "detach from "+n.name) })
		expectAttached(t, n, "to "+n.name, 0)
	}
}

func (e controlTests) expectedID(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	prog, other := constant(t, 1), constant(t, 2)
	id, otherID := uint32(idOf(t, prog)), uint32(idOf(t, other))
	const replace = uapi.XPS_FLAGS_REPLACE
	c := dial(t)
	set := func(what string, content nest) {
		_, err := c.SetXPS(n.index, content)
		t.Must(err, what)
	}
	expectRefused(t, "an id where nothing is attached", n, setExpectedID(prog.FD(), replace, id), unix.EEXIST, "expected")
	set("expect no program", setExpectedID(prog.FD(), replace, 0))
	expectAttached(t, n, "by a request that expects none", ebpf.ProgramID(id))
	for _, wrong := range []uint32{0, otherID, 1<<32 - 1} {
		expectRefused(t, "the id of another program", n, setExpectedID(other.FD(), replace, wrong), unix.EEXIST, "expected")
		expectRefused(t, "a detach with the id of another program", n, setExpectedID(-1, replace, wrong), unix.EEXIST, "expected")
	}
	set("expect the program", setExpectedID(other.FD(), replace, id))
	expectAttached(t, n, "by a request that expects the program", ebpf.ProgramID(otherID))
	set("expect the program to detach", setExpectedID(-1, replace, otherID))
	expectAttached(t, n, "after a detach that expects the program", 0)
}

// refusedMovesNothing requests a program and another network namespace in one message.
func (e controlTests) refusedMovesNothing(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	ns := e.newNetNS(t)
	first, second := constant(t, 0), constant(t, 1)
	attach(t, n, first)
	c := dial(t)
	for what, try := range map[string]struct {
		content nest
		want    unix.Errno
	}{
		"a closed fd":         {setFD(badFD), unix.EBADF},
		"NOEXIST":             {setFlags(second.FD(), uapi.XPS_FLAGS_UPDATE_IF_NOEXIST), unix.EBUSY},
		"an unexpected fd":    {setExpected(second.FD(), uapi.XPS_FLAGS_REPLACE, second.FD()), unix.EEXIST},
		"an unexpected id":    {setExpectedID(second.FD(), uapi.XPS_FLAGS_REPLACE, 0), unix.EEXIST},
		"contradicting flags": {setFlags(second.FD(), uapi.XPS_FLAGS_REPLACE), unix.EINVAL},
	} {
		_, err := c.Set(n.index, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(unix.IFLA_NET_NS_FD, uint32(ns.file.Fd()))
			rtnl.XPSNest(ae, try.content)
		})
		expectErrno(t, what+" with a move", err, try.want)
		check.Equal(t, "device here after "+what, n.index, index(t, n.name))
		expectAttached(t, n, "after "+what, idOf(t, first))
	}
	// Both take effect if the kernel refuses neither.
	_, err := c.Set(n.index, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(unix.IFLA_NET_NS_FD, uint32(ns.file.Fd()))
		rtnl.XPSNest(ae, setFD(second.FD()))
	})
	t.Must(err, "program and move")
	ns.do(t, func() {
		moved := &nic{name: n.name, index: index(t, n.name)}
		expectAttached(t, moved, "by a request that moves the device", idOf(t, second))
	})
}

func (e controlTests) manyDevices(t *check.T) {
	const devices = 4
	prog := constant(t, 1)
	id := idOf(t, prog)
	var nics []*nic
	for i := range devices {
		n := e.dummy(t, fmt.Sprintf("dummy%d", i), 2)
		n.fallBack(t, 0)
		attach(t, n, prog)
		nics = append(nics, n)
	}
	t.Must(prog.Close(), "close")
	for i, n := range nics {
		expectAttached(t, n, "to "+n.name, id)
		newProbe(t, n, frameSender(t, n, false)).expect("on "+n.name, 1)
		detach(t, n)
		if i < devices-1 {
			expectAlive(t, id, fmt.Sprintf("detaching from %d of %d devices", i+1, devices))
		}
	}
	expectGone(t, id, "detaching from the last device")
}
