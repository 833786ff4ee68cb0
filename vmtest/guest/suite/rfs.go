// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"encoding/binary"
	"net/netip"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/pong"
)

// setFlowEntries sets the size of the RFS table. All network namespaces share the
// table, and only the initial one has the sysctl. The thread of a test is in another
// namespace, so another thread writes it.
func setFlowEntries(n string) error {
	done := make(chan error)
	go func() { done <- os.WriteFile("/proc/sys/net/core/rps_sock_flow_entries", []byte(n), 0) }()
	return <-done
}

// udpFrame is an Ethernet frame with a datagram of a flow. It is a broadcast, so that
// any device accepts it.
func udpFrame(src, dst netip.Addr, sport, dport uint16) []byte {
	const ether, ip, udp, payload = 14, 20, 8, 22
	b := make([]byte, ether+ip+udp+payload)
	for i := range 6 {
		b[i] = 0xff
	}
	copy(b[6:], []byte{2, 0, 0, 0, 0, 0xfd})
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IP)
	h := b[ether:]
	h[0] = 4<<4 | ip/4
	binary.BigEndian.PutUint16(h[2:], uint16(len(h)))
	h[8], h[9] = 64, unix.IPPROTO_UDP
	from, to := src.As4(), dst.As4()
	copy(h[12:], from[:])
	copy(h[16:], to[:])
	binary.BigEndian.PutUint16(h[10:], pong.Checksum(h[:ip]))
	u := h[ip:]
	binary.BigEndian.PutUint16(u, sport)
	binary.BigEndian.PutUint16(u[2:], dport)
	binary.BigEndian.PutUint16(u[4:], udp+payload)
	return b
}

// rawSender sends complete frames on a device.
func rawSender(t *check.T, n *nic) func(frame []byte) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "packet socket")
	t.Cleanup(func() { unix.Close(fd) })
	to := &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_IP), Ifindex: n.index}
	return func(frame []byte) error { return unix.Sendto(fd, frame, 0, to) }
}

// arrival observes on which CPU a device receives a packet.
type arrival struct {
	state *ebpf.Map
}

// cpuOfArrival observes a device with a packet socket, whose filter runs on the CPU
// that receives the packet.
func cpuOfArrival(t *check.T, n *nic) *arrival {
	state, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	t.Must(err, "create map")
	t.Cleanup(func() { state.Close() })
	prog := load(t, ebpf.SocketFilter, asm.Instructions{
		asm.FnGetSmpProcessorId.Call(),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.LoadMapPtr(asm.R1, state.FD()),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Add.Imm(asm.R6, 1),
		asm.StoreMem(asm.R0, 0, asm.R6, asm.Word),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "packet socket")
	t.Cleanup(func() { unix.Close(fd) })
	t.Must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, prog.FD()), "SO_ATTACH_BPF")
	t.Must(unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_IP), Ifindex: n.index}), "bind packet socket")
	return &arrival{state}
}

func (a *arrival) reset(t *check.T) { t.Must(a.state.Put(uint32(0), uint32(0)), "write map") }

// wait returns the CPU, or -1 if no packet arrives.
func (a *arrival) wait(t *check.T) (cpu int) {
	var seen uint32
	t.Poll(100*time.Millisecond, func() bool {
		t.Must(a.state.Lookup(uint32(0), &seen), "read map")
		return seen > 0
	})
	return int(seen) - 1
}
