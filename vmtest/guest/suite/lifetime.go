// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// list returns the tests of the references that keep a program alive.
func (e lifetimeTests) list() check.Group {
	return check.Group{Name: "lifetime", Tests: []check.Test{
		{Name: "a41-off-drops-the-program", Run: e.offDrops},
		{Name: "a41-replacing-drops-the-former-program", Run: e.replaceDrops},
		{Name: "a41-deleting-the-link-drops-the-program", Run: e.deleteDrops},
		{Name: "a41-the-end-of-a-network-namespace-drops-the-program", Run: e.netnsDrops},
		{Name: "a41-closing-a-tap-drops-the-program", Run: e.tapDrops},
		{Name: "a42-moving-the-link-keeps-the-program", Run: e.moveKeeps},
		{Name: "d34-returning-to-the-first-namespace-keeps-the-program", Run: e.returnKeeps},
		{Name: "a41-many-network-namespaces-that-end-drop-their-programs", Run: e.manyNetNS, Timeout: 4 * time.Minute},
		{Name: "a43-attaching-over-and-over-leaks-nothing", Run: e.manyCycles, Timeout: 2 * time.Minute},
		{Name: "d17-an-attach-without-memory-changes-nothing", Run: e.withoutMemory, Needs: needsLink, Timeout: 2 * time.Minute},
		{Name: "a41-the-whole-suite-left-no-program-behind", Run: e.nothingLeft, Timeout: 20 * time.Second},
	}}
}

// handOver attaches a new program to n and closes it, so that only the device holds it.
func handOver(t *check.T, n *nic) ebpf.ProgramID {
	prog := constant(t, 1)
	id := idOf(t, prog)
	attach(t, n, prog)
	t.Must(prog.Close(), "close")
	expectAlive(t, id, "it was closed, but is attached")
	expectAttached(t, n, "after its fd was closed", id)
	return id
}

func (e lifetimeTests) offDrops(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	id := handOver(t, n)
	detach(t, n)
	expectGone(t, id, "detaching")
}

func (e lifetimeTests) replaceDrops(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	former := handOver(t, n)
	latter := handOver(t, n)
	expectGone(t, former, "another program replaced it")
	expectAlive(t, latter, "it replaced another one")
	// Attaching it again must not take a second reference.
	prog, err := ebpf.NewProgramFromID(latter)
	t.Must(err, "open program by id")
	attach(t, n, prog)
	t.Must(prog.Close(), "close")
	detach(t, n)
	expectGone(t, latter, "attaching twice and detaching once")
}

func (e lifetimeTests) deleteDrops(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	id := handOver(t, n)
	t.Must(dial(t).Delete(n.index), "delete link")
	expectGone(t, id, "the link was deleted")

	p := e.veth(t, 2, 2)
	id = handOver(t, p.near)
	p.ns.do(t, func() { t.Must(dial(t).Delete(p.far.index), "delete peer") })
	expectGone(t, id, "the peer of the link was deleted")
}

func (e lifetimeTests) netnsDrops(t *check.T) {
	ns := e.newNetNS(t)
	var id ebpf.ProgramID
	ns.do(t, func() {
		c, err := rtnl.Dial()
		t.Must(err, "dial")
		// A socket would hold the namespace.
		defer c.Close()
		t.Must(c.Add(rtnl.Link{Name: "dummy0", Kind: "dummy", TxQueues: 2}), "add")
		id = handOver(t, &nic{name: "dummy0", index: index(t, "dummy0"), queues: 2})
	})
	expectAlive(t, id, "the thread left its network namespace")
	ns.close()
	expectGone(t, id, "its network namespace ended")
}

func (e lifetimeTests) tapDrops(t *check.T) {
	tap, n := e.tap(t)
	id := handOver(t, n)
	t.Must(tap.Close(), "close tap")
	expectGone(t, id, "the tap was closed")
}

func (e lifetimeTests) moveKeeps(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	prog := constant(t, 3)
	id := idOf(t, prog)
	attach(t, n, prog)
	t.Must(prog.Close(), "close")
	ns := e.newNetNS(t)
	t.Must(dial(t).Move(n.index, int(ns.file.Fd())), "move")
	expectAlive(t, id, "the link moved to another network namespace")
	ns.do(t, func() {
		moved := &nic{name: n.name, index: index(t, n.name), queues: n.queues}
		expectAttached(t, moved, "after the link moved", id)
		t.Must(dial(t).SetUp(moved.index, true), "bring up")
		newProbe(t, moved, frameSender(t, moved, false)).expect("after the link moved", 3)
		detach(t, moved)
	})
	expectGone(t, id, "detaching where the link moved to")
}

// leftTime is the time in which the kernel must free the last programs.
const leftTime = 5 * time.Second

// nothingLeft is the last test: the programs of all earlier tests must be gone with
// their devices, namespaces and file descriptors.
func (e lifetimeTests) nothingLeft(t *check.T) {
	var left []string
	if t.Poll(leftTime, func() bool {
		var err error
		left, err = e.programsLeft()
		t.Must(err, "list programs")
		return len(left) == 0
	}) {
		return
	}
	for _, prog := range left {
		t.Errorf("program %s of an earlier test\n  expected: gone\n  seen:     still there", prog)
	}
}

// leftovers makes the check of nothingLeft at the end of a run. The run may lack that test,
// or run others after it.
func (e *leaks) leftovers(ctx context.Context) error {
	for deadline := time.Now().Add(time.Duration(float64(leftTime) * e.scale)); ; {
		left, err := e.programsLeft()
		if err != nil {
			return fmt.Errorf("list programs: %w", err)
		}
		if len(left) == 0 {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("the tests left programs behind: %s", strings.Join(left, ", "))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// programsLeft names the programs that did not exist before the first test.
func (e *leaks) programsLeft() ([]string, error) {
	now, err := programs()
	if err != nil {
		return nil, err
	}
	var left []string
	for id := range now {
		if e.before[id] {
			continue
		}
		name := "?"
		if prog, err := ebpf.NewProgramFromID(id); err == nil {
			name = prog.String()
			prog.Close()
		}
		left = append(left, fmt.Sprintf("%d (%s)", id, name))
	}
	return left, nil
}

// programs lists the ids of all programs in the kernel.
func programs() (map[ebpf.ProgramID]bool, error) {
	ids := make(map[ebpf.ProgramID]bool)
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		ids[next] = true
		id = next
	}
}
