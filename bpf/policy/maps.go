// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"fmt"
	"maps"

	"xpsgen/bpf"
)

// Queues is a map of a policy: the return value for a key. A negative value has no
// preference.
type Queues[K comparable] map[K]int32

// Mark configures the policy mark.
type Mark struct {
	Options
	// Queues are by the value (mark & Mask) >> Shift.
	Queues Queues[uint32]
	// Mask are the bits of the mark that count, 0 for all, and Shift is the
	// lowest of them.
	Mask, Shift uint32
	// Direct takes a value N that is not in Queues for queue N - 1.
	Direct bool
}

// LoadMark loads the policy mark: the queue by skb->mark. The caller closes it.
func LoadMark(cfg *Mark) (*Policy, error) {
	constants := map[string]uint32{"shift": cfg.Shift, "direct": flag(cfg.Direct)}
	if cfg.Mask != 0 {
		constants["mask"] = cfg.Mask
	}
	if cfg.Shift > 31 {
		return nil, fmt.Errorf("%w: shift %d", ErrOptions, cfg.Shift)
	}
	// The map has masked marks, not yet shifted.
	masked := make(Queues[uint32], len(cfg.Queues))
	for value, q := range cfg.Queues {
		masked[value<<cfg.Shift] = q
	}
	return loadMap("xps_mark", bpf.XpsMarkMapMarkQueue, cfg.Options, constants, masked)
}

// LoadCPU loads the policy cpu: the queue by the number of the cpu that sends. The
// caller closes it.
func LoadCPU(queues Queues[uint32], opt Options) (*Policy, error) {
	// The map is an array, with the queue plus one: 0 is no preference.
	plusOne := make(Queues[uint32], len(queues))
	for cpu, q := range queues {
		plusOne[cpu] = max(q, -1) + 1
	}
	return loadMap("xps_cpu", bpf.XpsCpuMapCpuQueue, opt, map[string]uint32{}, plusOne)
}

// LoadUID loads the policy uid: the queue by the user of the socket. The caller
// closes it.
func LoadUID(queues Queues[uint32], opt Options) (*Policy, error) {
	return loadMap("xps_uid", bpf.XpsUidMapUidQueue, opt, map[string]uint32{}, queues)
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
	return loadMap("xps_port", bpf.XpsPortMapPortQueue, opt, map[string]uint32{}, queues)
}

// loadMap loads a policy and fills its map.
func loadMap[K comparable](object, name string, opt Options, constants map[string]uint32, queues Queues[K]) (*Policy, error) {
	p, err := load(object, opt, constants)
	if err != nil {
		return nil, err
	}
	for key, value := range maps.All(queues) {
		if err := p.coll.Maps[name].Put(key, value); err != nil {
			p.Close()
			return nil, fmt.Errorf("load %s: set %v to %d: %w", object, key, value, err)
		}
	}
	return p, nil
}
