// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// list returns the tests of concurrent operations. A debug kernel reports the races.
func (e raceTests) list() check.Group {
	return check.Group{Name: "race", Tests: []check.Test{
		{Name: "a44-replacing-under-traffic-loses-nothing", Run: e.replaceUnderTraffic, Timeout: 4 * time.Minute},
		{Name: "a45-queues-come-and-go-under-traffic", Run: e.queuesUnderTraffic, Timeout: 2 * time.Minute},
		{Name: "a46-writing-maps-races-with-attaching", Run: e.mapsRace, Timeout: 2 * time.Minute},
		{Name: "a47-deleting-races-with-sending", Run: e.deleteRace, Timeout: 4 * time.Minute},
		{Name: "a48-a-dump-of-many-devices-tells-each-program", Run: e.manyDumped, Timeout: 4 * time.Minute},
	}}
}

// replaceUnderTraffic alternates programs that return 1 and 2. First it replaces them,
// then it detaches and attaches. Without a program xps_cpus selects queue 3. mq counts
// the packets of each queue.
func (e raceTests) replaceUnderTraffic(t *check.T) {
	const queues, noneEach = 4, 16
	pair := e.veth(t, queues, queues)
	pair.near.setXPS(t, "xps_cpus", "0", "0", "0", "3")
	c := dial(t)
	t.Must(c.SetQdisc(rtnl.Qdisc{Ifindex: pair.near.index, Kind: "mq", Handle: 0x20}), "qdisc that counts by queue")
	lib := client(t, nil)
	progs := []*ebpf.Program{constant(t, 1), constant(t, 2)}
	t.Must(lib.Attach(t.Context(), pair.near.index, progs[0], nil), "attach")
	packets := func() (used [queues]uint32) {
		all, err := c.ClassPackets(pair.near.index)
		t.Must(err, "packets by queue")
		copy(used[:], all)
		return used
	}
	before := packets()
	finish := streams(t, pair, cpus)
	used := func(queue int) bool { return packets()[queue] > before[queue] }
	// On a busy machine it takes time until the first packet is sent.
	t.Eventually(ioPatience, "packets of the first program", func() bool { return used(1) })
	n := e.count(t, "replaces", times{200, 10_000})
	last := 0
	replace := func() {
		last = 1 - last
		t.Must(lib.Attach(t.Context(), pair.near.index, progs[last], nil), "replace")
		breathe()
	}
	for i := range n {
		replace()
		t.Alive("%d of %d replaces", i, n)
	}
	t.Eventually(ioPatience, "packets of the second program", func() bool { replace(); return used(2) })
	expectAttached(t, pair.near, "last", idOf(t, progs[last]))
	between := packets()
	for i := range n / noneEach {
		t.Must(lib.Detach(t.Context(), pair.near.index, nil), "detach")
		t.Must(lib.Attach(t.Context(), pair.near.index, progs[i%2], nil), "attach")
		t.Alive("%d of %d times without a program", i, n/noneEach)
	}
	t.Notef("packets: %d", finish())
	after := packets()
	t.Logf("packets by queue: %v, %v, %v", before, between, after)
	for q := range queues {
		named := q == 1 || q == 2
		check.Equal(t, fmt.Sprintf("queue %d was used, while programs that name 1 and 2 replaced each other", q), named, between[q] > before[q])
	}
	check.Equal(t, "packets by queue 0, which neither programs nor maps name", before[0], after[0])
}

// queuesUnderTraffic checks at the far end that no packet uses a queue out of range.
// While the number of queues changes a veth has no carrier and loses packets, with or
// without the hook.
func (e raceTests) queuesUnderTraffic(t *check.T) {
	const allocated = 8
	pair := e.veth(t, allocated, allocated)
	var far *fanout
	pair.ns.do(t, func() { far = watch(t, pair.far.index, 2*allocated) })
	c := counting(t, math.MaxInt32)
	attach(t, pair.near, c.prog)
	b := newBackground(t)
	var sent atomic.Int64
	for _, bypass := range []bool{false, true} {
		send := frameSender(t, pair.near, bypass)
		b.repeat(func(i int) bool {
			rest(i)
			// Sending without a carrier returns ENOBUFS.
			if err := send([]byte("queues")); err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.ENETDOWN) {
				t.Errorf("send: %v", err)
				return false
			}
			sent.Add(1)
			return true
		})
	}
	n := e.count(t, "changes of the number of queues", times{16, 500})
	for i := range n {
		pair.near.setQueues(t, allocated, 1+(i*5)%allocated)
		breathe()
		for _, s := range far.drain(t) {
			if s.mapping >= allocated {
				t.Fatalf("queue of a packet\n  expected: below %d\n  seen:     %d", allocated, s.mapping)
			}
		}
		t.Alive("%d of %d changes", i, n)
	}
	b.end()
	t.Notef("packets: %d", sent.Load())
	if c.runs(t) == 0 {
		t.Errorf("runs of the program meanwhile\n  expected: some\n  seen:     none")
	}
	for _, used := range []int{5, 2, 7} {
		pair.near.setQueues(t, allocated, used)
		awaitReady(t, dial(t), pair.near.index)
		p := newProbe(t, pair.near, icmpSender(t, peerAddr))
		p.expect(fmt.Sprintf("with a program that returns %d, %d queues in use", math.MaxInt32, used), math.MaxInt32%used)
		p.watch.close()
	}
}

// mapsRace writes xps_cpus and xps_rxqs while a program is attached and detached.
// In the end, both the maps and the program must work.
func (e raceTests) mapsRace(t *check.T) {
	const queues = 4
	n := e.dummy(t, "dummy0", queues)
	b := newBackground(t)
	writeMaps(t, b, n, queues)
	prog := constant(t, 3)
	lib := client(t, nil)
	times := e.count(t, "attaches", times{20, 500})
	for i := range times {
		t.Must(lib.Attach(t.Context(), n.index, prog, nil), "attach")
		t.Must(lib.Detach(t.Context(), n.index, nil), "detach")
		t.Alive("%d of %d attaches", i, times)
	}
	b.end()
	p := expectMapsWork(t, n)
	t.Must(lib.Attach(t.Context(), n.index, prog, nil), "attach")
	p.expectOn(0, "by the program, in the end", 3)
}

// writeMaps writes xps_cpus and xps_rxqs in the background, and sends.
func writeMaps(t *check.T, b *background, n *nic, queues int) {
	for name, masks := range map[string][]string{"xps_cpus": {"0", "1", "2", "3"}, "xps_rxqs": {"0", "1"}} {
		var files []*os.File
		for q := range queues {
			f, err := os.OpenFile(n.queueFile(q, name), os.O_WRONLY, 0)
			t.Must(err, "open "+name)
			t.Cleanup(func() { f.Close() })
			files = append(files, f)
		}
		b.repeat(func(i int) bool {
			rest(i)
			if _, err := files[i%queues].WriteAt([]byte(masks[i/queues%len(masks)]), 0); err != nil {
				t.Errorf("write %s: %v", name, err)
				return false
			}
			return true
		})
	}
	send := frameSender(t, n, false)
	b.repeat(func(i int) bool { return send([]byte("maps")) == nil && rest(i) })
}

// expectMapsWork sets maps of four queues and checks the queues of two CPUs.
func expectMapsWork(t *check.T, n *nic) *probe {
	n.setXPS(t, "xps_rxqs", "0", "0", "0", "0")
	n.setXPS(t, "xps_cpus", "0", "1", "2", "0")
	p := newProbe(t, n, icmpSender(t, peerAddr))
	p.expectOn(0, "by xps_cpus, in the end", 1)
	p.expectOn(1, "by xps_cpus, in the end", 2)
	return p
}

// deleteRace deletes devices while packets are sent. Each device holds the last
// reference to its program.
func (e raceTests) deleteRace(t *check.T) {
	c := dial(t)
	lib := client(t, nil)
	prog := counting(t, 3)
	var sent atomic.Int64
	b := newBackground(t)
	queued, direct := sendAimed(t, b, false, &sent), sendAimed(t, b, true, &sent)
	n := e.count(t, "devices deleted under traffic", times{8, 200})
	for i := range n {
		t.Must(c.Add(rtnl.Link{Name: "dummy0", Kind: "dummy", TxQueues: 4}), "add")
		dev := index(t, "dummy0")
		t.Must(c.SetUp(dev, true), "bring up")
		t.Must(lib.Attach(t.Context(), dev, prog.prog, nil), "attach")
		already := prog.runs(t)
		queued.aim(dev)
		direct.aim(dev)
		t.Poll(100*time.Millisecond, func() bool { return prog.runs(t) > already })
		own := constant(t, 2)
		t.Must(lib.Attach(t.Context(), dev, own, nil), "attach a program that only the device will hold")
		t.Must(own.Close(), "close")
		breathe()
		t.Must(lib.Attach(t.Context(), dev, prog.prog, nil), "replace what only the device holds")
		// NB: if a packet bypasses the qdisc, the kernel divides by the number of
		// queues in use, with or without the hook. That number is 0 while a device is
		// unregistered.
		direct.aim(0)
		t.Must(c.Delete(dev), "delete")
		t.Alive("%d of %d devices", i, n)
	}
	b.end()
	t.Notef("packets: %d", sent.Load())
	if prog.runs(t) == 0 {
		t.Errorf("runs of the program meanwhile\n  expected: some\n  seen:     none")
	}
	id := idOf(t, prog.prog)
	t.Must(prog.prog.Close(), "close")
	expectGone(t, id, "all its devices were deleted under traffic")
}

// aimed sends frames on a device that can be changed.
type aimed struct {
	fd    int
	frame []byte

	mu      sync.Mutex // held while a frame is sent
	ifindex int
}

func newAimed(t *check.T, bypass bool) *aimed {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "packet socket")
	t.Cleanup(func() { unix.Close(fd) })
	if bypass {
		t.Must(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1), "PACKET_QDISC_BYPASS")
	}
	return &aimed{fd: fd, frame: make([]byte, 60)}
}

// sendAimed sends in the background on the device at which the result is aimed, and counts
// the packets.
func sendAimed(t *check.T, b *background, bypass bool, sent *atomic.Int64) *aimed {
	a := newAimed(t, bypass)
	b.repeat(func(i int) bool {
		rest(i)
		switch err := a.send(); {
		case err == nil:
			sent.Add(1)
		// NB: __dev_queue_xmit() returns -ENOMEM for a device that is down but
		// still has its qdisc.
		case !errors.Is(err, unix.ENXIO) && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOMEM) &&
			!errors.Is(err, unix.ENETDOWN) && !errors.Is(err, unix.ENOBUFS):
			t.Errorf("send: %v", err)
			return false
		}
		return true
	})
	return a
}

// aim sets the device; 0 is none. When it returns, no frame is being sent to the
// previous one.
func (a *aimed) aim(ifindex int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ifindex = ifindex
}

func (a *aimed) send() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return unix.Sendto(a.fd, a.frame, 0, &unix.SockaddrLinklayer{
		Protocol: bigEndian16(localExperiment), Ifindex: a.ifindex, Halen: 6,
	})
}

// manyDumped makes so many devices that a dump takes many messages. Each device has its
// own program or none. The attributes of a device must fit into the size that the
// kernel calculates. It warns if they do not.
func (e raceTests) manyDumped(t *check.T) {
	const group = 48
	inGroup := func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_GROUP, group) }
	n := e.count(t, "devices", times{120, 1000})
	c := dial(t)
	lib := client(t, nil)
	progs := []*ebpf.Program{nil, constant(t, 1), constant(t, 2)}
	want := map[int]ebpf.ProgramID{}
	for i := range n {
		name := fmt.Sprintf("d%d", i)
		t.Must(c.Add(rtnl.Link{Name: name, Kind: "dummy", TxQueues: 2, Extra: inGroup}), "add")
		dev := index(t, name)
		want[dev] = 0
		if prog := progs[i%len(progs)]; prog != nil {
			t.Must(lib.Attach(t.Context(), dev, prog, nil), "attach")
			want[dev] = idOf(t, prog)
		}
		t.Alive("%d of %d devices", i, n)
	}
	infos, err := c.Dump()
	t.Must(err, "dump links")
	check.Equal(t, "links dumped", n+1, len(infos))
	for _, info := range infos {
		check.Equal(t, "dump of "+info.Name, attachedNest(want[info.Index]).String(), info.XPS.String())
		one, err := c.Get(info.Index)
		t.Must(err, "get link")
		check.Equal(t, "RTM_GETLINK of "+info.Name, info.XPS.String(), one.XPS.String())
	}
	states, err := lib.List(t.Context(), nil)
	t.Must(err, "list")
	check.Equal(t, "devices that the library lists", n+1, len(states))
	t.Must(c.DeleteGroup(group), "delete all")
	var gone []ebpf.ProgramID
	for _, prog := range progs[1:] {
		gone = append(gone, idOf(t, prog))
		t.Must(prog.Close(), "close")
	}
	for _, id := range gone {
		expectGone(t, id, "all its devices were deleted")
	}
}
