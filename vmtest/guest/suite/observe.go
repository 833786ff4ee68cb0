// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// fanout observes a device with a group of packet sockets. The kernel distributes the
// packets by queue mapping (PACKET_FANOUT_QM). A packet of queue q arrives at socket q, if
// there are enough sockets. A veth keeps the mapping, so this also holds at its far end.
type fanout struct {
	socks []int
}

// sighting is a packet seen by a fanout.
type sighting struct {
	// mapping is the index of the socket that received it.
	mapping int
	// outgoing says that the device sent it.
	outgoing bool
	frame    []byte
}

// watch opens a fanout with this many sockets on a device in the network namespace of
// the thread. Use more sockets than the device has queues, to recognise a queue out of
// range.
func watch(t *check.T, ifindex, sockets int) *fanout {
	f := &fanout{}
	t.Cleanup(f.close)
	for range sockets {
		s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		t.Must(err, "packet socket")
		f.socks = append(f.socks, s)
		addr := &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_ALL), Ifindex: ifindex}
		t.Must(unix.Bind(s, addr), "bind packet socket")
		// Group ids are per network namespace; a device has one watcher.
		group := ifindex&0xffff | unix.PACKET_FANOUT_QM<<16
		t.Must(unix.SetsockoptInt(s, unix.SOL_PACKET, unix.PACKET_FANOUT, group), "join PACKET_FANOUT_QM")
	}
	return f
}

// close closes the sockets. After that another fanout can watch the device.
func (f *fanout) close() {
	for _, s := range f.socks {
		unix.Close(s)
	}
	f.socks = nil
}

// drain returns the packets that have arrived. It does not wait.
func (f *fanout) drain(t *check.T) []sighting {
	var seen []sighting
	buf := make([]byte, 2048)
	for i, s := range f.socks {
		for {
			n, from, err := unix.Recvfrom(s, buf, unix.MSG_DONTWAIT)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			t.Must(err, "receive from packet socket")
			ll, ok := from.(*unix.SockaddrLinklayer)
			seen = append(seen, sighting{
				mapping:  i,
				outgoing: ok && ll.Pkttype == unix.PACKET_OUTGOING,
				frame:    bytes.Clone(buf[:n]),
			})
		}
	}
	return seen
}

// mappings waits until want packets that contain mark were seen in the given
// direction, and returns their queue mappings in the order of the sockets.
func (f *fanout) mappings(t *check.T, mark []byte, outgoing bool, want int) []int {
	var got []int
	t.Poll(time.Second, func() bool {
		for _, s := range f.drain(t) {
			if s.outgoing == outgoing && bytes.Contains(s.frame, mark) {
				got = append(got, s.mapping)
			}
		}
		return len(got) >= want
	})
	if len(got) != want {
		t.Fatalf("packets seen with PACKET_FANOUT_QM\n  expected: %d\n  seen:     %d (queues %v)", want, len(got), got)
	}
	return got
}

// first waits for a sent packet that contains mark, and returns its queue mapping. It
// accepts copies, since TCP may retransmit a segment.
func (f *fanout) first(t *check.T, mark []byte) int {
	queue := -1
	t.Eventually(time.Second, "packet seen with PACKET_FANOUT_QM", func() bool {
		for _, s := range f.drain(t) {
			if queue < 0 && s.outgoing && bytes.Contains(s.frame, mark) {
				queue = s.mapping
			}
		}
		return queue >= 0
	})
	return queue
}

// bigEndian16 converts a number to network byte order.
func bigEndian16(v uint16) uint16 { return v<<8 | v>>8 }
