// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"xpsgen/vmtest/guest/suite/check"
)

// list returns the tests of behaviour that holds with and without the hook. They check the
// observers of queues, which other tests use.
func (e baselineTests) list() check.Group {
	tests := []check.Test{
		{Name: "b01-xps-cpus-picks-the-queue-by-cpu", Run: e.baselineCPUs},
		{Name: "b02-xps-rxqs-picks-the-queue-by-receive-queue", Run: e.baselineRxqs},
		{Name: "b03-a-flow-keeps-its-queue-and-flows-differ", Run: e.baselineHash},
		{Name: "b04-a-packet-keeps-its-queue-across-a-veth", Run: e.baselineVeth},
		{Name: "b05-a-tap-sends-a-flow-where-its-last-answer-came-from", Run: e.baselineTap},
		{Name: "b06-a-link-is-announced-once-when-it-is-made", Run: e.baselineNotify},
		{Name: "b07-netconsole-sends-the-kernel-log-by-a-tap", Run: e.baselineNetpoll},
		{Name: "b08-writing-maps-races-with-sending", Run: e.baselineMapsRace, Timeout: 2 * time.Minute},
		{Name: "b09-deleting-a-device-races-with-sending", Run: e.baselineDeleteRace, Timeout: 4 * time.Minute},
	}
	for i := range tests {
		tests[i].Baseline = true
	}
	return check.Group{Name: "baseline", Tests: tests}
}

func (e baselineTests) baselineCPUs(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	for _, queues := range [][cpus]int{{0, 1}, {3, 2}} {
		masks := []string{"0", "0", "0", "0"}
		masks[queues[0]], masks[queues[1]] = "1", "2"
		n.setXPS(t, "xps_cpus", masks...)
		for cpu, q := range queues {
			p.expectOn(cpu, fmt.Sprintf("with xps_cpus %v", masks), q)
		}
	}
}

func (e baselineTests) baselineRxqs(t *check.T) {
	f := e.rxqFlow(t)
	f.expect("with xps_rxqs", rxqFlowQueue)
	f.nic.setXPS(t, "xps_rxqs", "0", "0", "0", "f")
	f.expect("with xps_rxqs moved to queue 3", 3)
}

func (e baselineTests) baselineHash(t *check.T) {
	const queues, flows = 4, 16
	n := e.dummy(t, "dummy0", queues)
	w := watch(t, n.index, queues+1)
	used := make(map[int]bool)
	for i := range flows {
		p := &probe{t: t, watch: w, send: udpSender(t, peerAddr, 4000+i, 9)}
		first := p.queue()
		used[first] = true
		if first >= queues {
			t.Errorf("queue of flow %d\n  expected: below %d\n  seen:     %d", i, queues, first)
		}
		p.expect(fmt.Sprintf("of flow %d, the second time", i), first)
	}
	if len(used) < 2 {
		t.Errorf("queues used by %d flows\n  expected: more than one of %d\n  seen:     %v", flows, queues, used)
	}
}

func (e baselineTests) baselineVeth(t *check.T) {
	const queues = 4
	p := e.veth(t, queues, queues)
	var far *fanout
	p.ns.do(t, func() { far = watch(t, p.far.index, queues+1) })
	near := newProbe(t, p.near, icmpSender(t, peerAddr))
	for q := range queues {
		masks := []string{"0", "0", "0", "0"}
		masks[q] = "3"
		p.near.setXPS(t, "xps_cpus", masks...)
		mark := near.marker.mark()
		t.Must(near.send(mark), "send")
		check.Equal(t, "queue mapping on leaving", q, near.watch.mappings(t, mark, true, 1)[0])
		check.Equal(t, "queue mapping on arrival", q, far.mappings(t, mark, false, 1)[0])
	}
}

func (e baselineTests) baselineTap(t *check.T) {
	tap, n := e.tap(t)
	s := &station{t: t, nic: n, echoes: true}
	s.listen()
	for _, q := range []int{0, 1, 0, 1} {
		tap.ReplyOn(q)
		s.ping()
		t.Eventually(ioPatience, "end of the answer", tap.Idle)
		mark := s.ping()
		what := fmt.Sprintf("of a ping after the answer to the one before went in by queue %d", q)
		check.Equal(t, "file descriptor "+what, q, tapQueue(t, tap, mark))
		check.Equal(t, "queue mapping "+what, q, s.watch.mappings(t, mark, true, 1)[0])
	}
}

func (e baselineTests) baselineNotify(t *check.T) {
	m := monitor(t)
	n := e.dummy(t, "dummy0", 2)
	seen := 0
	for _, info := range drainMonitor(t, m) {
		if info.Index == n.index && info.Flags&ifUp == 0 {
			seen++
		}
	}
	check.Equal(t, "RTM_NEWLINK messages about the device before it is up", 1, seen)
}

// baselineNetpoll sends a line of the kernel log by a tap. It never attaches a program, so
// a report of a checker about netpoll in this test is about the base.
func (e baselineTests) baselineNetpoll(t *check.T) {
	tap, n := e.tapWith(t, 4)
	defer netconsole(t, n)()
	mark := []byte("xps baseline mark.")
	// netconsole may lose a line of the log.
	t.Eventually(ioPatience, "line of the kernel log sent by "+n.name, func() bool {
		t.Must(os.WriteFile("/dev/kmsg", append([]byte("<1>"), mark...), 0), "write to the kernel log")
		time.Sleep(10 * time.Millisecond)
		for _, f := range tap.Drain() {
			if bytes.Contains(f.Data, mark) {
				return true
			}
		}
		return false
	})
}
