// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// reselectionFile is the sysctl of the time after which a socket asks for a
// queue again. Linux 6.12 has no such time.
const reselectionFile = "/proc/sys/net/core/txq_reselection_ms"

// setReselection sets that time in the network namespace of the thread, 0 for
// never, and reports whether the kernel has it.
func setReselection(t *check.T, after time.Duration) bool {
	err := os.WriteFile(reselectionFile, []byte(strconv.FormatInt(after.Milliseconds(), 10)), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	t.Must(err, "set txq_reselection_ms")
	return true
}

// connectedUDP sends datagrams from a connected socket, which keeps the queue
// of the first one: always on Linux 6.12, and on later kernels while an earlier
// packet of the socket is on its way.
func connectedUDP(t *check.T, dst netip.Addr) sender {
	send, _ := connectUDP(t, dst)
	return send
}

// busyUDP is connectedUDP with a packet of the socket on its way for as long as
// a test takes.
func (e *env) busyUDP(t *check.T, dst netip.Addr) sender {
	send, fd := connectUDP(t, dst)
	to := &unix.SockaddrInet4{Addr: e.limbo(t).As4(), Port: 9}
	t.Must(unix.Sendto(fd, []byte("waits"), 0, to), "send what stays on its way")
	return send
}

// limbo returns an address at which nothing arrives: for seconds, packets wait
// in the host for a neighbour who does not answer.
func (e *env) limbo(t *check.T) netip.Addr {
	const name = "limbo0"
	net := netip.MustParsePrefix("203.0.113.1/24")
	if _, err := os.Stat(filepath.Join(e.sysfs(), "class/net", name)); err == nil {
		return net.Addr().Next()
	}
	c := dial(t)
	link := rtnl.Link{Name: name, Kind: "veth", Peer: &rtnl.Link{Name: "limbo1"}}
	t.Must(c.Add(link), "add")
	n := index(t, name)
	t.Must(c.SetUp(index(t, "limbo1"), true), "bring up")
	t.Must(c.SetUp(n, true), "bring up")
	t.Must(c.AddAddress(n, net), "address")
	// A device without a carrier soon forgets its neighbours.
	awaitReady(t, c, n)
	return net.Addr().Next()
}

// connectUDP returns a connected socket, too.
func connectUDP(t *check.T, dst netip.Addr) (sender, int) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "UDP socket")
	t.Cleanup(func() { unix.Close(fd) })
	t.Must(unix.Connect(fd, &unix.SockaddrInet4{Addr: dst.As4(), Port: 9}), "connect UDP socket")
	return func(mark []byte) error {
		_, err := unix.Write(fd, mark)
		if errors.Is(err, unix.ECONNREFUSED) {
			// What became of an earlier datagram.
			_, err = unix.Write(fd, mark)
		}
		return err
	}, fd
}

// pinned is a connected UDP socket whose first packet left by queue 2, as a
// program wanted that wants queue 1 now.
type pinned struct {
	*probe
	c *counter
}

func (e *env) pinnedSocket(t *check.T) pinned {
	n := e.dummy(t, "dummy0", 4)
	p := pinned{newProbe(t, n, e.busyUDP(t, peerAddr)), counting(t, 2)}
	attach(t, n, p.c.prog)
	p.expect("that a socket sends first", 2)
	check.Equal(t, "runs of the program for the first packet of a socket", 1, p.c.runs(t))
	p.c.set(t, 1)
	return p
}

func (e *env) cacheStopsReruns(t *check.T) {
	setReselection(t, 0)
	p := e.pinnedSocket(t)
	const packets = 20
	for range packets {
		p.expect("of a socket that has a queue", 2)
	}
	check.Equal(t, fmt.Sprintf("runs of the program for %d packets more", packets), 0, p.c.runs(t))
	another := *p.probe
	another.send = connectedUDP(t, peerAddr)
	another.expect("of another socket", 1)
	check.Equal(t, "runs of the program for another socket", 1, p.c.runs(t))
}

// connectedUDPStays is what Linux 6.12 always does, and later kernels do while
// a packet is on its way and if told that a queue does not get old. Only the device can make the socket
// leave its queue: by not using it any more.
func (e *env) connectedUDPStays(t *check.T) {
	const later = 200 * time.Millisecond
	pair := e.veth(t, 4, 4)
	if setReselection(t, 0) {
		t.Notef("with txq_reselection_ms 0, as by default on kernels without it")
	} else {
		t.Notef("this kernel has no txq_reselection_ms: a queue does not get old")
	}
	c := counting(t, 3)
	attach(t, pair.near, c.prog)
	p := newProbe(t, pair.near, e.busyUDP(t, peerAddr))
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
}

// reselection differs by kernel, by design: it is for whoever reads the
// results to see which of the two was tested.
func (e *env) reselection(t *check.T) {
	const short = 50 * time.Millisecond
	if !setReselection(t, short) {
		t.Notef("this kernel has no txq_reselection_ms: only that a queue does not get old")
		p := e.pinnedSocket(t)
		time.Sleep(3 * short)
		p.expect("of a socket on a kernel without txq_reselection_ms", 2)
		check.Equal(t, "runs of the program", 0, p.c.runs(t))
		return
	}
	t.Notef("with txq_reselection_ms %d, then 0", short.Milliseconds())
	p := e.pinnedSocket(t)
	time.Sleep(3 * short)
	p.expect("of a socket whose queue got old", 1)
	check.Equal(t, "runs of the program after the queue got old", 1, p.c.runs(t))
	setReselection(t, 0)
	p.c.set(t, 3)
	time.Sleep(3 * short)
	p.expect("of a socket whose queue does not get old", 1)
	check.Equal(t, "runs of the program though the queue does not get old", 0, p.c.runs(t))
}

// idleTCPMoves has a connection on which all is acknowledged: nothing of it is
// on the way that could be overtaken.
func (e *env) idleTCPMoves(t *check.T) {
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
