// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// list returns the tests of the program's attributes in the kernel's and ip's output.
func (e queryTests) list() check.Group {
	return check.Group{Name: "query", Tests: []check.Test{
		{Name: "a19-an-id-above-255-comes-back-whole", Run: e.idIsWhole},
		{Name: "a20-the-nest-is-there-without-a-program", Run: e.nestAlwaysThere},
		{Name: "a21-ip-plain-json-and-monitor-agree", Run: e.ipAgrees},
		{Name: "a22-each-change-is-announced-once", Run: e.announcedOnce},
		{Name: "a23-bpftool-ip-the-library-and-fdinfo-tell-the-same-id", Run: e.everybodyAgrees, Needs: needsBpftool, Timeout: 4 * time.Minute},
		{Name: "d05-an-unchanged-device-is-not-announced", Run: e.unchangedNotAnnounced},
		{Name: "d18-the-specification-decodes-what-is-attached", Run: e.specificationDecodes},
		{Name: "d06-the-library-lists-and-watches-programs", Run: e.libraryWatches},
	}}
}

// ifUp is IFF_UP in the type of rtnl.Info.Flags.
const ifUp uint32 = unix.IFF_UP

// monitor subscribes to link notifications until the end of the test.
func monitor(t *check.T) *rtnl.Monitor {
	m, err := rtnl.Listen()
	t.Must(err, "listen")
	t.Cleanup(func() { m.Close() })
	return m
}

// drainMonitor returns the notifications that have arrived.
func drainMonitor(t *check.T, m *rtnl.Monitor) []rtnl.Info {
	infos, err := m.Drain()
	t.Must(err, "receive notifications")
	return infos
}

// bigID loads a program with an id above 255. The kernel increments ids, so this takes
// at most 256 programs.
func bigID(t *check.T) (*ebpf.Program, ebpf.ProgramID) {
	const byteMax, most = 255, 600
	for range most {
		spec := &ebpf.ProgramSpec{Name: "suite", Type: ebpf.SocketFilter, Instructions: returns(1), License: "GPL"}
		prog, err := ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{LogDisabled: true})
		t.Must(err, "load program")
		// Skip multiples of 256: in a byte they are 0, which means no program.
		if id := idOf(t, prog); id > byteMax && id&byteMax != 0 {
			t.Cleanup(func() { prog.Close() })
			return prog, id
		}
		prog.Close()
	}
	t.Fatalf("no id above %d among %d programs", byteMax, most)
	return nil, 0
}

func (e queryTests) idIsWhole(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	prog, id := bigID(t)
	attach(t, n, prog)
	info, err := dial(t).Get(n.index)
	t.Must(err, "get link")
	check.Equal(t, "RTM_GETLINK", attachedNest(id).String(), info.XPS.String())
	expectAttached(t, n, "as the library reads it", id)
	check.Equal(t, "id as ip -j shows it", uint32(id), e.showJSON(t, n, "ip -j link show dev"))
}

// attachedNest is the nest of a device with this program, or without one for 0.
func attachedNest(id ebpf.ProgramID) rtnl.XPS {
	if id == 0 {
		return rtnl.XPS{Present: true, Attached: []byte{0}, Nested: true}
	}
	return rtnl.XPS{Present: true, Attached: []byte{1}, ProgramIDs: []uint32{uint32(id)}, Nested: true}
}

func (e queryTests) nestAlwaysThere(t *check.T) {
	m := monitor(t)
	many, single := e.dummy(t, "dummy0", 4), e.dummy(t, "dummy1", 1)
	c := dial(t)
	want := attachedNest(0).String()
	for _, ifindex := range []int{loopback, many.index, single.index} {
		info, err := c.Get(ifindex)
		t.Must(err, "get link")
		check.Equal(t, "RTM_GETLINK of "+info.Name, want, info.XPS.String())
	}
	infos, err := c.Dump()
	t.Must(err, "dump links")
	if len(infos) < 3 {
		t.Errorf("links dumped\n  expected: at least 3\n  seen:     %d", len(infos))
	}
	for _, info := range infos {
		check.Equal(t, "dump of "+info.Name, want, info.XPS.String())
	}
	for _, info := range drainMonitor(t, m) {
		check.Equal(t, "notification about "+info.Name, want, info.XPS.String())
	}
	prog := constant(t, 1)
	id := idOf(t, prog)
	attach(t, many, prog)
	infos, err = c.Dump()
	t.Must(err, "dump links")
	for _, info := range infos {
		w := want
		if info.Index == many.index {
			w = attachedNest(id).String()
		}
		check.Equal(t, "dump of "+info.Name+" after dummy0 got a program", w, info.XPS.String())
	}
	expectAttached(t, single, "to the device that got none", 0)
}

// announcedOnce makes every kind of change on a device that is up and on one that is
// down.
func (e queryTests) announcedOnce(t *check.T) {
	m := monitor(t)
	n := e.dummy(t, "dummy0", 2)
	c := dial(t)
	first, second := constant(t, 0), constant(t, 1)
	firstID, secondID := idOf(t, first), idOf(t, second)
	for _, up := range []bool{true, false} {
		t.Must(c.SetUp(n.index, up), "set up or down")
		drainMonitor(t, m)
		state := fmt.Sprintf("up=%v: ", up)
		announced := func(what string, want ebpf.ProgramID) {
			t.Step(state+what, func() { expectAnnounced(t, m, n, up, attachedNest(want)) })
		}
		with(t, func(c *xps.Client) {
			t.Must(c.Attach(t.Context(), n.index, first, nil), "attach")
			announced("attach", firstID)
			t.Must(c.Attach(t.Context(), n.index, second, nil), "attach another")
			announced("attach another", secondID)
			t.Must(c.Attach(t.Context(), n.index, first, &xps.AttachOptions{Expected: second}), "replace")
			announced("replace", firstID)
			t.Must(c.Detach(t.Context(), n.index, nil), "detach")
			announced("detach", 0)
		})
		// IFLA_GROUP alone makes the kernel send a notification for a device that is
		// up.
		_, err := c.Set(n.index, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(unix.IFLA_GROUP, 42)
			rtnl.XPSNest(ae, setFD(first.FD()))
		})
		t.Must(err, "attach, with a group")
		announced("attach, with a group", firstID)
		detach(t, n)
	}
}

// expectAnnounced fails the test unless there is exactly one notification, an
// RTM_NEWLINK of n with this nest.
func expectAnnounced(t *check.T, m *rtnl.Monitor, n *nic, up bool, want rtnl.XPS) {
	infos := drainMonitor(t, m)
	if len(infos) != 1 {
		t.Errorf("notifications on RTNLGRP_LINK\n  expected: 1\n  seen:     %d: %+v", len(infos), infos)
		return
	}
	info := infos[0]
	check.Equal(t, "type of notification", unix.RTM_NEWLINK, int(info.Type))
	check.Equal(t, "device in notification", n.index, info.Index)
	check.Equal(t, "IFF_UP in notification", up, info.Flags&ifUp != 0)
	check.Equal(t, "nest in notification", want.String(), info.XPS.String())
}

func (e queryTests) unchangedNotAnnounced(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	prog, other := constant(t, 0), constant(t, 1)
	c := dial(t)
	m := monitor(t)
	silent := func(what string) {
		check.Equal(t, "notifications after "+what, 0, len(drainMonitor(t, m)))
	}
	detach(t, n)
	silent("detaching with nothing attached")
	attach(t, n, prog)
	drainMonitor(t, m)
	attach(t, n, prog)
	silent("attaching the same program again")
	expectAttached(t, n, "after attaching it twice", idOf(t, prog))
	_, err := c.SetXPS(n.index, setExpected(prog.FD(), uapi.XPS_FLAGS_REPLACE, prog.FD()))
	t.Must(err, "replace a program by itself")
	silent("replacing a program by itself")
	for what, nest := range map[string]nest{
		"a refused attach":  setFlags(other.FD(), uapi.XPS_FLAGS_UPDATE_IF_NOEXIST),
		"a refused replace": setExpected(other.FD(), uapi.XPS_FLAGS_REPLACE, other.FD()),
		"a bad fd":          setFD(badFD),
	} {
		if _, err := c.SetXPS(n.index, nest); err == nil {
			t.Errorf("%s was not refused", what)
		}
		silent(what)
	}
}

func (e queryTests) libraryWatches(t *check.T) {
	w, err := xps.Watch(t.Context(), nil)
	t.Must(err, "watch")
	t.Cleanup(func() { w.Close() })
	n := e.dummy(t, "dummy0", 2)
	prog := constant(t, 0)
	id := idOf(t, prog)
	attach(t, n, prog)
	next := func() xps.Event {
		event, err := w.Next(t.Context())
		t.Must(err, "next event")
		return event
	}
	check.Equal(t, "program in the event of an attach", id, next().New.ProgramID)
	with(t, func(c *xps.Client) {
		states, err := c.List(t.Context(), nil)
		t.Must(err, "list")
		want := map[int]ebpf.ProgramID{loopback: 0, n.index: id}
		check.Equal(t, "devices listed", len(want), len(states))
		for _, s := range states {
			check.Equal(t, "program listed for "+s.Name, want[s.Ifindex], s.ProgramID)
			check.Equal(t, "attached listed for "+s.Name, want[s.Ifindex] != 0, s.Attached)
		}
	})
	detach(t, n)
	check.Equal(t, "program in the event of a detach", 0, next().New.ProgramID)
}
