// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/eintr"
	"xpsgen/vmtest/guest/suite/check"
)

// rxqFlow is a TCP connection across a veth pair. xps_rxqs of the near end makes its
// packets leave by rxqFlowQueue.
type rxqFlow struct {
	t      *check.T
	nic    *nic
	watch  *fanout
	fd     int
	marker marker
}

// rxqFlowQueue is the queue that xps_rxqs picks for an [rxqFlow].
const rxqFlowQueue = 2

// rxqFlow accepts a connection on the near end of a veth pair. xps_cpus of the far end
// makes its packets leave by queue 2. A veth keeps the queue mapping. For a received
// packet mapping 2 means receive queue 1, because 0 means none. xps_rxqs of the near
// end maps that to rxqFlowQueue.
func (e lab) rxqFlow(t *check.T) *rxqFlow {
	const queues, port = 4, 7000
	pair := e.veth(t, queues, queues)
	pair.near.setXPS(t, "xps_rxqs", "0", "0", "2", "0")
	pair.far.setXPS(t, "xps_cpus", "0", "0", "3", "0")
	listener := tcpSocket(t)
	t.Must(unix.Bind(listener, &unix.SockaddrInet4{Addr: localAddr.Addr().As4(), Port: port}), "bind")
	t.Must(unix.Listen(listener, 1), "listen")
	var client int
	pair.ns.do(t, func() { client = tcpSocket(t) })
	t.Must(eintr.Connect(client, &unix.SockaddrInet4{Addr: localAddr.Addr().As4(), Port: port}), "connect")
	var fd int
	t.Must(eintr.Retry(func() (err error) {
		fd, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
		return err
	}), "accept")
	t.Cleanup(func() { unix.Close(fd) })
	return &rxqFlow{t: t, nic: pair.near, fd: fd, watch: watch(t, pair.near.index, queues+1)}
}

// tcpSocket opens a TCP socket with timeouts.
func tcpSocket(t *check.T) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "TCP socket")
	t.Cleanup(func() { unix.Close(fd) })
	patience := unix.NsecToTimeval(t.Scaled(ioPatience).Nanoseconds())
	t.Must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience), "SO_RCVTIMEO")
	t.Must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience), "SO_SNDTIMEO")
	return fd
}

// expect sends a segment on the idle connection, which makes the kernel select the
// queue again. It fails the test unless the segment leaves by queue want.
func (f *rxqFlow) expect(what string, want int) {
	f.idle()
	mark := f.marker.mark()
	f.t.Must(eintr.Retry(func() error {
		_, err := unix.Write(f.fd, mark)
		return err
	}), "send")
	check.Equal(f.t, "queue of a TCP segment "+what, want, f.watch.first(f.t, mark))
}

// idle waits until the peer has acknowledged all data.
func (f *rxqFlow) idle() {
	f.t.Eventually(ioPatience, "acknowledgement of what was sent", func() bool {
		n, err := unix.IoctlGetInt(f.fd, unix.TIOCOUTQ)
		f.t.Must(err, "SIOCOUTQ")
		return n == 0
	})
}
