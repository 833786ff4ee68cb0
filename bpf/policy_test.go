// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/bpf"
)

// undecided are packets that no policy that reads them can tell anything of.
func undecided() map[string]frame {
	arp := frame{proto: 0x0806, rest: make([]byte, 28)}
	v5 := ipv4(udp, 1, 2, 1000, 53)
	v5.network = append([]byte{0x55}, v5.network[1:]...)
	ihl := ipv4(udp, 1, 2, 1000, 53)
	ihl.network = append([]byte{0x44}, ihl.network[1:]...)
	v6in4 := ipv6(udp, 1, 2, 1000, 53)
	v6in4.network = append([]byte{0x40}, v6in4.network[1:]...)
	cut4 := ipv4(udp, 1, 2, 0, 0)
	cut4.network, cut4.rest = cut4.network[:19], nil
	cut6 := ipv6(udp, 1, 2, 0, 0)
	cut6.network, cut6.rest = cut6.network[:39], nil
	cutExt := ipv6(udp, 1, 2, 0, 0).ext(0, 0)
	cutExt.rest = nil
	return map[string]frame{
		"not ip":                 arp,
		"wrong version in ipv4":  v5,
		"header length too low":  ihl,
		"wrong version in ipv6":  v6in4,
		"cut in the ipv4 header": cut4,
		"cut in the ipv6 header": cut6,
		"cut in an extension":    cutExt,
		"cut in the udp ports":   ipv4(udp, 1, 2, 1000, 53).short(9),
		"cut in the tcp ports":   ipv6(tcp, 1, 2, 1000, 53).short(17),
		"three tags":             ipv4(udp, 1, 2, 1000, 53).tagged(0x8100, 1).tagged(0x8100, 2).tagged(0x88a8, 3),
		"nothing but a tag":      {proto: 0x8100, network: []byte{0, 1}},
	}
}

func TestFlowHashUndecided(t *testing.T) {
	coll := mustLoad(t, "xps_flow_hash", map[string]any{bpf.XpsFlowHashVarQueues: uint32(8)})
	for name, f := range undecided() {
		if got := run(t, coll, "xps_flow_hash", f.bytes(), nil); got != -1 {
			t.Errorf("%s: %d, want -1", name, got)
		}
	}
}

// TestFlowHashSame: what belongs to one flow gets one answer.
func TestFlowHashSame(t *testing.T) {
	udp4, udp6 := ipv4(udp, 1, 2, 1000, 53), ipv6(udp, 1, 2, 1000, 53)
	optioned := udp4.options()
	fragmented := udp4.fragment(0x2000)
	tests := map[string][2]frame{
		"twice the same":              {udp4, udp4},
		"tag":                         {udp4, udp4.tagged(0x8100, 5)},
		"two tags":                    {udp6, udp6.tagged(0x8100, 5).tagged(0x88a8, 6)},
		"ip options":                  {udp4, optioned},
		"don't fragment":              {udp4, udp4.fragment(0x4000)},
		"first and later fragment":    {fragmented, ipv4(udp, 1, 2, 7, 8).fragment(0x00b9)},
		"hop-by-hop options":          {udp6, udp6.ext(0, 0, 0, 0, 0, 0, 0, 0)},
		"long destination options":    {udp6, udp6.ext(60, append([]byte{1}, make([]byte, 14)...)...)},
		"three extensions":            {udp6, udp6.ext(0, 0, 0, 0, 0, 0, 0, 0).ext(43, 0, 0, 0, 0, 0, 0, 0).ext(60, 0, 0, 0, 0, 0, 0, 0)},
		"atomic fragment":             {udp6, udp6.ext(44, 0, 0, 0, 1, 2, 3, 4)},
		"first and later v6 fragment": {udp6.ext(44, 0, 0, 1, 1, 2, 3, 4), ipv6(udp, 1, 2, 7, 8).ext(44, 0, 0x0b, 0xb8, 1, 2, 3, 4)},
		"icmp of any kind":            {ipv4(icmp, 1, 2, 0x0800, 1), ipv4(icmp, 1, 2, 0x0000, 2)},
	}
	coll := mustLoad(t, "xps_flow_hash", nil)
	for name, pair := range tests {
		a := run(t, coll, "xps_flow_hash", pair[0].bytes(), nil)
		b := run(t, coll, "xps_flow_hash", pair[1].bytes(), nil)
		if a < 0 || a != b {
			t.Errorf("%s: %d and %d, want one answer that is not negative", name, a, b)
		}
	}
}

// TestFlowHashDiffers: a hash of 31 bits may meet by chance, but not for these
// inputs, whose answers do not change from run to run.
func TestFlowHashDiffers(t *testing.T) {
	base := ipv4(udp, 1, 2, 1000, 53)
	tests := map[string]struct {
		a, b      frame
		constants map[string]any
		same      bool
	}{
		"source":           {a: base, b: ipv4(udp, 3, 2, 1000, 53)},
		"destination":      {a: base, b: ipv4(udp, 1, 3, 1000, 53)},
		"swapped":          {a: base, b: ipv4(udp, 2, 1, 1000, 53)},
		"protocol":         {a: base, b: ipv4(tcp, 1, 2, 1000, 53)},
		"sctp":             {a: ipv4(sctp, 1, 2, 1000, 53), b: ipv4(sctp, 1, 2, 1000, 54)},
		"source port":      {a: base, b: ipv4(udp, 1, 2, 1001, 53)},
		"destination port": {a: base, b: ipv4(udp, 1, 2, 1000, 54)},
		"v6 address":       {a: ipv6(udp, 1, 2, 1, 2), b: ipv6(udp, 1, 3, 1, 2)},
		"v6 port":          {a: ipv6(udp, 1, 2, 1, 2), b: ipv6(udp, 1, 2, 1, 3)},
		"fragment":         {a: base, b: base.fragment(0x2000)},
		"no ports": {
			a: base, b: ipv4(udp, 1, 2, 1001, 54), same: true,
			constants: map[string]any{bpf.XpsFlowHashVarUsePorts: uint32(0)},
		},
		"vlan": {
			a: base.tagged(0x8100, 5), b: base.tagged(0x8100, 6),
			constants: map[string]any{bpf.XpsFlowHashVarUseVlan: uint32(1)},
		},
		"outer vlan": {
			a: base.tagged(0x8100, 1).tagged(0x88a8, 5), b: base.tagged(0x8100, 1).tagged(0x88a8, 6),
			constants: map[string]any{bpf.XpsFlowHashVarUseVlan: uint32(1)},
		},
		"inner vlan": {
			a: base.tagged(0x8100, 1).tagged(0x88a8, 5), b: base.tagged(0x8100, 2).tagged(0x88a8, 5), same: true,
			constants: map[string]any{bpf.XpsFlowHashVarUseVlan: uint32(1)},
		},
	}
	for name, tt := range tests {
		coll := mustLoad(t, "xps_flow_hash", tt.constants)
		a := run(t, coll, "xps_flow_hash", tt.a.bytes(), nil)
		b := run(t, coll, "xps_flow_hash", tt.b.bytes(), nil)
		if a < 0 || b < 0 || (a == b) != tt.same {
			t.Errorf("%s: %d and %d, want the same: %t", name, a, b, tt.same)
		}
	}
}

func TestFlowHashSeed(t *testing.T) {
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	a := run(t, mustLoad(t, "xps_flow_hash", nil), "xps_flow_hash", frame, nil)
	b := run(t, mustLoad(t, "xps_flow_hash", map[string]any{bpf.XpsFlowHashVarSeed: uint32(1)}), "xps_flow_hash", frame, nil)
	if a == b {
		t.Errorf("%d with and without a seed", a)
	}
}

// TestFlowHashSpreads: every queue of the range gets its share, and no other
// gets anything, with flows that differ as little as flows of one client do.
func TestFlowHashSpreads(t *testing.T) {
	const flows, first, queues = 1024, 2, 8
	coll := mustLoad(t, "xps_flow_hash", map[string]any{
		bpf.XpsFlowHashVarQueues: uint32(queues),
		bpf.XpsFlowHashVarFirst:  uint32(first),
	})
	var hits [first + queues]int
	for i := range flows {
		got := run(t, coll, "xps_flow_hash", ipv4(tcp, 1, 2, uint16(32768+i), 443).bytes(), nil)
		if got < first || got >= first+queues {
			t.Fatalf("queue %d, want %d to %d", got, first, first+queues-1)
		}
		hits[got]++
	}
	for q, n := range hits[first:] {
		if n < flows/queues/2 || n > flows/queues*2 {
			t.Errorf("queue %d has %d of %d flows: %v", first+q, n, flows, hits[first:])
		}
	}
}

func TestFlowHashWithoutLinkHeader(t *testing.T) {
	f := ipv4(udp, 1, 2, 1000, 53)
	eth := run(t, mustLoad(t, "xps_flow_hash", nil), "xps_flow_hash", f.bytes(), nil)
	coll := mustLoad(t, "xps_flow_hash", map[string]any{bpf.XpsFlowHashVarLinkHeader: uint32(0)})
	packet := append(f.network, f.rest...)
	raw := runPacket(t, coll.Programs["xps_flow_hash"], []byte{0x08, 0x00}, packet, nil)
	if raw != eth {
		t.Errorf("%d without a link header, %d with", raw, eth)
	}
}

func TestPort(t *testing.T) {
	const dst, src = 0, 1
	coll := mustLoad(t, "xps_port", nil)
	for key, queue := range map[bpf.XpsPortXpsPortKey]int32{
		{Protocol: tcp, Port: 443, Side: dst}: 1,
		{Protocol: tcp, Port: 443, Side: src}: 2,
		{Protocol: udp, Port: 443, Side: dst}: 3,
		{Protocol: tcp, Port: 22, Side: dst}:  -1,
		{Protocol: tcp, Port: 80, Side: src}:  4,
	} {
		if err := coll.Maps[bpf.XpsPortMapPortQueue].Put(key, queue); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		f    frame
		want int32
	}{
		"destination":                {ipv4(tcp, 1, 2, 1000, 443), 1},
		"source":                     {ipv4(tcp, 1, 2, 443, 1000), 2},
		"destination before source":  {ipv4(tcp, 1, 2, 443, 443), 1},
		"protocol":                   {ipv4(udp, 1, 2, 1000, 443), 3},
		"negative ends the search":   {ipv4(tcp, 1, 2, 80, 22), -1},
		"source if destination not":  {ipv4(tcp, 1, 2, 80, 23), 4},
		"v6":                         {ipv6(tcp, 1, 2, 1000, 443), 1},
		"tag":                        {ipv6(udp, 1, 2, 1000, 443).tagged(0x8100, 9), 3},
		"not in the map":             {ipv4(tcp, 1, 2, 1000, 444), -1},
		"side":                       {ipv4(udp, 1, 2, 443, 1000), -1},
		"fragment":                   {ipv4(tcp, 1, 2, 1000, 443).fragment(0x2000), -1},
		"no ports":                   {ipv4(icmp, 1, 2, 1000, 443), -1},
		"port 0 is not a port taken": {ipv4(icmp, 1, 2, 0, 0), -1},
	}
	for name, f := range undecided() {
		tests[name] = struct {
			f    frame
			want int32
		}{f, -1}
	}
	for name, tt := range tests {
		if got := run(t, coll, "xps_port", tt.f.bytes(), nil); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestMark(t *testing.T) {
	tests := map[string]struct {
		constants map[string]any
		mark      uint32
		want      int32
	}{
		"unmarked":                 {mark: 0, want: -1},
		"in the map":               {mark: 10, want: 5},
		"in the map, negative":     {mark: 11, want: -7},
		"not in the map":           {mark: 12, want: -1},
		"masked":                   {constants: map[string]any{bpf.XpsMarkVarMask: uint32(0xff)}, mark: 0xaa0a, want: 5},
		"shifted":                  {constants: map[string]any{bpf.XpsMarkVarMask: uint32(0xff00), bpf.XpsMarkVarShift: uint32(8)}, mark: 0x0a33, want: 5},
		"direct":                   {constants: map[string]any{bpf.XpsMarkVarDirect: uint32(1)}, mark: 3, want: 2},
		"direct, unmarked":         {constants: map[string]any{bpf.XpsMarkVarDirect: uint32(1)}, mark: 0, want: -1},
		"direct, but in the map":   {constants: map[string]any{bpf.XpsMarkVarDirect: uint32(1)}, mark: 10, want: 5},
		"direct, no queue so high": {constants: map[string]any{bpf.XpsMarkVarDirect: uint32(1)}, mark: 0x80000001, want: -2147483648},
	}
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	for name, tt := range tests {
		coll := mustLoad(t, "xps_mark", tt.constants)
		for mark, queue := range map[uint32]int32{10: 5, 11: -7} {
			if err := coll.Maps[bpf.XpsMarkMapMarkQueue].Put(mark, queue); err != nil {
				t.Fatal(err)
			}
		}
		if got := run(t, coll, "xps_mark", frame, &skBuff{Mark: tt.mark}); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestCPU(t *testing.T) {
	coll := mustLoad(t, "xps_cpu", nil)
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()

	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	t.Run("pinned", func(t *testing.T) {
		// Never unlocked: the thread keeps its affinity and ends with this
		// goroutine.
		runtime.LockOSThread()
		for cpu := range 1024 {
			if !allowed.IsSet(cpu) {
				continue
			}
			var one unix.CPUSet
			one.Set(cpu)
			if err := unix.SchedSetaffinity(0, &one); err != nil {
				t.Fatal(err)
			}
			if got := run(t, coll, "xps_cpu", frame, nil); got != -1 {
				t.Errorf("cpu %d, not in the map: %d, want -1", cpu, got)
			}
			queue := int32(cpu + 100)
			if err := coll.Maps[bpf.XpsCpuMapCpuQueue].Put(uint32(cpu), queue); err != nil {
				t.Fatal(err)
			}
			if got := run(t, coll, "xps_cpu", frame, nil); got != queue {
				t.Errorf("cpu %d: %d, want %d", cpu, got, queue)
			}
		}
	})
}
