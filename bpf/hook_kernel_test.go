// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
)

// requireGuest returns a client in the guest, on a kernel that has the hook. Elsewhere
// it skips the test, which makes devices in the initial network namespace.
func requireGuest(tb testing.TB) *xps.Client {
	tb.Helper()
	c, err := xps.Dial(nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	err = c.Supported(tb.Context())
	if errors.Is(err, xps.ErrNotSupported) {
		skipUnlessRequired(tb, "xps", "this kernel has no XPS hook (make guest)")
	}
	if err != nil {
		tb.Fatal(err)
	}
	if os.Getenv("XPSGEN_GUEST") == "" {
		tb.Skip("not in the guest")
	}
	return c
}

// ip runs the ip command.
func ip(tb testing.TB, args ...string) {
	tb.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		tb.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// sendPort is a packet socket that sends through a device.
type sendPort struct {
	fd   int
	addr unix.SockaddrLinklayer
	// vnet says that a struct virtio_net_hdr precedes each frame.
	vnet bool
}

func openPort(tb testing.TB, device string, vnet bool) *sendPort {
	tb.Helper()
	dev, err := net.InterfaceByName(device)
	if err != nil {
		tb.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Close(fd) })
	if vnet {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
			tb.Fatal(err)
		}
	}
	return &sendPort{fd: fd, addr: unix.SockaddrLinklayer{Ifindex: dev.Index}, vnet: vnet}
}

// vnetHeader returns a struct virtio_net_hdr: hdr_len is linear, gso_size is
// segment. Packet sockets take it in the byte order of the host.
func vnetHeader(linear, gsoType byte, segment uint16) []byte {
	h := make([]byte, 10)
	h[1] = gsoType
	binary.NativeEndian.PutUint16(h[2:], uint16(linear))
	binary.NativeEndian.PutUint16(h[4:], segment)
	return h
}

// send sends a frame of an ethertype. header is the virtio header, empty if the port has
// none.
func (p *sendPort) send(tb testing.TB, ethertype uint16, header, frame []byte) {
	tb.Helper()
	addr := p.addr
	addr.Protocol = binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, ethertype))
	if err := unix.Sendto(p.fd, append(slices.Clone(header), frame...), 0, &addr); err != nil {
		tb.Fatalf("send %d bytes: %v", len(frame), err)
	}
}

// onDevice is a policy on a device.
type onDevice struct {
	p *policy.Policy
}

func mustAttach(tb testing.TB, c *xps.Client, device string, p *policy.Policy) *onDevice {
	tb.Helper()
	dev, err := net.InterfaceByName(device)
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Attach(tb.Context(), dev.Index, p.Program, nil); err != nil {
		tb.Fatal(err)
	}
	return &onDevice{p}
}

// counted calls send, which must send one packet. It returns the value and the reason
// that the policy counted for it. The value is -1 for no preference.
func (d *onDevice) counted(tb testing.TB, send func()) (int, policy.Reason) {
	tb.Helper()
	before, err := d.p.Counters()
	if err != nil {
		tb.Fatal(err)
	}
	send()
	after, err := d.p.Counters()
	if err != nil {
		tb.Fatal(err)
	}
	value, reason := -1, policy.Reason(-1)
	packets := uint64(0)
	for q, n := range after.Queues {
		if n != before.Queues[q] {
			value = q
		}
	}
	for r, n := range after.Reasons {
		packets += n - before.Reasons[r]
		if n != before.Reasons[r] {
			reason = r
		}
	}
	if packets != 1 {
		tb.Fatalf("%d packets counted, want 1", packets)
	}
	return value, reason
}

// TestKernelFlowHash sends every kind of packet through devices with the policy. It
// compares the result of the hook with that of a test run:
//   - through Ethernet and through a device without a link header,
//   - with tags in the packet and in the skb,
//   - with headers outside of the linear part,
//   - as a packet to be segmented.
func TestKernelFlowHash(t *testing.T) {
	c := requireGuest(t)
	// Without IPv6, only the test sends packets.
	const disable = "/proc/sys/net/ipv6/conf/default/disable_ipv6"
	if err := os.WriteFile(disable, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	ip(t, "link", "add", "p0", "numtxqueues", "8", "numrxqueues", "8", "mtu", "9000", "type", "dummy")
	t.Cleanup(func() { ip(t, "link", "del", "p0") })
	ip(t, "link", "set", "p0", "up")
	ip(t, "link", "add", "link", "p0", "name", "p0v", "type", "vlan", "id", "7")
	ip(t, "link", "set", "p0v", "up")
	ip(t, "tuntap", "add", "dev", "t0", "mode", "tun", "multi_queue")
	t.Cleanup(func() { ip(t, "link", "del", "t0") })
	ip(t, "link", "set", "t0", "mtu", "9000")
	attachTun(t, "t0", 8)
	ip(t, "link", "set", "t0", "up")

	plan := mustPlan(t, []int{1, 2, 3, 4, 5, 6, 7}, 8, 8)
	ether, vnet, vlan := openPort(t, "p0", false), openPort(t, "p0", true), openPort(t, "p0v", false)
	tun := openPort(t, "t0", false)
	l, seen := newLoaded(t), make(map[policy.Reason]int)
	kinds := kinds()
	for name, f := range undecided() {
		kinds = append(kinds, kind{name: name, reason: -1, flow: func(uint16) []frame { return []frame{f} }})
	}
	for _, k := range kinds {
		// Use two programs, so that test runs do not change the counters.
		run := l.forKind(t, k, policy.FlowHash{Plan: plan, Options: policy.Options{NoStats: true}})
		p := l.forKind(t, k, policy.FlowHash{Plan: plan})
		onEther, onTun := mustAttach(t, c, "p0", p), mustAttach(t, c, "t0", p)
		for n := range uint16(3) {
			for i, f := range k.flow(n) {
				b := f.bytes()
				want := int(runProgram(t, run.Program, b, nil))
				expect := func(how string, d *onDevice, send func()) {
					t.Helper()
					got, reason := d.counted(t, send)
					seen[reason]++
					if got != want {
						t.Errorf("%s, flow %d, packet %d, %s: %d for %s, in a test run %d", k.name, n, i, how, got, reason, want)
					}
				}
				proto := binary.BigEndian.Uint16(b[12:])
				expect("ethernet", onEther, func() { ether.send(t, proto, nil, b) })
				// If a packet is larger than a page, its linear part has only
				// the Ethernet header.
				if len(b) > 14+40 && k.reason >= 0 {
					long := append(slices.Clone(b), pad(5000)...)
					expect("not linear", onEther, func() { vnet.send(t, proto, vnetHeader(14, 0, 0), long) })
				}
				if len(f.tags) != 0 {
					continue
				}
				expect("tag in the skb", onEther, func() { vlan.send(t, proto, nil, b) })
				if proto == 0x0800 || proto == 0x86dd {
					expect("no link header", onTun, func() { tun.send(t, proto, nil, b[14:]) })
				}
			}
		}
	}

	// To be segmented: 20 segments of TCP.
	p := l.forKind(t, kind{}, policy.FlowHash{Plan: plan})
	onEther := mustAttach(t, c, "p0", p)
	f := v4(tcp, 9)
	f.rest[12] = 5 << 4
	want := int(runProgram(t, l.forKind(t, kind{}, policy.FlowHash{Plan: plan, Options: policy.Options{NoStats: true}}).Program, f.bytes(), nil))
	f = f.with(append(f.rest, pad(8000)...))
	binary.BigEndian.PutUint16(f.network[2:], uint16(len(f.packet())))
	const tcp4 = 1
	got, reason := onEther.counted(t, func() { vnet.send(t, 0x0800, vnetHeader(54, tcp4, 400), f.bytes()) })
	if got != want || reason != policy.ByPorts {
		t.Errorf("segments: %d for %s, a packet of the flow %d", got, reason, want)
	}
	t.Logf("packets by reason: %v", fmt.Sprint(seen))
}

// attachTun opens the queues of a tun and keeps them open.
func attachTun(tb testing.TB, name string, queues int) {
	tb.Helper()
	for range queues {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { unix.Close(fd) })
		ifr, err := unix.NewIfreq(name)
		if err != nil {
			tb.Fatal(err)
		}
		ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_MULTI_QUEUE)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
			tb.Fatal(err)
		}
	}
}
