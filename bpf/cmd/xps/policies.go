// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
)

// loadPolicy loads the policy that the options describe.
func (o *attachOptions) loadPolicy(c *call, s xps.State, seeded bool) (*policy.Policy, error) {
	opt := policy.Options{NoStats: o.noStats}
	switch o.policy {
	case "flow-hash":
		return o.loadFlowHash(c, s, opt, seeded)
	case "mark":
		m := &policy.Mark{Options: opt, Direct: o.direct}
		var err error
		if o.mask != "" {
			if m.Mask, err = number(o.mask); err != nil || m.Mask == 0 {
				return nil, usagef("--mask %s: want the bits of the mark to use, such as 0xff00", o.mask)
			}
			m.Shift = uint32(bits.TrailingZeros32(m.Mask))
		}
		if m.Queues, err = entries(o.entries, number); err != nil {
			return nil, err
		}
		return policy.LoadMark(m)
	case "cpu":
		q, err := entries(o.entries, number)
		if err != nil {
			return nil, err
		}
		return policy.LoadCPU(q, opt)
	case "uid":
		q, err := entries(o.entries, number)
		if err != nil {
			return nil, err
		}
		return policy.LoadUID(q, opt)
	case "port":
		q, err := entries(o.entries, port)
		if err != nil {
			return nil, err
		}
		return policy.LoadPort(q, opt)
	}
	return nil, usagef("unknown policy %q: want flow-hash, cpu, mark, port or uid", o.policy)
}

func (o *attachOptions) loadFlowHash(c *call, s xps.State, opt policy.Options, seeded bool) (*policy.Policy, error) {
	cfg := &policy.FlowHash{
		Options: opt, Symmetric: o.symmetric, AddressesOnly: o.addresses, UDPByAddresses: o.udpAddresses,
		VLAN: o.vlan, FlowLabel: o.label,
	}
	if seeded {
		seed := uint32(o.seed)
		if uint(seed) != o.seed {
			return nil, usagef("--seed %d: want a 32-bit number", o.seed)
		}
		cfg.Seed = &seed
	}
	tunnels := map[string]policy.Inner{
		"ipip": policy.InnerIPIP, "gre": policy.InnerGRE, "vxlan": policy.InnerVXLAN, "geneve": policy.InnerGENEVE,
	}
	if o.inner == "none" {
		cfg.Inner = policy.InnerNone
	} else if o.inner != "" {
		for name := range strings.SplitSeq(o.inner, ",") {
			t, ok := tunnels[name]
			if !ok {
				return nil, usagef("--inner %s: want a list of ipip, gre, vxlan and geneve, or none", o.inner)
			}
			cfg.Inner |= t
		}
	}
	if o.queues != "" {
		queues, err := parseQueues(o.queues)
		if err != nil {
			return nil, err
		}
		sys, unmount, err := mountSysfs(o.netns != "")
		if err != nil {
			return nil, err
		}
		defer unmount()
		inUse := sys.queues(s.Name)
		if inUse == 0 {
			return nil, fmt.Errorf("%s: the number of queues in use is unknown: sysfs does not list the device's queues", s.Name)
		}
		if cfg.Plan, err = policy.Plan(queues, inUse, max(s.MaxQueues, inUse), o.minQueues); err != nil {
			return nil, err
		}
		if cfg.Plan.Min > 1 && o.minQueues == 0 && len(queues) < inUse {
			fmt.Fprintf(c.stderr, "xps attach: %s: with fewer than %d queues in use, flows may use queues other than %s\n",
				s.Name, cfg.Plan.Min, o.queues)
		}
	}
	return policy.LoadFlowHash(cfg)
}

// entries reads --map.
func entries[K comparable](list string, key func(string) (K, error)) (policy.Queues[K], error) {
	queues := make(policy.Queues[K])
	if list == "" {
		return queues, nil
	}
	for entry := range strings.SplitSeq(list, ",") {
		name, value, ok := strings.Cut(entry, "=")
		if !ok {
			return nil, usagef("--map: %q is not KEY=QUEUE", entry)
		}
		k, err := key(name)
		if err != nil {
			return nil, usagef("--map: key %q: %v", name, err)
		}
		q, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return nil, usagef("--map: queue %q: want a number", value)
		}
		if _, twice := queues[k]; twice {
			return nil, usagef("--map: duplicate key %q", name)
		}
		queues[k] = int32(q)
	}
	return queues, nil
}

func number(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("want a 32-bit number")
	}
	return uint32(n), nil
}

// port reads tcp/443 and udp/53/source.
func port(text string) (policy.Port, error) {
	protocols := map[string]uint8{
		"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP, "sctp": unix.IPPROTO_SCTP,
		"dccp": unix.IPPROTO_DCCP, "udplite": unix.IPPROTO_UDPLITE,
	}
	parts := strings.Split(text, "/")
	if len(parts) == 2 {
		parts = append(parts, "destination")
	}
	if len(parts) == 3 {
		protocol, known := protocols[parts[0]]
		n, err := strconv.ParseUint(parts[1], 10, 16)
		sides := map[string]uint8{"destination": policy.Destination, "source": policy.Source}
		side, ok := sides[parts[2]]
		if known && err == nil && ok {
			return policy.Port{Protocol: protocol, Port: uint16(n), Side: side}, nil
		}
	}
	return policy.Port{}, fmt.Errorf("want PROTOCOL/PORT or PROTOCOL/PORT/source, such as tcp/443")
}
