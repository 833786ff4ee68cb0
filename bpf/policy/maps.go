// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"fmt"
	"math"

	"xpsgen/bpf"
)

// Queues is a map of a policy: the return value for a key. A negative value means no
// preference.
type Queues[K comparable] map[K]int32

// cpus is the number of entries of the array of the policy cpu.
const cpus = 4096

// LoadCPU loads the policy cpu, which selects the queue by the number of the sending
// cpu. The caller closes it. The error wraps [ErrOptions] for a cpu above 4095.
func LoadCPU(queues Queues[uint32], opt Options) (*Policy, error) {
	entries := make(Queues[uint32], len(queues))
	for cpu, q := range queues {
		if cpu >= cpus {
			return nil, fmt.Errorf("%w: cpu %d, at most %d", ErrOptions, cpu, cpus-1)
		}
		entry, err := entryOf(q)
		if err != nil {
			return nil, err
		}
		entries[cpu] = entry
	}
	return loadMap("xps_cpu", bpf.XpsCpuMapCpuQueue, opt, entries)
}

// entryOf returns the entry of an array of a policy: -1 for no preference, else the
// queue plus one, because 0 means no entry.
func entryOf(q int32) (int32, error) {
	switch {
	case q < 0:
		return -1, nil
	case q == math.MaxInt32:
		return 0, fmt.Errorf("%w: queue %d", ErrOptions, q)
	}
	return q + 1, nil
}

// LoadUID loads the policy uid, which selects the queue by the user of the socket. The
// map takes up to 4096 users. The caller closes the Policy.
func LoadUID(queues Queues[uint32], opt Options) (*Policy, error) {
	return loadMap("xps_uid", bpf.XpsUidMapUidQueue, opt, queues)
}

// Port is a key of the map of [LoadPort]: the protocol (IPPROTO_*), the port in host
// byte order, and its side.
type Port = bpf.XpsPortXpsPortKey

// Values of [Port.Side].
const (
	Destination = iota
	Source
)

// LoadPort loads the policy port, which selects the queue by protocol and port. An
// entry for the destination port comes before one for the source port. The map takes
// up to 65536 entries. The caller closes the Policy.
func LoadPort(queues Queues[Port], opt Options) (*Policy, error) {
	return loadMap("xps_port", bpf.XpsPortMapPortQueue, opt, queues)
}

// loadMap loads a policy and fills its map.
func loadMap[K comparable](object, name string, opt Options, queues Queues[K]) (*Policy, error) {
	p, err := load(object, opt, map[string]uint32{})
	if err != nil {
		return nil, err
	}
	return fill(p, object, name, queues)
}

// fill fills a map of a policy, and closes the policy if that fails.
func fill[K comparable, V any](p *Policy, object, name string, entries map[K]V) (*Policy, error) {
	for key, value := range entries {
		if err := p.coll.Maps[name].Put(key, value); err != nil {
			p.Close()
			return nil, fmt.Errorf("load %s: map %s: set %v to %v: %w", object, name, key, value, err)
		}
	}
	return p, nil
}
