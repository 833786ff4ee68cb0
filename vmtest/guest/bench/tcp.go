// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/eintr"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// ownNetNS is the network namespace of the calling thread.
const ownNetNS = "/proc/thread-self/ns/net"

// veth creates a pair. Its other end has peerAddr, in a new network namespace.
func veth(conn *rtnl.Conn, name string, queues int) (_ *device, err error) {
	const far = "far0"
	link := rtnl.Link{Name: name, Kind: "veth", TxQueues: queues, RxQueues: queues}
	link.Peer = &rtnl.Link{Name: far, TxQueues: queues, RxQueues: queues}
	if err := conn.Add(link); err != nil {
		return nil, err
	}
	d, err := adopt(conn, name, queues)
	if err != nil {
		return nil, err
	}
	if d.far, err = newNetNS(); err != nil {
		return nil, err
	}
	other, err := conn.Index(far)
	if err != nil {
		return nil, err
	}
	if err := conn.Move(other, int(d.far.Fd())); err != nil {
		return nil, err
	}
	near, err := conn.Get(d.index)
	if err != nil {
		return nil, err
	}
	var farMAC []byte
	err = d.there(func() error {
		c, err := rtnl.Dial()
		if err != nil {
			return err
		}
		defer c.Close()
		index, err := c.Index(far)
		if err != nil {
			return err
		}
		info, err := c.Get(index)
		if err != nil {
			return err
		}
		farMAC = info.MAC
		return errors.Join(
			c.SetUp(index, true),
			c.AddAddress(index, netip.PrefixFrom(peerAddr, localAddr.Bits())),
			c.AddNeighbour(index, localAddr.Addr(), near.MAC))
	})
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", far, err)
	}
	return d, conn.AddNeighbour(d.index, peerAddr, farMAC)
}

// newNetNS creates a network namespace without entering it. The namespace lives as long
// as the file is open.
func newNetNS() (_ *os.File, err error) {
	home, err := os.Open(ownNetNS)
	if err != nil {
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	ns, err := os.Open(ownNetNS)
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil || back != nil {
		return nil, fmt.Errorf("network namespace: %w", errors.Join(err, back))
	}
	return ns, nil
}

// there runs f in the network namespace of the far end. The caller has locked the thread.
func (d *device) there(f func() error) error {
	home, err := os.Open(ownNetNS)
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	defer home.Close()
	if err := unix.Setns(int(d.far.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	ferr := f()
	return errors.Join(ferr, unix.Setns(int(home.Fd()), unix.CLONE_NEWNET))
}

// stream is a TCP connection with both ends in this process. A round writes a few bytes
// to one end and reads them from the other, many times. The acknowledgements leave by the
// other device. They count as packets of the round.
type stream struct {
	near, far int
	out, in   []byte
	packets   int
}

const exchanges = 128

func openTCP(d *device) (_ sender, err error) {
	s := &stream{near: -1, far: -1, out: make([]byte, 64), in: make([]byte, 64)}
	listener := -1
	defer func() {
		if listener >= 0 {
			unix.Close(listener)
		}
		if err != nil {
			s.close()
		}
	}()
	const port = 5001
	socket := func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) }
	err = d.there(func() error {
		if listener, err = socket(); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		if err := unix.Bind(listener, &unix.SockaddrInet4{Port: port}); err != nil {
			return err
		}
		return unix.Listen(listener, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if s.near, err = socket(); err != nil {
		return nil, fmt.Errorf("create TCP socket: %w", err)
	}
	if err := unix.SetsockoptInt(s.near, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return nil, fmt.Errorf("set TCP_NODELAY: %w", err)
	}
	// A lost segment must not hang the benchmark.
	patience := unix.Timeval{Sec: 10}
	if err := unix.SetsockoptTimeval(s.near, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience); err != nil {
		return nil, fmt.Errorf("set SO_SNDTIMEO: %w", err)
	}
	if err := eintr.Connect(s.near, &unix.SockaddrInet4{Port: port, Addr: peerAddr.As4()}); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := eintr.Retry(func() (err error) {
		s.far, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
		return err
	}); err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	if err := unix.SetsockoptTimeval(s.far, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return nil, fmt.Errorf("set SO_RCVTIMEO: %w", err)
	}
	return s, s.countPackets(d)
}

// countPackets finds out how many packets a round has. It skips the first round, in which
// TCP acknowledges more often.
func (s *stream) countPackets(d *device) error {
	if err := s.send(); err != nil {
		return err
	}
	before, err := d.packets()
	if err != nil {
		return err
	}
	if err := s.send(); err != nil {
		return err
	}
	after, err := d.packets()
	if err != nil {
		return err
	}
	if s.packets = after - before; s.packets < exchanges {
		return fmt.Errorf("%d packets for %d exchanges", s.packets, exchanges)
	}
	return nil
}

// packets returns how many packets the device has sent and received.
func (d *device) packets() (sum int, err error) {
	for _, file := range []string{"tx_packets", "rx_packets"} {
		text, err := os.ReadFile(filepath.Join("/sys/class/net", d.name, "statistics", file))
		if err != nil {
			return 0, fmt.Errorf("count packets: %w", err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return 0, fmt.Errorf("count packets: %s: %w", file, err)
		}
		sum += n
	}
	return sum, nil
}

func (s *stream) send() error {
	for range exchanges {
		if n, err := unix.Write(s.near, s.out); err != nil || n != len(s.out) {
			return fmt.Errorf("write to TCP: %d of %d bytes: %w", n, len(s.out), err)
		}
		if n, err := unix.Read(s.far, s.in); err != nil || n != len(s.in) {
			return fmt.Errorf("read from TCP: %d of %d bytes: %w", n, len(s.in), err)
		}
	}
	return nil
}

func (s *stream) ops() int { return s.packets }

func (s *stream) close() {
	for _, fd := range []int{s.near, s.far} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
