// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"xpsgen/bpf"
)

// ErrNoCounters: the program is not a policy of this package, or has an older format.
var ErrNoCounters = errors.New("the program has no counters")

// Reason is the reason for the return value of a policy.
type Reason int

// Reasons, in the order of enum xps_reason of bpf/xps_verdict.h.
const (
	// The policy selects a queue by:
	ByPorts     Reason = iota // the flow of addresses, protocol and ports
	ByAddresses               // the addresses of a protocol without ports
	ByFragment                // the addresses and protocol of a fragment
	ByInner                   // the flow inside a tunnel, or the outer one if that is truncated or not IP
	BySPI                     // the addresses and SPI of ESP
	ByLabel                   // the addresses and flow label of IPv6
	ByMPLS                    // the label stack of MPLS that is not IP
	ByMap                     // an entry of the map of the policy, or Mark.Direct

	// The policy has no preference for:
	ByNoEntry   // a packet without an entry, or with a negative one of cpu or mark
	ByNotIP     // a packet that is not IPv4, IPv6 or MPLS, such as ARP
	ByMalformed // a packet that is truncated or has an invalid header
	ByTags      // a packet with more VLAN tags or MPLS labels than are read

	reasons
)

// String returns the name of the reason in the output of command xps.
func (r Reason) String() string {
	names := [...]string{"ports", "addresses", "fragment", "inner", "spi", "label", "mpls", "map",
		"no-entry", "not-ip", "malformed", "tags"}
	if r < 0 || int(r) >= len(names) {
		return fmt.Sprintf("reason-%d", int(r))
	}
	return names[r]
}

// Preference reports whether the policy selects a queue for this reason. With [ByMap],
// the entry can be negative, which means no preference.
func (r Reason) Preference() bool { return r < ByNoEntry }

// Counters are numbers of packets since the policy was loaded. The policy may count
// packets while Counters are read, so sums may differ.
type Counters struct {
	// Queues has the number of packets for each value that the policy returned,
	// before the kernel takes it modulo the number of queues in use. Values without
	// packets, negative values and values from 256 on are left out.
	Queues map[int]uint64
	// Reasons has the number of packets for each reason. Reasons without packets are
	// left out.
	Reasons map[Reason]uint64
}

// Counters reads the counters of a policy. With [Options.NoStats] they are empty.
func (p *Policy) Counters() (*Counters, error) {
	return read(p.coll.Maps[bpf.XpsFlowHashMapXpsCounters])
}

// CountersOf reads the counters of a loaded program, such as one that another process
// attached: see [ebpf.NewProgramFromID]. It needs CAP_SYS_ADMIN. The error wraps
// [ErrNoCounters] if the program is nil or not a policy.
func CountersOf(prog *ebpf.Program) (*Counters, error) {
	if prog == nil {
		return nil, ErrNoCounters
	}
	m, err := openMaps(prog)
	defer func() {
		for _, m := range m {
			m.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	return read(m[bpf.XpsFlowHashMapXpsCounters])
}

// openMaps returns the maps of a program by name. The caller closes them, also after
// an error.
func openMaps(prog *ebpf.Program) (map[string]*ebpf.Map, error) {
	opened := make(map[string]*ebpf.Map)
	info, err := prog.Info()
	if err != nil {
		return opened, err
	}
	ids, _ := info.MapIDs()
	for _, id := range ids {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			return opened, fmt.Errorf("open map %d: %w", id, err)
		}
		mi, err := m.Info()
		if err != nil {
			m.Close()
			return opened, fmt.Errorf("get information about map %d: %w", id, err)
		}
		opened[mi.Name] = m
	}
	return opened, nil
}

// countedQueues is the number of return values that have a counter each
// (XPS_MAX_COUNTED of xps_verdict.h).
const countedQueues = 256

// read reads a map of struct xps_counters. The counters of reasons are after those of
// queues, so read accepts more or fewer reasons than this package knows.
func read(m *ebpf.Map) (*Counters, error) {
	if m == nil || m.Type() != ebpf.PerCPUArray || m.ValueSize() <= 8*countedQueues || m.ValueSize()%8 != 0 {
		return nil, ErrNoCounters
	}
	var perCPU [][]byte
	if err := m.Lookup(uint32(0), &perCPU); err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	sums := make([]uint64, m.ValueSize()/8)
	for _, counters := range perCPU {
		for i := range sums {
			sums[i] += binary.NativeEndian.Uint64(counters[8*i:])
		}
	}
	c := &Counters{Queues: make(map[int]uint64), Reasons: make(map[Reason]uint64)}
	for i, n := range sums {
		switch {
		case n == 0:
		case i < countedQueues:
			c.Queues[i] = n
		default:
			c.Reasons[Reason(i-countedQueues)] = n
		}
	}
	return c, nil
}
