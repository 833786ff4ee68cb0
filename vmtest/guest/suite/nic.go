// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// Addresses of the suite's devices. They are the addresses of the RFC.
var (
	localAddr = netip.MustParsePrefix("169.254.254.2/24")
	peerAddr  = netip.MustParseAddr("169.254.254.1")
)

// nic is a network device of a test, up and with localAddr.
type nic struct {
	name  string
	index int
	// sysfs is where the sysfs of its network namespace is mounted.
	sysfs string
	// queues is the number of transmit queues in use.
	queues int
}

// dial opens a route netlink socket, which is closed at the end of the test.
func dial(t *check.T) *rtnl.Conn {
	c, err := rtnl.Dial()
	t.Must(err, "dial")
	t.Cleanup(func() { c.Close() })
	return c
}

// index looks up a device by name in the namespace of the thread.
func index(t *check.T, name string) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "socket to look up "+name)
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	t.Must(err, "look up "+name)
	t.Must(unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr), "look up "+name)
	return int(ifr.Uint32())
}

// dummy makes a dummy device. The device needs no neighbour, and drops packets after
// packet sockets have seen them.
func (e lab) dummy(t *check.T, name string, queues int) *nic {
	c := dial(t)
	t.Must(c.Add(rtnl.Link{Name: name, Kind: "dummy", TxQueues: queues}), "add")
	n := &nic{name: name, index: index(t, name), sysfs: e.sysfs(), queues: queues}
	n.configure(t, c)
	return n
}

// bond makes a bond without ports.
func (e lab) bond(t *check.T) *nic { return e.master(t, "bond") }

// master makes a bond or a team device without ports.
func (e lab) master(t *check.T, kind string) *nic {
	name := kind + "0"
	if err := dial(t).Add(rtnl.Link{Name: name, Kind: kind}); err != nil {
		t.Fatalf("%v (the kernel needs CONFIG_BONDING and CONFIG_NET_TEAM)", err)
	}
	return &nic{name: name, index: index(t, name), sysfs: e.sysfs()}
}

// configure brings the device up with an address.
func (n *nic) configure(t *check.T, c *rtnl.Conn) {
	t.Must(c.SetUp(n.index, true), "bring up")
	t.Must(c.AddAddress(n.index, localAddr), "address")
}

// pair is a veth pair across two network namespaces.
type pair struct {
	// near is the end in the namespace of the test, far the other.
	near, far *nic
	// ns is where far is.
	ns *netns
}

// veth makes a veth pair with queues queues in each direction. The near end uses used
// of them for transmitting. far has peerAddr and its own namespace. Both ends have
// static neighbour entries.
func (e lab) veth(t *check.T, queues, used int) pair {
	c := dial(t)
	ns := e.newNetNS(t)
	link := rtnl.Link{Name: "veth0", Kind: "veth", TxQueues: queues, RxQueues: queues}
	link.Peer = &rtnl.Link{Name: "veth1", TxQueues: queues, RxQueues: queues}
	t.Must(c.Add(link), "add")
	p := pair{ns: ns}
	p.near = &nic{name: "veth0", index: index(t, "veth0"), sysfs: e.sysfs(), queues: queues}
	p.far = &nic{name: "veth1", sysfs: ns.sysfs, queues: queues}
	if used != queues {
		p.near.setQueues(t, queues, used)
	}
	t.Must(c.Move(index(t, "veth1"), int(ns.file.Fd())), "move peer")
	near, err := c.Get(p.near.index)
	t.Must(err, "get")
	var (
		farMAC []byte
		there  *rtnl.Conn
	)
	ns.do(t, func() {
		c := dial(t)
		there = c
		p.far.index = index(t, "veth1")
		t.Must(c.SetUp(p.far.index, true), "bring peer up")
		t.Must(c.AddAddress(p.far.index, netip.PrefixFrom(peerAddr, localAddr.Bits())), "peer address")
		t.Must(c.AddNeighbour(p.far.index, localAddr.Addr(), near.MAC), "peer's neighbour")
		far, err := c.Get(p.far.index)
		t.Must(err, "get peer")
		farMAC = far.MAC
	})
	p.near.configure(t, c)
	t.Must(c.AddNeighbour(p.near.index, peerAddr, farMAC), "neighbour")
	awaitReady(t, c, p.near.index)
	awaitReady(t, there, p.far.index)
	return p
}

// awaitReady waits until a link that is up can send. The first end of a veth that is up has
// no carrier. When the carrier comes, a kernel thread activates the qdisc. Packets sent
// before that are lost.
func awaitReady(t *check.T, c *rtnl.Conn, ifindex int) {
	t.Eventually(ioPatience, "link becoming ready", func() bool {
		info, err := c.Get(ifindex)
		t.Must(err, "get link")
		return info.Qdisc != "noop"
	})
}

// setQueues sets the number of queues in use in each direction, as `ethtool -L` does.
func (n *nic) setQueues(t *check.T, rx, tx int) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "socket for ethtool")
	defer unix.Close(fd)
	// struct ethtool_channels
	channels := struct {
		cmd                                    uint32
		maxRx, maxTx, maxOther, maxCombined    uint32
		rxCount, txCount, otherCount, combined uint32
	}{cmd: unix.ETHTOOL_SCHANNELS, rxCount: uint32(rx), txCount: uint32(tx)}
	// struct ifreq with a pointer in its union
	ifr := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&channels)}
	copy(ifr.name[:unix.IFNAMSIZ-1], n.name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ifr))); errno != 0 {
		t.Fatalf("set %s to %d rx and %d tx queues: %v", n.name, rx, tx, errno)
	}
	n.queues = tx
}

// queueFile is the path of a file of a transmit queue in sysfs.
func (n *nic) queueFile(queue int, name string) string {
	return filepath.Join(n.sysfs, "class/net", n.name, "queues", "tx-"+strconv.Itoa(queue), name)
}

// setXPS writes masks to xps_cpus or xps_rxqs, one per queue, from queue 0.
func (n *nic) setXPS(t *check.T, file string, masks ...string) {
	needCPUs(t)
	for q, mask := range masks {
		t.Must(os.WriteFile(n.queueFile(q, file), []byte(mask), 0), "set "+file)
	}
}

// fallBack makes all packets leave by one queue unless a program selects another.
// Without it the flow hash selects the queue. The hash differs between boots and
// sometimes selects the queue that the program returns.
func (n *nic) fallBack(t *check.T, queue int) {
	masks := make([]string, n.queues)
	for q := range masks {
		masks[q] = "0"
	}
	masks[queue] = fmt.Sprintf("%x", 1<<cpus-1)
	n.setXPS(t, "xps_cpus", masks...)
}
