// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"fmt"
	"math"

	"xpsgen/bpf"
)

// Queues is a map of a policy: the return value for a key. A negative value has no
// preference.
type Queues[K comparable] map[K]int32

// Mark configures the policy mark.
type Mark struct {
	Options
	// Queues are by the value (mark & Mask) >> Shift. Values below 65536 cost
	// fewer instructions; at most 4096 values can be larger.
	Queues Queues[uint32]
	// Mask are the bits of the mark that count, 0 for all, and Shift is the
	// lowest of them.
	Mask, Shift uint32
	// Direct takes a value N that is not in Queues for queue N - 1.
	Direct bool
}

// marks is the number of values that the array of the policy mark has.
const marks = 1 << 16

// LoadMark loads the policy mark: the queue by skb->mark. The caller closes it.
func LoadMark(cfg *Mark) (*Policy, error) {
	if cfg.Shift > 31 {
		return nil, fmt.Errorf("%w: shift %d", ErrOptions, cfg.Shift)
	}
	constants := map[string]uint32{"shift": cfg.Shift, "direct": flag(cfg.Direct)}
	if cfg.Mask != 0 {
		constants["mask"] = cfg.Mask
	}
	entries := make(map[string]Queues[uint32])
	for value, q := range cfg.Queues {
		name := bpf.XpsMarkMapMarkQueue
		if value >= marks {
			name = bpf.XpsMarkMapMarkLarge
		}
		if entries[name] == nil {
			entries[name] = make(Queues[uint32])
		}
		entry, err := entryOf(q)
		if err != nil {
			return nil, err
		}
		entries[name][value] = entry
	}
	return loadMaps("xps_mark", cfg.Options, constants, entries)
}

// cpus is the number of entries of the array of the policy cpu.
const cpus = 4096

// LoadCPU loads the policy cpu: the queue by the number of the cpu that sends. The
// caller closes it.
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

// entryOf returns the entry of an array of a policy: the queue plus one, because 0
// is no entry, or -1 for no preference.
func entryOf(q int32) (int32, error) {
	switch {
	case q < 0:
		return -1, nil
	case q == math.MaxInt32:
		return 0, fmt.Errorf("%w: queue %d", ErrOptions, q)
	}
	return q + 1, nil
}

// LoadUID loads the policy uid: the queue by the user of the socket. The caller
// closes it.
func LoadUID(queues Queues[uint32], opt Options) (*Policy, error) {
	return loadMap("xps_uid", bpf.XpsUidMapUidQueue, opt, queues)
}

// Port is a key of the policy port.
type Port = bpf.XpsPortXpsPortKey

// Sides of [Port.Side].
const (
	Destination = iota
	Source
)

// LoadPort loads the policy port: the queue by protocol and port. The caller
// closes it.
func LoadPort(queues Queues[Port], opt Options) (*Policy, error) {
	return loadMap("xps_port", bpf.XpsPortMapPortQueue, opt, queues)
}

// loadMap loads a policy and fills its map.
func loadMap[K comparable](object, name string, opt Options, queues Queues[K]) (*Policy, error) {
	return loadMaps(object, opt, map[string]uint32{}, map[string]Queues[K]{name: queues})
}

// loadMaps loads a policy with its constants and fills its maps, by their names.
func loadMaps[K comparable](object string, opt Options, constants map[string]uint32, entries map[string]Queues[K]) (*Policy, error) {
	p, err := load(object, opt, constants)
	if err != nil {
		return nil, err
	}
	for name, queues := range entries {
		for key, value := range queues {
			if err := p.coll.Maps[name].Put(key, value); err != nil {
				p.Close()
				return nil, fmt.Errorf("load %s: map %s: set %v to %d: %w", object, name, key, value, err)
			}
		}
	}
	return p, nil
}
