// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// list returns the tests of programs that a BPF link attaches.
func (e linkTests) list() check.Group {
	return check.Group{Name: "link", Tests: []check.Test{
		{Name: "d20-a-link-steers-and-tells-its-device", Run: e.linkSteers},
		{Name: "d21-a-link-and-netlink-exclude-each-other", Run: e.linkExcludes},
		{Name: "d22-updating-a-link-changes-the-program", Run: e.linkUpdates},
		{Name: "d23-a-link-that-is-closed-or-detached-lets-go", Run: e.linkLetsGo},
		{Name: "d24-a-device-that-goes-leaves-its-link-empty", Run: e.linkOutlivesDevice},
		{Name: "d25-a-link-moves-with-its-device", Run: e.linkMoves},
		{Name: "d26-a-pinned-link-stays", Run: e.linkPinned},
		{Name: "d27-bpftool-shows-the-link", Run: e.linkShown, Needs: needsBpftool},
		{Name: "d28-a-link-requires-device-and-attach-type", Run: e.linkRefused},
	}}.Need(needsLink)
}

// attachLink attaches prog to n with a link that is closed at the end of the test.
func attachLink(t *check.T, n *nic, prog *ebpf.Program) *xps.Link {
	l, err := xps.AttachLink(t.Context(), n.index, prog, nil)
	t.Must(err, "attach by a link")
	t.Cleanup(func() { l.Close() })
	return l
}

// expectLink fails the test unless the link has this program and device.
func expectLink(t *check.T, what string, l *xps.Link, id ebpf.ProgramID, ifindex int) {
	info, err := l.Info(t.Context())
	t.Must(err, "link info")
	check.Equal(t, "program in the info of the link "+what, id, info.ProgramID)
	check.Equal(t, "device in the info of the link "+what, ifindex, info.Ifindex)
	check.Equal(t, "device in the fdinfo of the link "+what, uint32(ifindex), fdinfo(t, l.FD(), "ifindex"))
	check.Equal(t, "program in the fdinfo of the link "+what, uint32(id), fdinfo(t, l.FD(), "prog_id"))
}

// expectIs fails the test unless err wraps sentinel.
func expectIs(t *check.T, what string, err, sentinel error) {
	if !errors.Is(err, sentinel) {
		t.Errorf("%s\n  expected: an error that is %q\n  seen:     %v", what, sentinel, err)
	}
}

func (e linkTests) linkSteers(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	m := monitor(t)
	prog := linkable(t, 3)
	id := idOf(t, prog)
	l := attachLink(t, n, prog)
	t.Must(prog.Close(), "close program")
	expectAnnounced(t, m, n, true, attachedNest(id))
	p.expect("with a link to a program that returns 3", 3)
	expectAttached(t, n, "by a link", id)
	expectLink(t, "that is attached", l, id, n.index)
	expectAlive(t, id, "it was closed, but a link holds it")
}

// linkExcludes tries to change a link's program over netlink, and the reverse.
func (e linkTests) linkExcludes(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	held, other := linkable(t, 3), linkable(t, 1)
	id := idOf(t, held)
	c := client(t, nil)
	l := attachLink(t, n, held)
	for what, content := range map[string]nest{
		"attach": setFD(other.FD()), "attach the same": setFD(held.FD()), "detach": setFD(-1),
		"replace": setExpected(other.FD(), uapi.XPS_FLAGS_REPLACE, held.FD()), "NOEXIST": setFlags(other.FD(), uapi.XPS_FLAGS_UPDATE_IF_NOEXIST),
	} {
		expectRefused(t, what+" by netlink where a link is", n, content, unix.EBUSY)
	}
	expectIs(t, "attach by netlink where a link is", c.Attach(t.Context(), n.index, other, nil), xps.ErrLinked)
	expectIs(t, "detach by netlink where a link is", c.Detach(t.Context(), n.index, nil), xps.ErrLinked)
	_, err := xps.AttachLink(t.Context(), n.index, other, nil)
	expectIs(t, "a second link", err, xps.ErrAttached)
	e.ipFails(t, ipRefused, "ip -force link set dev dummy0 xps off", "link")
	expectAttached(t, n, "after all that was refused", id)
	p.expect("after all that was refused", 3)
	t.Must(l.Close(), "close link")
	t.Eventually(ioPatience, "detach by the closed link", func() bool { return attached(t, n) == 0 })
	attach(t, n, other)
	_, err = xps.AttachLink(t.Context(), n.index, held, nil)
	expectIs(t, "a link where netlink attached", err, xps.ErrAttached)
	expectAttached(t, n, "after a link was refused", idOf(t, other))
	p.expect("after a link was refused", 1)
}

func (e linkTests) linkUpdates(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	first, second, third := linkable(t, 1), linkable(t, 2), linkable(t, 3)
	firstID, secondID, thirdID := idOf(t, first), idOf(t, second), idOf(t, third)
	l := attachLink(t, n, first)
	m := monitor(t)
	t.Must(l.Update(t.Context(), second, nil), "update")
	expectAnnounced(t, m, n, true, attachedNest(secondID))
	p.expect("with the link updated", 2)
	expectLink(t, "that was updated", l, secondID, n.index)
	t.Must(l.Update(t.Context(), second, nil), "update to the same program")
	check.Equal(t, "notifications of an update to the same program", 0, len(drainMonitor(t, m)))
	expectIs(t, "update of another program than expected", l.Update(t.Context(), third, &xps.UpdateOptions{Expected: first}), xps.ErrUnexpectedProgram)
	p.expect("after an update was refused", 2)
	expectAttached(t, n, "after an update was refused", secondID)
	t.Must(l.Update(t.Context(), third, &xps.UpdateOptions{Expected: second}), "update of the expected program")
	p.expect("with the link updated again", 3)
	expectIs(t, "update to a program of another type", l.Update(t.Context(), load(t, ebpf.XDP, returns(2)), nil), xps.ErrBadProgram)
	check.Equal(t, "answer to an update to a program without the attach type",
		error(unix.EINVAL), errnoOf(l.Update(t.Context(), constant(t, 1), nil)))
	for _, prog := range []*ebpf.Program{first, second, third} {
		t.Must(prog.Close(), "close program")
	}
	expectGone(t, firstID, "the link was updated")
	expectGone(t, secondID, "the link was updated again")
	t.Must(l.Close(), "close link")
	expectGone(t, thirdID, "the link was closed")
}

func (e linkTests) linkLetsGo(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.setXPS(t, "xps_cpus", "0", "3", "0", "0")
	p := newProbe(t, n, icmpSender(t, peerAddr))
	for _, how := range []string{"close", "detach"} {
		t.Step(how, func() {
			prog := linkable(t, 3)
			id := idOf(t, prog)
			l := attachLink(t, n, prog)
			t.Must(prog.Close(), "close program")
			p.expect("with a link", 3)
			m := monitor(t)
			if how == "detach" {
				t.Must(l.Detach(t.Context()), "detach link")
				expectAttached(t, n, "after the link was detached", 0)
				expectLink(t, "that was detached", l, id, 0)
				expectAlive(t, id, "its link was detached, but not closed")
				expectIs(t, "update of a link that is detached", l.Update(t.Context(), linkable(t, 1), nil), xps.ErrDetached)
				t.Must(l.Detach(t.Context()), "detach link again")
			}
			t.Must(l.Close(), "close link")
			expectGone(t, id, "its link was closed")
			expectAnnounced(t, m, n, true, attachedNest(0))
			p.expect("by xps_cpus, without the link", 1)
			attach(t, n, linkable(t, 2))
			p.expect("by netlink, after the link", 2)
			detach(t, n)
		})
	}
}

func (e linkTests) linkOutlivesDevice(t *check.T) {
	prog := linkable(t, 1)
	id := idOf(t, prog)
	n := e.dummy(t, "dummy0", 2)
	l := attachLink(t, n, prog)
	t.Must(prog.Close(), "close program")
	t.Must(dial(t).Delete(n.index), "delete")
	expectLink(t, "of which the device is gone", l, id, 0)
	expectIs(t, "update of a link of which the device is gone", l.Update(t.Context(), linkable(t, 1), nil), xps.ErrDetached)
	t.Must(l.Detach(t.Context()), "detach a link of which the device is gone")
	t.Must(l.Close(), "close link")
	expectGone(t, id, "its device was deleted, and its link closed")

	// The namespace is deleted with its device, and the link stays.
	ns := e.newNetNS(t)
	ns.do(t, func() {
		c, err := rtnl.Dial()
		t.Must(err, "dial")
		defer c.Close()
		t.Must(c.Add(rtnl.Link{Name: "dummy0", Kind: "dummy", TxQueues: 2}), "add")
		prog = linkable(t, 1)
		l = attachLink(t, &nic{name: "dummy0", index: index(t, "dummy0")}, prog)
	})
	id = idOf(t, prog)
	t.Must(prog.Close(), "close program")
	ns.close()
	t.Eventually(ioPatience, "link without its device", func() bool {
		info, err := l.Info(t.Context())
		t.Must(err, "link info")
		return info.Ifindex == 0
	})
	t.Must(l.Close(), "close link")
	expectGone(t, id, "the network namespace ended, and the link was closed")
}

func (e linkTests) linkMoves(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	prog := linkable(t, 3)
	id := idOf(t, prog)
	l := attachLink(t, n, prog)
	t.Must(prog.Close(), "close program")
	ns := e.newNetNS(t)
	t.Must(dial(t).Move(n.index, int(ns.file.Fd())), "move")
	ns.do(t, func() {
		moved := &nic{name: n.name, index: index(t, n.name), queues: n.queues}
		expectLink(t, "of a device that moved", l, id, moved.index)
		expectAttached(t, moved, "by a link, after the move", id)
		t.Must(dial(t).SetUp(moved.index, true), "bring up")
		newProbe(t, moved, frameSender(t, moved, false)).expect("after the move", 3)
		t.Must(l.Close(), "close link")
		t.Eventually(ioPatience, "detach by the closed link", func() bool { return attached(t, moved) == 0 })
	})
	expectGone(t, id, "its link was closed after the move")
}

func (e linkTests) linkPinned(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	prog := linkable(t, 1)
	id := idOf(t, prog)
	l := attachLink(t, n, prog)
	t.Must(prog.Close(), "close program")
	path := filepath.Join(e.bpffs(t), "link")
	t.Must(l.Pin(path), "pin")
	t.Must(l.Close(), "close link")
	expectAttached(t, n, "by a link that is pinned and closed", id)
	// The BPF file system is in the mount namespace of this thread.
	l, err := xps.OpenLink(context.Background(), path)
	t.Must(err, "open pinned link")
	t.Cleanup(func() { l.Close() })
	expectLink(t, "that was pinned", l, id, n.index)
	t.Must(l.Unpin(), "unpin")
	t.Must(l.Close(), "close link")
	expectGone(t, id, "its link was unpinned and closed")
}

// shownLink has the fields of `bpftool --json link show` that the suite reads.
type shownLink struct {
	ID      uint32 `json:"id"`
	Type    string `json:"type"`
	ProgID  uint32 `json:"prog_id"`
	Devname string `json:"devname"`
	Ifindex int    `json:"ifindex"`
}

func (e linkTests) linkShown(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	prog := linkable(t, 1)
	l := attachLink(t, n, prog)
	info, err := l.Info(t.Context())
	t.Must(err, "link info")
	// List all links: bpftool fails to show a single link, because it returns a stale
	// errno.
	var all []shownLink
	e.bpftool(t, &all, "link", "show")
	want := shownLink{ID: uint32(info.ID), Type: "xps", ProgID: uint32(idOf(t, prog)), Devname: n.name, Ifindex: n.index}
	if !slices.Contains(all, want) {
		t.Errorf("links in bpftool\n  expected: %+v\n  seen:     %+v", want, all)
	}
	check.Equal(t, "id in bpftool net", uint32(idOf(t, prog)), e.shownByBpftool(t, n))
}

func (e linkTests) linkRefused(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	_, err := xps.AttachLink(t.Context(), n.index, load(t, ebpf.XDP, returns(2)), nil)
	expectIs(t, "a link to a program of another type", err, xps.ErrBadProgram)
	_, err = xps.AttachLink(t.Context(), 1<<20, linkable(t, 1), nil)
	expectIs(t, "a link to a device that is not there", err, xps.ErrNoDevice)
	_, err = xps.AttachLink(t.Context(), n.index, constant(t, 1), nil)
	check.Equal(t, "answer to a link to a program without the attach type", error(unix.EINVAL), errnoOf(err))
	_, err = xps.AttachLink(t.Context(), e.bond(t).index, linkable(t, 1), nil)
	check.Equal(t, "answer to a link to a bond", error(unix.EOPNOTSUPP), errnoOf(err))
	prog := linkable(t, 1)
	withoutCaps(t, func() {
		_, err = xps.AttachLink(t.Context(), n.index, prog, nil)
		expectIs(t, "a link without capabilities", err, xps.ErrPermission)
	})
	// Call the kernel directly: the library would fail first, since it needs a descriptor.
	var errno unix.Errno
	attr := linkAttr(prog, n.index)
	withoutDescriptors(t, func() {
		_, _, errno = unix.Syscall(unix.SYS_BPF, uapi.BPF_LINK_CREATE, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	})
	check.Equal(t, "answer to a link without a free descriptor", unix.EMFILE, errno)
	expectAttached(t, n, "after all that was refused", 0)
}

// linkAttr returns the arguments of the system call that attaches prog by a link.
func linkAttr(prog *ebpf.Program, ifindex int) *uapi.BpfAttr {
	attr := &uapi.BpfAttr{}
	create := attr.LinkCreate()
	*create.ProgFd() = uint32(prog.FD())
	*create.TargetIfindex() = uint32(ifindex)
	create.AttachType = uapi.BPF_XPS
	return attr
}

// withoutDescriptors runs f while this process can open no descriptor.
func withoutDescriptors(t *check.T, f func()) {
	free, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	t.Must(err, "find a free descriptor")
	t.Must(unix.Close(free), "close the descriptor")
	var before unix.Rlimit
	// The limit is one more than the highest number that open may return.
	t.Must(unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &before), "read the limit of descriptors")
	limit := unix.Rlimit{Cur: uint64(free), Max: before.Max}
	t.Must(unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil), "limit descriptors")
	defer func() { t.Must(unix.Prlimit(0, unix.RLIMIT_NOFILE, &before, nil), "restore the limit of descriptors") }()
	f()
}
