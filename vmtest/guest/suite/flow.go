// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// reselectionFile is the sysctl of the time after which a socket selects its queue
// again. Linux 6.12 does not have it.
const reselectionFile = "/proc/sys/net/core/txq_reselection_ms"

// setReselection sets the sysctl in the network namespace of the thread, 0 for never. It
// reports whether the kernel has it.
func setReselection(t *check.T, after time.Duration) bool {
	err := os.WriteFile(reselectionFile, []byte(strconv.FormatInt(after.Milliseconds(), 10)), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	t.Must(err, "set txq_reselection_ms")
	return true
}

// connectedUDP opens a connected socket, which keeps the queue of its first packet.
func connectedUDP(t *check.T, dst netip.Addr) (fd int, send sender) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "UDP socket")
	t.Cleanup(func() { unix.Close(fd) })
	t.Must(unix.Connect(fd, &unix.SockaddrInet4{Addr: dst.As4(), Port: 9}), "connect UDP socket")
	return fd, func(mark []byte) error {
		_, err := unix.Write(fd, mark)
		if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.EHOSTUNREACH) {
			// This is the error of an earlier datagram.
			_, err = unix.Write(fd, mark)
		}
		return err
	}
}

// busyWith keeps a packet of a socket in flight until done is called or the test ends.
// Since 6.19 a socket may change its queue when none of its packets is in the host,
// because no packet can be reordered. This packet waits for a neighbour that does not
// answer.
func busyWith(t *check.T, fd int) (done func()) {
	const name = "hold0"
	c := dial(t)
	t.Must(c.Add(rtnl.Link{Name: name, Kind: "veth", Peer: &rtnl.Link{Name: "hold1"}}), "add")
	dev := index(t, name)
	peer := index(t, "hold1")
	t.Must(c.SetUp(peer, true), "bring up")
	t.Must(c.SetUp(dev, true), "bring up")
	// A carrier event of either device makes sockets look routes up again.
	awaitReady(t, c, dev)
	awaitReady(t, c, peer)
	t.Must(c.AddAddress(dev, netip.MustParsePrefix("203.0.113.1/24")), "address")
	// Keep trying for longer than any test runs.
	const tries = "/proc/sys/net/ipv4/neigh/" + name + "/mcast_solicit"
	t.Must(os.WriteFile(tries, []byte("600"), 0), "set mcast_solicit")
	absent := netip.MustParseAddr("203.0.113.9")
	t.Must(unix.Sendto(fd, []byte("held"), 0, &unix.SockaddrInet4{Addr: absent.As4(), Port: 9}), "send to nobody")
	// Free the packet: it holds the socket, and the socket holds the namespace. Do not
	// delete the device, which would make sockets look up routes and queues again.
	done = sync.OnceFunc(func() { t.Must(c.DeleteNeighbour(dev, absent), "give the neighbour up") })
	t.Cleanup(done)
	return done
}

// pinned is a connected UDP socket. The program returned 2 for its first packet and
// returns 1 now.
type pinned struct {
	*probe
	c *counter
	// idle completes the packets of the socket that are in flight.
	idle func()
}

func (e hookTests) pinnedSocket(t *check.T) pinned {
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	fd, send := connectedUDP(t, peerAddr)
	p := pinned{newProbe(t, n, send), counting(t, 2), busyWith(t, fd)}
	attach(t, n, p.c.prog)
	p.expect("that a socket sends first", 2)
	check.Equal(t, "runs of the program for the first packet of a socket", 1, p.c.runs(t))
	p.c.set(t, 1)
	return p
}

func (e hookTests) cacheStopsReruns(t *check.T) {
	setReselection(t, 0)
	p := e.pinnedSocket(t)
	const packets = 20
	for range packets {
		p.expect("of a socket that has a queue", 2)
	}
	check.Equal(t, fmt.Sprintf("runs of the program for %d packets more", packets), 0, p.c.runs(t))
	another := *p.probe
	_, another.send = connectedUDP(t, peerAddr)
	another.expect("of another socket", 1)
	check.Equal(t, "runs of the program for another socket", 1, p.c.runs(t))
}

// connectedUDPStays checks that a socket keeps its queue. On Linux 6.12 it always does. On
// later kernels it does while the socket has packets in flight and reselection is off. The
// socket changes its queue only if the queue is no longer in use.
func (e hookTests) connectedUDPStays(t *check.T) {
	const later = 200 * time.Millisecond
	pair := e.veth(t, 4, 4)
	pair.near.fallBack(t, 0)
	fd, send := connectedUDP(t, peerAddr)
	idle := func() {}
	if setReselection(t, 0) {
		t.Notef("with txq_reselection_ms 0, and with a packet of the socket in flight")
		idle = busyWith(t, fd)
	} else {
		t.Notef("this kernel has no txq_reselection_ms: a queue never expires while packets are in flight")
	}
	c := counting(t, 3)
	attach(t, pair.near, c.prog)
	p := newProbe(t, pair.near, send)
	p.expect("that a socket sends first", 3)
	c.set(t, 1)
	time.Sleep(later)
	p.expect(fmt.Sprintf("of the socket %v later", later), 3)
	detach(t, pair.near)
	p.expect("of the socket after the program is gone", 3)
	attach(t, pair.near, c.prog)
	check.Equal(t, "runs of the program meanwhile", 0, c.runs(t))
	pair.near.setQueues(t, 4, 3)
	p.expect("of the socket after its queue is out of use", 1)
	check.Equal(t, "runs of the program after the queue is out of use", 1, c.runs(t))
	idle()
}

// reselection differs between kernels by design. Its note in the results says which
// behaviour was tested.
func (e hookTests) reselection(t *check.T) {
	const short = 50 * time.Millisecond
	if !setReselection(t, short) {
		t.Notef("this kernel has no txq_reselection_ms: checks only that a queue never expires, and that idle UDP keeps its queue")
		p := e.pinnedSocket(t)
		time.Sleep(3 * short)
		p.expect("of a socket on a kernel without txq_reselection_ms", 2)
		p.idle()
		p.expect("of an idle socket on a kernel without txq_reselection_ms", 2)
		check.Equal(t, "runs of the program", 0, p.c.runs(t))
		return
	}
	t.Notef("with txq_reselection_ms %d, then 0, then with no packet in flight", short.Milliseconds())
	p := e.pinnedSocket(t)
	time.Sleep(3 * short)
	p.expect("of a socket whose queue expired", 1)
	check.Equal(t, "runs of the program after the queue expired", 1, p.c.runs(t))
	setReselection(t, 0)
	p.c.set(t, 3)
	time.Sleep(3 * short)
	p.expect("of a socket whose queue does not expire", 1)
	check.Equal(t, "runs of the program though the queue does not expire", 0, p.c.runs(t))
	p.idle()
	p.expect("of a socket that has no packet in flight", 3)
	check.Equal(t, "runs of the program for a socket that has no packet in flight", 1, p.c.runs(t))
}

// idleTCPMoves uses a connection without unacknowledged data. There, no packet can be
// reordered, and the kernel may change the queue.
func (e hookTests) idleTCPMoves(t *check.T) {
	f := e.rxqFlow(t)
	f.nic.setXPS(t, "xps_rxqs", "0", "0", "0", "0")
	setReselection(t, 0)
	c := counting(t, 0)
	attach(t, f.nic, c.prog)
	for _, q := range []int{3, 1, 2, 0} {
		c.set(t, int32(q))
		f.expect(fmt.Sprintf("of an idle connection with a program that returns %d", q), q)
		if c.runs(t) == 0 {
			t.Errorf("runs of the program for a segment of an idle connection\n  expected: at least 1\n  seen:     0")
		}
	}
}
