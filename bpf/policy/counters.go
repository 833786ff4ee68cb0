// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"xpsgen/bpf"
)

// ErrNoCounters: the program is not a policy of this package, or an older one.
var ErrNoCounters = errors.New("the program has no counters")

// Reason is why a policy returned what it returned.
type Reason int

// Reasons, in the order of enum xps_reason of xps_verdict.h.
const (
	ByPorts Reason = iota
	ByAddresses
	ByFragment
	ByInner
	BySPI
	ByLabel
	ByMPLS
	ByMap
	ByNoEntry
	ByNotIP
	ByMalformed
	ByTags
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

// Preference reports whether the policy selects a queue for this reason. The
// entry of a map can still be negative.
func (r Reason) Preference() bool { return r < ByNoEntry }

// Counters are numbers of packets since the policy was loaded. They are read one
// after the other while packets come, so sums may differ.
type Counters struct {
	// Queues are by the value that the policy returned, before the kernel
	// takes it modulo the number of queues in use. Values of 0 packets are left
	// out, and so are values from 256 on.
	Queues map[int]uint64
	// Reasons are by reason. Reasons of 0 packets are left out.
	Reasons map[Reason]uint64
}

// Counters reads the counters of a policy.
func (p *Policy) Counters() (*Counters, error) {
	return read(p.coll.Maps[bpf.XpsFlowHashMapXpsReasons], p.coll.Maps[bpf.XpsFlowHashMapXpsQueues])
}

// CountersOf reads the counters of a program that is attached somewhere: one of
// another process, opened by its id. It needs CAP_SYS_ADMIN. The error wraps
// [ErrNoCounters] if the program is not a policy.
func CountersOf(prog *ebpf.Program) (*Counters, error) {
	m, err := openMaps(prog)
	defer func() {
		for _, m := range m {
			m.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	return read(m[bpf.XpsFlowHashMapXpsReasons], m[bpf.XpsFlowHashMapXpsQueues])
}

// openMaps opens the maps of a program by name. The caller closes them, even with
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
			return opened, fmt.Errorf("map %d: %w", id, err)
		}
		opened[mi.Name] = m
	}
	return opened, nil
}

func read(reasonMap, queueMap *ebpf.Map) (*Counters, error) {
	if !counts(reasonMap) || !counts(queueMap) {
		return nil, ErrNoCounters
	}
	c := &Counters{Queues: make(map[int]uint64), Reasons: make(map[Reason]uint64)}
	err := sums(reasonMap, func(i int, n uint64) { c.Reasons[Reason(i)] = n })
	if err == nil {
		err = sums(queueMap, func(i int, n uint64) { c.Queues[i] = n })
	}
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	return c, nil
}

// counts reports whether m is a map of counters.
func counts(m *ebpf.Map) bool {
	return m != nil && m.Type() == ebpf.PerCPUArray && m.ValueSize() == 8
}

// sums calls f with each entry that is not 0, summed over the cpus.
func sums(m *ebpf.Map, f func(i int, n uint64)) error {
	var perCPU []uint64
	for i := range m.MaxEntries() {
		if err := m.Lookup(i, &perCPU); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		var n uint64
		for _, v := range perCPU {
			n += v
		}
		if n != 0 {
			f(int(i), n)
		}
	}
	return nil
}
