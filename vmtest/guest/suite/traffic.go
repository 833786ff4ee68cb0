// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// background runs functions repeatedly during a test until it is stopped. They run on
// other threads, so the test must open sockets and files of its namespaces for them.
type background struct {
	t    *check.T
	stop atomic.Bool
	wait sync.WaitGroup
}

// newBackground returns a background that stops at the end of the test at the latest.
func newBackground(t *check.T) *background {
	b := &background{t: t}
	t.Cleanup(b.end)
	return b
}

// repeat calls f with the number of calls so far, until end is called or f returns
// false. f runs at idle priority. Otherwise each call of the test would wait for the end
// of a time slice.
func (b *background) repeat(f func(i int) bool) {
	b.wait.Go(func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		if err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0); err != nil {
			b.t.Errorf("idle priority: %v", err)
		}
		for i := 0; !b.stop.Load() && b.t.Context().Err() == nil && f(i); i++ {
		}
	})
}

// end stops all functions and waits for them.
func (b *background) end() {
	b.stop.Store(true)
	b.wait.Wait()
}

// stream is a flow of numbered datagrams, which must all arrive. It sends a burst only
// after the previous one was received. No queue overflows, so a missing datagram was
// lost.
type stream struct {
	from, to       int
	sent, received atomic.Int64
}

// burst is the number of packets that a stream sends at once.
const burst = 16

// newStream opens a stream from the near end of a pair to its far end. The socket is
// not connected and selects a queue for every packet.
func newStream(t *check.T, p pair, port int) *stream {
	s := &stream{}
	open := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		t.Must(err, "UDP socket")
		t.Cleanup(func() { unix.Close(fd) })
		patience := unix.NsecToTimeval(t.Scaled(ioPatience).Nanoseconds())
		t.Must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience), "SO_RCVTIMEO")
		return fd
	}
	p.ns.do(t, func() {
		s.to = open()
		t.Must(unix.Bind(s.to, &unix.SockaddrInet4{Port: port}), "bind")
	})
	s.from = open()
	return s
}

// run sends a burst and waits for it. It reports whether all packets arrived.
func (s *stream) run(t *check.T, dst netip.Addr, port int) bool {
	to := &unix.SockaddrInet4{Addr: dst.As4(), Port: port}
	first := uint64(s.sent.Load())
	for i := range uint64(burst) {
		if err := unix.Sendto(s.from, binary.BigEndian.AppendUint64(nil, first+i), 0, to); err != nil {
			t.Errorf("send datagram %d: %v", first+i, err)
			return false
		}
		s.sent.Add(1)
	}
	var seen [burst]bool
	buf := make([]byte, 64)
	for range burst {
		n, _, err := unix.Recvfrom(s.to, buf, 0)
		for errors.Is(err, unix.EINTR) {
			n, _, err = unix.Recvfrom(s.to, buf, 0)
		}
		if err != nil || n != 8 {
			t.Errorf("datagrams of a burst\n  expected: %d\n  seen:     %v: %v", burst, seen, err)
			return false
		}
		if i := binary.BigEndian.Uint64(buf) - first; i < burst && !seen[i] {
			seen[i] = true
			s.received.Add(1)
			continue
		}
		t.Errorf("datagram %d arrived\n  expected: one of %d to %d, each once", binary.BigEndian.Uint64(buf), first, first+burst-1)
		return false
	}
	return true
}

// streams starts this many streams across a pair. finish stops them and returns the
// number of packets that arrived.
func streams(t *check.T, p pair, number int) (finish func() int64) {
	const firstPort = 6000
	b := newBackground(t)
	var all []*stream
	for i := range number {
		s := newStream(t, p, firstPort+i)
		all = append(all, s)
		b.repeat(func(n int) bool { return s.run(t, peerAddr, firstPort+i) && rest(n) })
	}
	return func() (received int64) {
		b.end()
		for _, s := range all {
			received += s.received.Load()
			check.Equal(t, "datagrams that arrived of those sent", s.sent.Load(), s.received.Load())
		}
		if received == 0 {
			t.Errorf("packets meanwhile\n  expected: some\n  seen:     none")
		}
		return received
	}
}

// breathe yields the CPU to the functions in the background.
func breathe() { time.Sleep(100 * time.Microsecond) }

// rest is called by functions in the background with the number of the call. It
// sometimes yields the CPU, so that others make progress on a slow machine.
func rest(i int) bool {
	if i%8 == 7 {
		breathe()
	}
	return true
}
