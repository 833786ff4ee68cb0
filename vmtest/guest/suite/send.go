// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/pong"
	"xpsgen/vmtest/plan"
)

// A sender sends one packet that carries mark.
type sender func(mark []byte) error

// marker makes marks that do not repeat within a test.
type marker struct {
	next uint32
}

// mark returns bytes that identify a packet.
func (m *marker) mark() []byte {
	m.next++
	return binary.BigEndian.AppendUint32([]byte("xps mark "), m.next)
}

// localExperiment is an Ethernet protocol number for private use (IEEE 802).
const localExperiment = 0x88b5

// icmpSender sends echo requests to dst from a raw socket.
func icmpSender(t *check.T, dst netip.Addr) sender {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	t.Must(err, "raw ICMP socket")
	t.Cleanup(func() { unix.Close(fd) })
	to := &unix.SockaddrInet4{Addr: dst.As4()}
	return func(mark []byte) error {
		return unix.Sendto(fd, pong.EchoRequest(1, 1, mark), 0, to)
	}
}

// udpSender sends datagrams from an unconnected socket, which does not keep a queue
// between packets. With source port 0 the kernel selects one.
func udpSender(t *check.T, dst netip.Addr, source, port int) sender {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "UDP socket")
	t.Cleanup(func() { unix.Close(fd) })
	t.Must(unix.Bind(fd, &unix.SockaddrInet4{Port: source}), "bind UDP socket")
	to := &unix.SockaddrInet4{Addr: dst.As4(), Port: port}
	return func(mark []byte) error { return unix.Sendto(fd, mark, 0, to) }
}

// frameSender sends Ethernet frames on a device from a packet socket. If bypass is set
// they bypass the qdisc.
func frameSender(t *check.T, n *nic, bypass bool) sender {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "packet socket")
	t.Cleanup(func() { unix.Close(fd) })
	if bypass {
		t.Must(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1), "PACKET_QDISC_BYPASS")
	}
	to := &unix.SockaddrLinklayer{Protocol: bigEndian16(localExperiment), Ifindex: n.index, Halen: 6}
	for i := range 6 {
		to.Addr[i] = 0xff
	}
	return func(mark []byte) error {
		const smallest = 60
		frame := make([]byte, smallest)
		copy(frame, to.Addr[:6])
		copy(frame[6:], []byte{2, 0, 0, 0, 0, 0xfe})
		binary.BigEndian.PutUint16(frame[12:], localExperiment)
		copy(frame[14:], mark)
		return unix.Sendto(fd, frame, 0, to)
	}
}

// cpus is the number of CPUs that the guest must have.
const cpus = plan.CPUs

// needCPUs ends the test unless the guest has enough CPUs.
func needCPUs(t *check.T) {
	online, err := os.ReadFile("/sys/devices/system/cpu/online")
	t.Must(err, "read online cpus")
	if got := strings.TrimSpace(string(online)); got == "0" {
		t.Fatalf("the guest has one CPU only, this test needs %d: boot it with more", cpus)
	}
}

// onCPU runs f with the thread of the test bound to one cpu.
func onCPU(t *check.T, cpu int, f func()) {
	var before, one unix.CPUSet
	t.Must(unix.SchedGetaffinity(0, &before), "get cpu affinity")
	needCPUs(t)
	one.Set(cpu)
	t.Must(unix.SchedSetaffinity(0, &one), fmt.Sprintf("bind to cpu %d", cpu))
	defer unix.SchedSetaffinity(0, &before)
	f()
}

// probe combines the observer of a device with a sender. It shows by which queue a
// packet leaves.
type probe struct {
	t      *check.T
	watch  *fanout
	send   sender
	marker marker
}

// newProbe opens more packet sockets than the device has queues in use. A queue out of
// range then has its own socket.
func newProbe(t *check.T, n *nic, send sender) *probe {
	const spare = 8
	return &probe{t: t, watch: watch(t, n.index, n.queues+spare), send: send}
}

// queue sends one packet and returns the queue that it left by.
func (p *probe) queue() int {
	mark := p.marker.mark()
	p.t.Must(p.send(mark), "send")
	return p.watch.mappings(p.t, mark, true, 1)[0]
}

// queueOn is queue for a packet sent from a given CPU.
func (p *probe) queueOn(cpu int) int {
	queue := -1
	onCPU(p.t, cpu, func() { queue = p.queue() })
	return queue
}

// expect fails the test unless a packet leaves by queue want.
func (p *probe) expect(what string, want int) {
	check.Equal(p.t, "queue of a packet "+what, want, p.queue())
}

// expectOn is expect for a packet sent from a given CPU.
func (p *probe) expectOn(cpu int, what string, want int) {
	check.Equal(p.t, fmt.Sprintf("queue of a packet sent on cpu %d %s", cpu, what), want, p.queueOn(cpu))
}
