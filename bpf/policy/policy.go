// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"xpsgen/bpf"
)

// ErrOptions: options contradict each other, have impossible values, or do not fit the
// policy.
var ErrOptions = errors.New("impossible options")

// Policy is a loaded policy. Loading needs CAP_BPF and Linux 5.3; it does not need the
// hook.
type Policy struct {
	// Program is the program to attach. The Policy keeps and closes it.
	Program *ebpf.Program

	coll *ebpf.Collection
}

// Options are the common options of all policies.
type Options struct {
	// NoStats leaves out the counters, which cost 20 to 28 instructions a packet.
	NoStats bool
}

// Close releases the program and its maps. A device to which the program is
// attached keeps them.
func (p *Policy) Close() { p.coll.Close() }

// load loads a policy with its constants.
func load(object string, opt Options, constants map[string]uint32) (*Policy, error) {
	spec, err := bpf.Spec(object)
	if err != nil {
		return nil, err
	}
	if opt.NoStats {
		constants["stats"] = 0
	}
	for name, value := range constants {
		v := spec.Variables[name]
		var sized any = value
		if v.Size() == 8 {
			sized = uint64(value)
		}
		if err := v.Set(sized); err != nil {
			return nil, fmt.Errorf("load %s: %s = %d: %w", object, name, value, err)
		}
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", object, err)
	}
	return &Policy{Program: coll.Programs[object], coll: coll}, nil
}

// Inner is a set of tunnels whose inner flow flow-hash hashes.
type Inner uint32

// Tunnels.
const (
	InnerIPIP   Inner = 1 << iota // IPv4 or IPv6 in IPv4 or IPv6
	InnerGRE                      // version 0, IP or Ethernet inside
	InnerVXLAN                    // UDP port 4789
	InnerGENEVE                   // UDP port 6081

	// InnerNone parses no tunnel.
	InnerNone Inner = 1 << 31
)

// FlowHash configures the policy flow-hash. The zero value spreads flows of
// addresses, protocol and ports over all queues in use, with a random seed.
type FlowHash struct {
	Options

	// Plan limits the queues that the policy selects. nil means all queues
	// in use.
	Plan *QueuePlan
	// Seed is the seed of the hash; nil means a random one. An attacker who knows
	// the seed can put all flows on one queue.
	Seed *uint32
	// Symmetric puts both directions of a flow on one queue.
	Symmetric bool
	// AddressesOnly hashes only addresses and protocol: neither ports nor SPI nor
	// flow label.
	AddressesOnly bool
	// UDPByAddresses hashes UDP packets by addresses and protocol. Then fragments
	// use the queue of the unfragmented datagrams of their flow.
	UDPByAddresses bool
	// VLAN makes the id of the outermost tag part of a flow.
	VLAN bool
	// FlowLabel hashes a non-zero IPv6 flow label instead of protocol and
	// ports. Labels differ between directions, so FlowLabel and Symmetric
	// exclude each other.
	FlowLabel bool
	// NoSPI does not hash the SPI of ESP.
	NoSPI bool
	// Inner selects the tunnels to parse. 0 means IPIP and GRE: the UDP
	// source port of VXLAN and GENEVE already depends on the inner flow.
	Inner Inner
}

// LoadFlowHash loads the policy flow-hash. The caller closes it. A nil cfg means the
// defaults. The error wraps [ErrOptions] for options that contradict each other, unknown
// tunnels, and a plan without values.
func LoadFlowHash(cfg *FlowHash) (*Policy, error) {
	if cfg == nil {
		cfg = &FlowHash{}
	}
	if cfg.Symmetric && cfg.FlowLabel {
		return nil, fmt.Errorf("%w: flow labels differ between the directions of a flow", ErrOptions)
	}
	if cfg.Plan != nil && len(cfg.Plan.Values) == 0 {
		return nil, errNoValues
	}
	constants := map[string]uint32{
		"symmetric": flag(cfg.Symmetric),
		"use_ports": flag(!cfg.AddressesOnly),
		"udp_ports": flag(!cfg.UDPByAddresses),
		"use_vlan":  flag(cfg.VLAN),
		"use_label": flag(cfg.FlowLabel),
		"use_spi":   flag(!cfg.NoSPI),
		"indirect":  flag(cfg.Plan != nil),
	}
	switch {
	case cfg.Inner == InnerNone:
		constants["inner"] = 0
	case cfg.Inner&^(InnerIPIP|InnerGRE|InnerVXLAN|InnerGENEVE) != 0:
		return nil, fmt.Errorf("%w: tunnels %#x", ErrOptions, uint32(cfg.Inner))
	case cfg.Inner != 0:
		constants["inner"] = uint32(cfg.Inner)
	}
	if cfg.Seed != nil {
		constants["seed"] = *cfg.Seed
	} else {
		var b [4]byte
		// Read never returns an error: see package rand.
		_, _ = rand.Read(b[:])
		constants["seed"] = binary.NativeEndian.Uint32(b[:])
	}
	p, err := load("xps_flow_hash", cfg.Options, constants)
	if err != nil {
		return nil, err
	}
	if cfg.Plan != nil {
		if err := SetQueues(p.Indirection(), cfg.Plan); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// errNoValues refuses a plan before anything is loaded.
var errNoValues = fmt.Errorf("%w: the plan has no values", ErrOptions)

func flag(on bool) uint32 {
	if on {
		return 1
	}
	return 0
}

const indirection = bpf.XpsFlowHashMapIndirection

// Indirection returns the table of flow-hash, for [SetQueues]. It is nil for
// other policies. The Policy keeps and closes it.
func (p *Policy) Indirection() *ebpf.Map { return p.coll.Maps[indirection] }

// SetQueues writes a plan to the table of flow-hash, entry by entry. Meanwhile, each flow
// uses the old or the new value of its entry. It has no effect if the policy was loaded
// without a plan. The error wraps [ErrOptions] if table is not [Policy.Indirection], and
// if plan is nil or has no values.
func SetQueues(table *ebpf.Map, plan *QueuePlan) error {
	switch {
	case table == nil:
		return fmt.Errorf("%w: not the table of flow-hash", ErrOptions)
	case plan == nil || len(plan.Values) == 0:
		return errNoValues
	}
	info, err := table.Info()
	if err != nil {
		return fmt.Errorf("get information about the table of queues: %w", err)
	}
	if info.Name != indirection || table.Type() != ebpf.Array || table.ValueSize() != 4 {
		return fmt.Errorf("%w: map %s is not the table of flow-hash", ErrOptions, info.Name)
	}
	for i := range table.MaxEntries() {
		v := plan.Values[int(i)%len(plan.Values)]
		if err := table.Put(i, v); err != nil {
			return fmt.Errorf("set entry %d of the table of queues: %w", i, err)
		}
	}
	return nil
}
