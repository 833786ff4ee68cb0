// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// The addresses of a measured device.
var (
	localAddr = netip.MustParsePrefix("169.254.254.2/24")
	peerAddr  = netip.MustParseAddr("169.254.254.1")
)

// peerMAC is the destination of all packets.
var peerMAC = net.HardwareAddr{2, 0, 0, 0, 0xfe, 1}

// device is a device that sends the packets.
type device struct {
	conn   *rtnl.Conn
	name   string
	index  int
	queues int
	// taps are the files of a tap's queues.
	taps []*os.File
	// far is the network namespace of the other end of a veth pair.
	far *os.File
}

// dummy creates a device that drops all packets.
func dummy(conn *rtnl.Conn, name string, queues int) (*device, error) {
	if err := conn.Add(rtnl.Link{Name: name, Kind: "dummy", TxQueues: queues, RxQueues: queues}); err != nil {
		return nil, err
	}
	return adopt(conn, name, queues)
}

// adopt looks up a device, brings it up and gives it an address.
func adopt(conn *rtnl.Conn, name string, queues int) (*device, error) {
	index, err := conn.Index(name)
	if err != nil {
		return nil, err
	}
	d := &device{conn: conn, name: name, index: index, queues: queues}
	if err := conn.SetUp(d.index, true); err != nil {
		return nil, err
	}
	if err := conn.AddAddress(d.index, localAddr); err != nil {
		return nil, err
	}
	return d, conn.AddNeighbour(d.index, peerAddr, peerMAC)
}

// tap creates a tap and keeps the files of its queues. [device.drain] reads them; nothing
// replies.
func tap(conn *rtnl.Conn, name string, queues int) (_ *device, err error) {
	var files []*os.File
	defer func() {
		if err != nil {
			for _, f := range files {
				f.Close()
			}
		}
	}()
	for range queues {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, fmt.Errorf("open /dev/net/tun: %w", err)
		}
		files = append(files, os.NewFile(uintptr(fd), "tap"))
		ifr, err := unix.NewIfreq(name)
		if err != nil {
			return nil, fmt.Errorf("tap %s: %w", name, err)
		}
		ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_MULTI_QUEUE)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
			return nil, fmt.Errorf("tap %s: TUNSETIFF: %w", name, err)
		}
	}
	d, err := adopt(conn, name, queues)
	if err != nil {
		return nil, err
	}
	d.taps = files
	return d, nil
}

// setSteering sets a tap's own steering program, as the holder of its queues can do.
func (d *device) setSteering(fd int) error {
	arg := int32(fd)
	// NB: do not use Fd, which would make the file blocking.
	raw, err := d.taps[0].SyscallConn()
	if err != nil {
		return fmt.Errorf("TUNSETSTEERINGEBPF: %w", err)
	}
	var errno unix.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, unix.TUNSETSTEERINGEBPF, uintptr(unsafe.Pointer(&arg)))
	})
	if err == nil && errno != 0 {
		err = errno
	}
	if err != nil {
		return fmt.Errorf("TUNSETSTEERINGEBPF: %w", err)
	}
	return nil
}

// drain empties the queues of a tap, so that a round never finds one full.
func (d *device) drain() error {
	buf := make([]byte, 2048)
	for q, f := range d.taps {
		raw, err := f.SyscallConn()
		if err != nil {
			return fmt.Errorf("drain queue %d: %w", q, err)
		}
		var rerr error
		err = raw.Control(func(fd uintptr) {
			for rerr == nil {
				_, rerr = unix.Read(int(fd), buf)
			}
		})
		if err == nil && !errors.Is(rerr, unix.EAGAIN) {
			err = rerr
		}
		if err != nil {
			return fmt.Errorf("drain queue %d: %w", q, err)
		}
	}
	return nil
}

// setMasks writes a mask to the given file of each transmit queue.
func (d *device) setMasks(file string, mask func(queue int) uint64) error {
	for q := range d.queues {
		path := filepath.Join("/sys/class/net", d.name, "queues", "tx-"+strconv.Itoa(q), file)
		if err := os.WriteFile(path, strconv.AppendUint(nil, mask(q), 16), 0); err != nil {
			return fmt.Errorf("set %s of queue %d: %w", file, q, err)
		}
	}
	return nil
}

// remove deletes the device with all that is attached to it.
func (d *device) remove() error {
	var err error
	if d.taps == nil {
		err = d.conn.Delete(d.index)
	}
	for _, f := range d.taps {
		err = errors.Join(err, f.Close())
	}
	if d.far != nil {
		err = errors.Join(err, d.far.Close())
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", d.name, err)
	}
	return nil
}

// watchers are packet sockets in a fanout group. Each receives the packets of one
// transmit queue.
type watchers []int

// watch opens more sockets than there are queues, so that a queue out of range does not
// look like one in range.
func (d *device) watch() (_ watchers, err error) {
	var w watchers
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for range d.queues + 1 {
		s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return w, fmt.Errorf("watch %s: %w", d.name, err)
		}
		w = append(w, s)
		if err := unix.Bind(s, &unix.SockaddrLinklayer{Protocol: swap(unix.ETH_P_ALL), Ifindex: d.index}); err != nil {
			return w, fmt.Errorf("watch %s: %w", d.name, err)
		}
		if err := unix.SetsockoptInt(s, unix.SOL_PACKET, unix.PACKET_FANOUT, d.index&0xffff|uapi.PACKET_FANOUT_QM<<16); err != nil {
			return w, fmt.Errorf("watch %s: PACKET_FANOUT_QM: %w", d.name, err)
		}
	}
	return w, nil
}

func (w watchers) close() {
	for _, s := range w {
		unix.Close(s)
	}
}

// queues returns the queues that packets used since the last call.
func (w watchers) queues() ([]int, error) {
	var seen []int
	buf := make([]byte, 2048)
	for q, s := range w {
		for {
			_, from, err := unix.Recvfrom(s, buf, unix.MSG_DONTWAIT)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("receive from a packet socket: %w", err)
			}
			ll, ok := from.(*unix.SockaddrLinklayer)
			if ok && ll.Pkttype == unix.PACKET_OUTGOING && !slices.Contains(seen, q) {
				seen = append(seen, q)
			}
		}
	}
	return seen, nil
}

// swap converts a protocol number to network byte order.
func swap(v uint16) uint16 { return v<<8 | v>>8 }
