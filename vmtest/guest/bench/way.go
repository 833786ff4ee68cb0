// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sender sends a round of packets by one path through the kernel.
type sender interface {
	// send sends one round. The first round warms the caches and does not count.
	send() error
	// ops is the number of packets in a round.
	ops() int
	close()
}

// counter is a sender that counts by itself. It knows the cost of its last round, and
// whether an interrupt hit it, better than a clock around send.
type counter interface {
	last() (perOp float64, interrupted bool)
}

// chooser is a sender whose packets do not leave the device. It knows the queue selected
// for the last one.
type chooser interface{ queue() int }

// way opens senders for a device.
type way struct {
	name string
	// leaves says that packets leave the device, so that watchers see them.
	leaves bool
	// below says that the path begins after the tc hooks.
	below bool
	open  func(*device) (sender, error)
	// onVeth says to measure on a veth instead of a dummy. onTap says that the path
	// also works on a tap.
	onVeth, onTap bool
}

// batch is the number of packets per system call, perRound the number of calls per round.
// A round must end well before the next timer tick.
const (
	batch    = 64
	perRound = 8
)

// ways returns the paths, the shortest first.
func ways() []way {
	return []way{
		{name: "pick", below: true, onTap: true, open: openLoop(false, false)},
		{name: "pick-rehash", below: true, onTap: true, open: openLoop(true, false)},
		{name: "xmit", leaves: true, open: openLoop(false, true)},
		{name: "xmit-rehash", leaves: true, open: openLoop(true, true)},
		{name: "pktgen", leaves: true, open: openPktgen},
		{name: "packet", leaves: true, onTap: true, open: openPacket},
		{name: "udp", leaves: true, onTap: true, open: openUDP(false)},
		{name: "udp-connected", leaves: true, open: openUDP(true)},
		{name: "tcp", leaves: true, onVeth: true, open: openTCP},
	}
}

// messages is a socket with a vector of messages for sendmmsg(2).
type messages struct {
	fd  int
	vec [batch]mmsghdr
	// The memory that vec points to.
	iov     unix.Iovec
	payload []byte
	addr    []byte
}

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// fill sets payload and destination of every message. addr is a struct sockaddr; nil
// means the address that the socket is connected to.
func (m *messages) fill(payload, addr []byte) {
	m.payload, m.addr = payload, addr
	m.iov.Base = &m.payload[0]
	m.iov.SetLen(len(m.payload))
	for i := range m.vec {
		h := &m.vec[i].hdr
		h.Iov, h.Iovlen = &m.iov, 1
		if addr != nil {
			h.Name, h.Namelen = &m.addr[0], uint32(len(m.addr))
		}
	}
}

func (m *messages) send() error {
	for range perRound {
		if err := m.sendBatch(); err != nil {
			return err
		}
	}
	return nil
}

func (m *messages) sendBatch() error {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(m.fd), uintptr(unsafe.Pointer(&m.vec[0])), batch, 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("sendmmsg: %w", errno)
	}
	if n != batch {
		return fmt.Errorf("sendmmsg sent %d of %d", n, batch)
	}
	return nil
}

func (m *messages) ops() int { return batch * perRound }

func (m *messages) close() { unix.Close(m.fd) }

// localExperiment is an Ethernet protocol number for private use (IEEE 802).
const localExperiment = 0x88b5

// openPacket sends frames from a packet socket through the qdisc.
func openPacket(d *device) (sender, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	m := &messages{fd: fd}
	const smallest = 60
	frame := make([]byte, smallest)
	copy(frame, peerMAC)
	binary.BigEndian.PutUint16(frame[12:], localExperiment)
	addr := unix.RawSockaddrLinklayer{
		Family: unix.AF_PACKET, Protocol: swap(localExperiment), Ifindex: int32(d.index), Halen: 6,
	}
	copy(addr.Addr[:], peerMAC)
	m.fill(frame, bytesOf(&addr))
	return m, nil
}

// openUDP opens a UDP socket. Only a connected socket caches the queue.
func openUDP(connected bool) func(*device) (sender, error) {
	return func(*device) (sender, error) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("UDP socket: %w", err)
		}
		m := &messages{fd: fd}
		const discard, source = 9, 1024
		addr := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap(discard), Addr: peerAddr.As4()}
		to := bytesOf(&addr)
		// A fixed port keeps the flow's hash the same.
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: source})
		if err == nil && connected {
			to = nil
			err = unix.Connect(fd, &unix.SockaddrInet4{Port: discard, Addr: addr.Addr})
		}
		if err != nil {
			m.close()
			return nil, fmt.Errorf("UDP socket: %w", err)
		}
		m.fill(make([]byte, 64), to)
		return m, nil
	}
}

// bytesOf returns a copy of the memory of a socket address.
func bytesOf[T any](v *T) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))...)
}

// pickFile is the debugfs file of the benchmark's kernel patch.
const pickFile = "/sys/kernel/debug/xps_bench"

// loop makes the kernel select queues, or send packets, in a loop.
type loop struct {
	request string
	// perCall and chosen are the results of the last round.
	perCall float64
	chosen  int
}

// loopRounds is small, so that few rounds have an interrupt.
const loopRounds = 200

// openLoop opens a loop. Its packets have a flow hash already, or none if rehash is true.
// It measures only the queue selection, or all of sending if xmit is true.
func openLoop(rehash, xmit bool) func(*device) (sender, error) {
	number := map[bool]int{true: 1}
	return func(d *device) (sender, error) {
		l := loop{request: fmt.Sprintf("%d %d %d %d", d.index, loopRounds, number[rehash], number[xmit])}
		if xmit {
			return &l, nil
		}
		return &picker{l}, nil
	}
}

func (p *loop) send() error {
	if err := os.WriteFile(pickFile, []byte(p.request), 0); err != nil {
		return fmt.Errorf("measure in the kernel: %w", err)
	}
	text, err := os.ReadFile(pickFile)
	if err != nil {
		return fmt.Errorf("measure in the kernel: %w", err)
	}
	return p.parse(string(text))
}

// parse reads the file's result: CALL EMPTY ROUNDS QUEUE.
func (p *loop) parse(text string) error {
	var call, empty, rounds int64
	if _, err := fmt.Sscan(text, &call, &empty, &rounds, &p.chosen); err != nil {
		return fmt.Errorf("%s says %q: %w", pickFile, text, err)
	}
	if rounds == 0 {
		return fmt.Errorf("%s says %q: no rounds", pickFile, text)
	}
	p.perCall = float64(call-empty) / float64(rounds)
	return nil
}

func (p *loop) ops() int { return loopRounds }
func (p *loop) close()   {}

// last never reports an interrupt, because the kernel disables them in the loop.
func (p *loop) last() (float64, bool) { return p.perCall, false }

// picker is a loop around the queue selection only.
type picker struct{ loop }

func (p *picker) queue() int { return p.chosen }

// pktgen sends with the kernel's packet generator. Its queue_xmit mode goes through the
// qdisc and so selects a queue.
type pktgen struct {
	name    string
	perCall float64
}

const (
	pktgenDir   = "/proc/net/pktgen/"
	pktgenCount = 2000
)

func openPktgen(d *device) (sender, error) {
	for _, step := range []struct{ file, line string }{
		{"kpktgend_0", "rem_device_all"},
		{"kpktgend_0", "add_device " + d.name},
		{d.name, "xmit_mode queue_xmit"},
		{d.name, fmt.Sprintf("count %d", pktgenCount)},
		{d.name, "delay 0"},
		{d.name, "pkt_size 60"},
		{d.name, "dst " + peerAddr.String()},
		{d.name, "dst_mac " + peerMAC.String()},
	} {
		if err := os.WriteFile(pktgenDir+step.file, []byte(step.line), 0); err != nil {
			return nil, fmt.Errorf("pktgen: %s: %w", step.line, err)
		}
	}
	return &pktgen{name: d.name}, nil
}

func (p *pktgen) send() error {
	if err := os.WriteFile(pktgenDir+"pgctrl", []byte("start"), 0); err != nil {
		return fmt.Errorf("pktgen: start: %w", err)
	}
	text, err := os.ReadFile(pktgenDir + p.name)
	if err != nil {
		return fmt.Errorf("pktgen: %w", err)
	}
	return p.parse(string(text))
}

// parse finds the result of the last run in the file:
// Result: OK: 2153(c2153+d0) usec, 2000 (60byte,0frags)
func (p *pktgen) parse(text string) error {
	_, result, found := strings.Cut(text, "Result: OK: ")
	var microseconds, idle, sent int64
	var err error
	if found {
		var whole int64
		_, err = fmt.Sscanf(result, "%d(c%d+d%d) usec, %d", &whole, &microseconds, &idle, &sent)
	}
	if !found || err != nil || sent != pktgenCount {
		return fmt.Errorf("pktgen sent %d of %d: %q", sent, pktgenCount, result)
	}
	p.perCall = float64(microseconds) * 1000 / float64(sent)
	return nil
}

func (p *pktgen) ops() int { return pktgenCount }

// last never reports an interrupt. pktgen cannot tell whether an interrupt hit its thread
// or the wait for its end. The smallest round is one without interrupts.
func (p *pktgen) last() (float64, bool) { return p.perCall, false }

func (p *pktgen) close() {
	// The device is removed with its namespace anyway.
	_ = os.WriteFile(pktgenDir+"kpktgend_0", []byte("rem_device_all"), 0)
}
