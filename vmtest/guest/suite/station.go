// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/pong"
)

// ioPatience limits the time of an answer between two devices of the guest.
const ioPatience = 2 * time.Second

// station is the set-up of the RFC's demonstration: a device with two transmit queues
// and xps_cpus 1 and 2, and a host to ping at its other end. It also has observers of the
// queue of a ping.
type station struct {
	t     *check.T
	nic   *nic
	watch *fanout
	// wire returns the queue on which the peer received the frame with mark. It is
	// nil if the device has no peer.
	wire func(mark []byte) int
	// ordinary returns the queue that a CPU uses without a program.
	ordinary func(cpu int) int
	// echoes says that pings are answered.
	echoes bool

	fd     int
	trace  *tracePipe
	marker marker
}

// stationQueues is the number of queues of each device of a demonstration.
const stationQueues = 2

// byCPU is the queue by the RFC's xps_cpus: mask 1 for queue 0, mask 2 for queue 1.
func byCPU(cpu int) int { return cpu }

// tapStation is the set-up of the RFC: tap0, with a responder. The RFC removed
// ndo_select_queue from the tun driver. With all patches of the series, the driver runs the
// program, then uses xps_cpus, and then its flow table. All replies come in by one queue, to
// distinguish the flow table from xps_cpus.
func (e lab) tapStation(t *check.T) *station {
	tap, n := e.tap(t)
	s := &station{t: t, nic: n, echoes: true, ordinary: byCPU}
	s.wire = func(mark []byte) int { return tapQueue(t, tap, mark) }
	s.open()
	// Resolve the address before observers start, since an ARP request is a packet as
	// well.
	tap.ReplyOn(1)
	s.ping()
	return s
}

// tapQueue waits for the frame with mark and returns the queue of its file descriptor.
func tapQueue(t *check.T, tap *pong.Tap, mark []byte) int {
	queue := -1
	t.Eventually(ioPatience, "frame at a queue of "+tap.Name, func() bool {
		for _, f := range tap.Drain() {
			if bytes.Contains(f.Data, mark) {
				queue = f.Queue
			}
		}
		return queue >= 0
	})
	return queue
}

// vethStation is a veth pair. The kernel answers in the namespace of the far end. A
// packet keeps its queue mapping across the pair, so a fanout there is a second
// observer.
func (e lab) vethStation(t *check.T) *station {
	p := e.veth(t, stationQueues, stationQueues)
	var far *fanout
	p.ns.do(t, func() { far = watch(t, p.far.index, stationQueues+1) })
	s := &station{t: t, nic: p.near, echoes: true, ordinary: byCPU}
	s.wire = func(mark []byte) int { return far.mappings(t, mark, false, 1)[0] }
	s.open()
	return s
}

// dummyStation is a dummy device, which has no other end.
func (e lab) dummyStation(t *check.T) *station {
	s := &station{t: t, nic: e.dummy(t, "dummy0", stationQueues), ordinary: byCPU}
	s.open()
	return s
}

// open prepares the parts that all stations have. It names the thread ping.
func (s *station) open() {
	t := s.t
	needCPUs(t)
	s.nic.setXPS(t, "xps_cpus", "1", "2")
	s.listen()
	name := [...]byte{'p', 'i', 'n', 'g', 0}
	t.Must(unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name)), 0, 0, 0), "name the thread")
	s.trace = openTrace(t)
}

// listen opens the sockets that send pings and observe them.
func (s *station) listen() {
	t := s.t
	s.watch = watch(t, s.nic.index, stationQueues+8)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	t.Must(err, "raw ICMP socket")
	t.Cleanup(func() { unix.Close(fd) })
	patience := unix.NsecToTimeval(t.Scaled(ioPatience).Nanoseconds())
	t.Must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience), "SO_RCVTIMEO")
	s.fd = fd
}

// ping sends an echo request like ping(8), waits for the reply if echoes is set, and
// returns the mark in the request.
func (s *station) ping() []byte {
	const payload = 56
	mark := s.marker.mark()
	id, seq := uint16(0x5053), uint16(s.marker.next)
	body := make([]byte, payload)
	copy(body, mark)
	err := unix.Sendto(s.fd, pong.EchoRequest(id, seq, body), 0, &unix.SockaddrInet4{Addr: peerAddr.As4()})
	s.t.Must(err, "ping")
	for s.echoes {
		buf := make([]byte, 2048)
		n, _, err := unix.Recvfrom(s.fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		s.t.Must(err, fmt.Sprintf("ping: reply from %v", peerAddr))
		e, ok := pong.ParseEchoPacket(buf[:n])
		if ok && !e.Request && e.ID == id && e.Seq == seq && e.Src == peerAddr && bytes.Equal(e.Payload, body) {
			break
		}
	}
	return mark
}

// pinged has the RFC's output for a ping from each CPU.
type pinged struct {
	// fanout and wire are the queues by CPU. wire is -1 without another end.
	fanout, wire [cpus]int
	// trace is the output of the pings in trace_pipe.
	trace string
}

// pings sends one ping from each CPU.
func (s *station) pings() pinged {
	var p pinged
	s.trace.drain(s.t)
	for cpu := range cpus {
		var mark []byte
		onCPU(s.t, cpu, func() { mark = s.ping() })
		p.fanout[cpu] = s.watch.mappings(s.t, mark, true, 1)[0]
		p.wire[cpu] = -1
		if s.wire != nil {
			p.wire[cpu] = s.wire(mark)
		}
	}
	for _, l := range s.trace.drain(s.t) {
		p.trace += l.String() + "\n"
	}
	return p
}

// expect pings from each CPU. It fails the test unless queues and trace are as in the RFC
// for a program that returns ret. A nil ret means no program.
func (s *station) expect(what string, ret *int) {
	var want pinged
	for cpu := range cpus {
		queue := s.ordinary(cpu)
		if ret != nil {
			want.trace += traceLine{comm: "ping", cpu: cpu, text: fmt.Sprintf("xps (RET %d): Hello, World!", *ret)}.String() + "\n"
			if *ret >= 0 {
				queue = *ret % stationQueues
			}
		}
		want.fanout[cpu], want.wire[cpu] = queue, queue
		if s.wire == nil {
			want.wire[cpu] = -1
		}
	}
	got := s.pings()
	check.Equal(s.t, what+": queue seen with PACKET_FANOUT_QM, by cpu", want.fanout, got.fanout)
	check.Equal(s.t, what+": queue seen at the other end, by cpu", want.wire, got.wire)
	check.Equal(s.t, what+": trace_pipe", want.trace, got.trace)
}
