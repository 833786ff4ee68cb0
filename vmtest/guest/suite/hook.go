// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"fmt"
	"math"
	"time"

	"xpsgen/vmtest/guest/suite/check"
)

// list returns the tests of the effect of the program's return value on packets.
func (e hookTests) list() check.Group {
	return check.Group{Name: "hook", Tests: []check.Test{
		{Name: "a06-a-program-runs-though-no-map-was-ever-set", Run: e.runsWithoutMaps},
		{Name: "a01-a-return-value-below-the-queue-count-is-the-queue", Run: e.constantIsQueue},
		{Name: "a02-a-larger-return-value-is-taken-modulo-the-queues-in-use", Run: e.moduloQueuesInUse},
		{Name: "a03-a-negative-return-value-chooses-as-without-a-program", Run: e.negativeIsNoChoice},
		{Name: "a04-a-program-beats-xps-cpus", Run: e.beatsCPUs},
		{Name: "a05-a-program-beats-xps-rxqs", Run: e.beatsRxqs},
		{Name: "a07-a-device-with-a-single-queue-never-runs-the-program", Run: e.singleQueueNeverRuns},
		{Name: "a08-raw-icmp-runs-the-program-for-each-packet", Run: e.rawRunsPerPacket},
		{Name: "a09-a-socket-with-a-queue-cached-does-not-run-the-program-again", Run: e.cacheStopsReruns},
		{Name: "a10-connected-udp-keeps-its-queue", Run: e.connectedUDPStays},
		{Name: "a11-an-old-queue-is-selected-anew-where-the-kernel-has-the-sysctl", Run: e.reselection},
		{Name: "a12-idle-tcp-moves-to-the-queue-of-the-program", Run: e.idleTCPMoves},
		{Name: "a13-a-packet-past-the-qdisc-gets-a-queue-in-use", Run: e.bypassStaysInRange},
		{Name: "a14-the-program-finds-cb-zeroed-and-leaves-it-as-it-was", Run: e.cbIsKept},
		{Name: "a15-forwarded-packets-ask-the-program", Run: e.forwarded},
		{Name: "a16-a-vlan-device-leaves-the-choice-to-the-program-below", Run: e.vlan},
		{Name: "a17-packets-of-netpoll-ask-the-program", Run: e.netpoll, Needs: needsTun},
		{Name: "a18-with-traffic-classes-the-program-counts-all-queues", Run: e.trafficClasses},
		{Name: "d19-the-static-key-follows-the-programs", Run: e.keyFollowsPrograms},
		{Name: "d11-the-steering-program-of-a-tap-comes-first", Run: e.tunSteering, Needs: needsTun},
		{Name: "d12-a-tap-counts-the-queues-attached", Run: e.tunQueues, Needs: needsTun},
		{Name: "d15-queues-of-a-tap-come-and-go-under-traffic", Run: e.tunQueuesUnderTraffic, Needs: needsTun, Timeout: 2 * time.Minute},
		{Name: "d16-a-tap-feeds-receive-flow-steering", Run: e.tunFeedsRFS, Needs: needsTun},
	}}
}

// runsWithoutMaps must be the first test, see groups.
func (e hookTests) runsWithoutMaps(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	c := counting(t, 3)
	attach(t, n, c.prog)
	for _, q := range []int{3, 1, 2} {
		c.set(t, int32(q))
		p.expect(fmt.Sprintf("with a program that returns %d", q), q)
		check.Equal(t, "runs of the program for one packet", 1, c.runs(t))
	}
}

func (e hookTests) constantIsQueue(t *check.T) {
	const queues = 8
	n := e.dummy(t, "dummy0", queues)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	for q := range queues {
		attach(t, n, constant(t, int32(q)))
		p.expect(fmt.Sprintf("with a program that returns %d", q), q)
	}
}

// moduloQueuesInUse allocates more queues than are in use, to distinguish the two numbers.
func (e hookTests) moduloQueuesInUse(t *check.T) {
	const allocated, used = 8, 3
	pair := e.veth(t, allocated, used)
	p := newProbe(t, pair.near, icmpSender(t, peerAddr))
	for _, ret := range []int32{2, 3, 4, 5, 7, 8, 10, 11, 255, 256, 65537, math.MaxInt32} {
		attach(t, pair.near, constant(t, ret))
		p.expect(fmt.Sprintf("with a program that returns %d, %d of %d queues in use", ret, used, allocated), int(ret%used))
	}
	t.Step("after the queues became five", func() {
		pair.near.setQueues(t, allocated, 5)
		attach(t, pair.near, constant(t, 8))
		p.expect("with a program that returns 8", 8%5)
	})
}

// negativeIsNoChoice compares negative return values with no program, for both methods of
// the stack to select a queue: xps_cpus and the flow hash.
func (e hookTests) negativeIsNoChoice(t *check.T) {
	const queues, flows = 4, 16
	n := e.dummy(t, "dummy0", queues)
	negatives := []int32{-1, -2, -255, -256, -65536, math.MinInt32}
	w := watch(t, n.index, queues+1)

	t.Step("by hash", func() {
		probes := make([]*probe, flows)
		for i := range probes {
			probes[i] = &probe{t: t, watch: w, send: udpSender(t, peerAddr, 4000+i, 9)}
			probes[i].marker.next = uint32(i) << 16
		}
		choices := func() (queues [flows]int) {
			for i, p := range probes {
				queues[i] = p.queue()
			}
			return queues
		}
		before := choices()
		if before == ([flows]int{}) {
			t.Fatalf("without a program all %d flows leave by queue 0: nothing to compare with", flows)
		}
		attach(t, n, constant(t, 0))
		check.Equal(t, "queues of flows with a program that returns 0", [flows]int{}, choices())
		for _, ret := range negatives {
			attach(t, n, constant(t, ret))
			check.Equal(t, fmt.Sprintf("queues of flows with a program that returns %d", ret), before, choices())
		}
	})
	t.Step("by xps_cpus", func() {
		n.setXPS(t, "xps_cpus", "0", "1", "0", "2")
		p := &probe{t: t, watch: w, send: icmpSender(t, peerAddr)}
		for _, ret := range negatives {
			attach(t, n, constant(t, ret))
			what := fmt.Sprintf("with a program that returns %d", ret)
			p.expectOn(0, what, 1)
			p.expectOn(1, what, 3)
		}
	})
}

func (e hookTests) beatsCPUs(t *check.T) {
	n := e.dummy(t, "dummy0", 4)
	n.setXPS(t, "xps_cpus", "1", "2")
	p := newProbe(t, n, icmpSender(t, peerAddr))
	p.expectOn(0, "without a program", 0)
	p.expectOn(1, "without a program", 1)
	for _, q := range []int{2, 3, 0, 1} {
		attach(t, n, constant(t, int32(q)))
		for cpu := range cpus {
			p.expectOn(cpu, fmt.Sprintf("with a program that returns %d", q), q)
		}
	}
}

func (e hookTests) beatsRxqs(t *check.T) {
	f := e.rxqFlow(t)
	f.expect("without a program", rxqFlowQueue)
	for _, q := range []int{0, 3, 1} {
		attach(t, f.nic, constant(t, int32(q)))
		f.expect(fmt.Sprintf("with a program that returns %d", q), q)
	}
	attach(t, f.nic, constant(t, -1))
	f.expect("with a program that returns -1", rxqFlowQueue)
}

// singleQueueNeverRuns also bypasses the qdisc. On that path the stack does not check
// the number of queues itself.
func (e hookTests) singleQueueNeverRuns(t *check.T) {
	c := counting(t, 0)
	for _, queues := range []int{1, 2} {
		n := e.dummy(t, fmt.Sprintf("dummy%d", queues), queues)
		attach(t, n, c.prog)
		want := 1
		if queues == 1 {
			want = 0
		}
		c.set(t, 0)
		p := newProbe(t, n, frameSender(t, n, false))
		p.expect(fmt.Sprintf("on a device with %d queues", queues), 0)
		check.Equal(t, fmt.Sprintf("runs of the program on a device with %d queues", queues), want, c.runs(t))
		c.set(t, 0)
		t.Must(frameSender(t, n, true)(p.marker.mark()), "send past the qdisc")
		check.Equal(t, fmt.Sprintf("runs of the program past the qdisc of a device with %d queues", queues), want, c.runs(t))
	}
}

func (e hookTests) rawRunsPerPacket(t *check.T) {
	const packets = 20
	n := e.dummy(t, "dummy0", 4)
	p := newProbe(t, n, icmpSender(t, peerAddr))
	c := counting(t, 0)
	attach(t, n, c.prog)
	for range packets {
		p.queue()
	}
	check.Equal(t, fmt.Sprintf("runs of the program for %d packets of one socket", packets), packets, c.runs(t))
	for _, q := range []int{3, 1, 2, 0} {
		c.set(t, int32(q))
		p.expect(fmt.Sprintf("of the same socket after the program's answer became %d", q), q)
	}
}

// bypassStaysInRange observes the far end, because packet sockets of the sending device
// do not see packets that bypass the qdisc.
func (e hookTests) bypassStaysInRange(t *check.T) {
	const allocated, used = 8, 3
	pair := e.veth(t, allocated, used)
	var far *fanout
	pair.ns.do(t, func() { far = watch(t, pair.far.index, allocated+1) })
	send := frameSender(t, pair.near, true)
	m := &marker{}
	for _, ret := range []int32{0, 2, 3, 5, 7, 8, math.MaxInt32} {
		attach(t, pair.near, constant(t, ret))
		mark := m.mark()
		t.Must(send(mark), "send past the qdisc")
		got := far.mappings(t, mark, false, 1)[0]
		check.Equal(t, fmt.Sprintf("queue of a packet past the qdisc with a program that returns %d, %d of %d queues in use",
			ret, used, allocated), int(ret%used), got)
	}
}
