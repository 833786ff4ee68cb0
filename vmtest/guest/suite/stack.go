// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// beyond is a network beyond dummy0, for forwarded packets.
var beyond = netip.MustParsePrefix("198.51.100.0/24")

// forwarded sends from the far end of a veth to beyond. These packets have no socket,
// and have a receive queue that the hash would follow.
func (e hookTests) forwarded(t *check.T) {
	const queues = 4
	pair := e.veth(t, queues, queues)
	t.Must(os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0), "turn forwarding on")
	c := dial(t)
	t.Must(c.Add(rtnl.Link{Name: "dummy0", Kind: "dummy", TxQueues: queues}), "add")
	out := &nic{name: "dummy0", index: index(t, "dummy0"), sysfs: e.sysfs(), queues: queues}
	t.Must(c.SetUp(out.index, true), "bring up")
	t.Must(c.AddAddress(out.index, netip.PrefixFrom(beyond.Addr().Next(), beyond.Bits())), "address")
	var send sender
	target := beyond.Addr().Next().Next()
	pair.ns.do(t, func() {
		t.Must(dial(t).AddRoute(beyond, localAddr.Addr()), "route")
		send = icmpSender(t, target)
	})
	p := newProbe(t, out, send)
	first := p.queue()
	p.expect("forwarded a second time without a program", first)
	count := counting(t, 0)
	attach(t, out, count.prog)
	for _, q := range []int{3, 1, 2, 0} {
		count.set(t, int32(q))
		p.expect(fmt.Sprintf("forwarded with a program that returns %d", q), q)
		check.Equal(t, "runs of the program for one forwarded packet", 1, count.runs(t))
	}
	count.set(t, -1)
	p.expect("forwarded with a program that returns -1", first)
}

// vlan stacks a vlan device on the device with the program. A socket gets its queue from
// the topmost device that has several queues.
func (e hookTests) vlan(t *check.T) {
	const id = 7
	lower := e.dummy(t, "dummy0", 4)
	lower.fallBack(t, 0)
	c := dial(t)
	below := counting(t, 3)
	attach(t, lower, below.prog)
	setReselection(t, 0)
	p := newProbe(t, lower, nil)
	for i, queues := range []int{1, 4} {
		name := fmt.Sprintf("vlan%d", i)
		t.Must(c.Add(rtnl.Link{Name: name, Kind: "vlan", Lower: lower.index, TxQueues: queues,
			Data: func(ae *netlink.AttributeEncoder) { ae.Uint16(uapi.IFLA_VLAN_ID, uint16(id+i)) }}), "add vlan")
		upper := &nic{name: name, index: index(t, name), sysfs: e.sysfs(), queues: queues}
		t.Must(c.SetUp(upper.index, true), "bring up")
		t.Must(c.AddAddress(upper.index, netip.PrefixFrom(beyond.Addr().Next(), beyond.Bits())), "address")
		above := counting(t, 1)
		attach(t, upper, above.prog)
		dst := beyond.Addr().Next().Next()
		t.Must(c.AddNeighbour(upper.index, dst, []byte{2, 0, 0, 0, 0, 9}), "neighbour")
		p.send = frameSender(t, upper, false)
		below.set(t, 3)
		above.set(t, 1)
		p.expect(fmt.Sprintf("of the device below a vlan device of %d queues", queues), 3)
		check.Equal(t, "runs of the program below", 1, below.runs(t))
		check.Equal(t, fmt.Sprintf("runs of the program of the vlan device with %d queues", queues), queues/4, above.runs(t))

		fd, send := connectedUDP(t, dst)
		idle := busyWith(t, fd)
		p.send = send
		want := 3
		if queues > 1 {
			want = 1
		}
		p.expect(fmt.Sprintf("of a connected socket through a vlan device of %d queues", queues), want)
		idle()
		t.Must(c.Delete(index(t, "hold0")), "delete what kept the socket busy")
		t.Must(c.Delete(upper.index), "delete vlan")
	}
}

// trafficClasses gives each half of the queues to one class. If the program falls back,
// a packet stays within its class.
func (e hookTests) trafficClasses(t *check.T) {
	const queues, half = 8, 4
	n := e.dummy(t, "dummy0", queues)
	options := uapi.TcMqprioQopt{NumTc: 2}
	options.PrioTcMap[1] = 1
	options.Count[0], options.Count[1] = half, half
	options.Offset[1] = half
	t.Must(dial(t).SetQdisc(rtnl.Qdisc{Ifindex: n.index, Kind: "mqprio", Handle: 0x10, Options: options}), "traffic classes")
	w := watch(t, n.index, queues+1)
	for class := range 2 {
		p := &probe{t: t, watch: w, send: prioritySender(t, class)}
		p.marker.next = uint32(class) << 16
		within := func(what string) {
			if q := p.queue(); q/half != class {
				t.Errorf("queue of a packet of class %d %s\n  expected: from %d to %d\n  seen:     %d",
					class, what, class*half, class*half+half-1, q)
			}
		}
		within("without a program")
		for _, ret := range []int{0, 3, 4, 7, 8, 13} {
			attach(t, n, constant(t, int32(ret)))
			p.expect(fmt.Sprintf("of class %d with a program that returns %d", class, ret), ret%queues)
		}
		attach(t, n, constant(t, -1))
		within("with a program that returns -1")
		detach(t, n)
	}
}

// prioritySender sends datagrams with a priority from an unconnected socket.
func prioritySender(t *check.T, priority int) sender {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "UDP socket")
	t.Cleanup(func() { unix.Close(fd) })
	t.Must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, priority), "SO_PRIORITY")
	to := &unix.SockaddrInet4{Addr: peerAddr.As4(), Port: 9}
	return func(mark []byte) error { return unix.Sendto(fd, mark, 0, to) }
}

// netpoll sends the kernel log with netconsole, which bypasses the qdisc and packet
// sockets. A tap shows the queue of a packet. For a device whose queue the core
// selects, only the program's counter shows that it ran.
func (e hookTests) netpoll(t *check.T) {
	const queues = 4
	tap, taps := e.tapWith(t, queues)
	dummy := e.dummy(t, "dummy0", queues)
	for _, n := range []*nic{taps, dummy} {
		end := netconsole(t, n)
		c := counting(t, 0)
		attach(t, n, c.prog)
		for _, q := range []int{3, 1, 2, 0} {
			c.set(t, int32(q))
			mark := []byte(fmt.Sprintf("xps mark %s %d.", n.name, q))
			queue := -1
			// netconsole may lose a line of the log.
			t.Eventually(ioPatience, "line of the kernel log sent by "+n.name, func() bool {
				t.Must(os.WriteFile("/dev/kmsg", append([]byte("<1>"), mark...), 0), "write to the kernel log")
				time.Sleep(10 * time.Millisecond)
				for _, f := range tap.Drain() {
					if bytes.Contains(f.Data, mark) {
						queue = f.Queue
					}
				}
				return c.runs(t) > 0 && (n == dummy || queue >= 0)
			})
			if n == taps {
				check.Equal(t, fmt.Sprintf("queue of a netpoll packet with a program that returns %d", q), q, queue)
			}
		}
		end()
	}
}

// netconsole sends the kernel log by a device until end is called.
func netconsole(t *check.T, n *nic) (end func()) {
	const configfs = "/sys/kernel/config"
	if _, err := os.Stat(configfs + "/netconsole"); err != nil {
		err := unix.Mount("configfs", configfs, "configfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		t.Must(err, "mount configfs (the kernel needs CONFIG_NETCONSOLE_DYNAMIC)")
	}
	dir := filepath.Join(configfs, "netconsole", "suite-"+n.name)
	t.Must(os.Mkdir(dir, 0o755), "make a netconsole target")
	set := func(setting string) error {
		name, value, _ := strings.Cut(setting, " ")
		return os.WriteFile(filepath.Join(dir, name), []byte(value), 0)
	}
	end = func() {
		set("enabled 0")
		os.Remove(dir)
	}
	t.Cleanup(end)
	for _, setting := range []string{
		"dev_name " + n.name, "local_ip " + localAddr.Addr().String(), "remote_ip " + peerAddr.String(),
		"remote_mac 02:00:00:00:fe:01", "enabled 1",
	} {
		t.Must(set(setting), "netconsole "+setting)
	}
	return end
}
