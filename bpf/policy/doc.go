// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package policy loads the policies of package bpf, ready to be attached by
// package xps, and changes and reads them while they run.
//
//	plan, err := policy.Plan(queues, inUse, max, 0)
//	...
//	p, err := policy.LoadFlowHash(&policy.FlowHash{Plan: plan})
//	...
//	defer p.Close()
//	err = client.Attach(ctx, ifindex, p.Program, nil)
//
// # Policies
//
// flow-hash spreads flows. The head of bpf/xps_flow_hash.bpf.c defines a flow, with
// tunnels, fragments, ESP, MPLS, VLAN tags and IPv6 extension headers. Packets that are
// neither IP nor MPLS, such as ARP, have no preference. Its table of queues can be
// changed at any time, and its seed is random.
//
// The others take the queue from a map: by cpu, mark (with nftables also by cgroup),
// protocol and port, or user. Packets without an entry have no preference.
//
// The Load functions return the errors of package ebpf, and need CAP_BPF.
//
// A socket filter cannot pick the less loaded of two queues. It reads neither the
// bytes in flight of a queue nor completions, and its own counters only grow.
//
// # Queues in use
//
// The kernel takes a return value modulo the number of queues in use, which a
// socket filter cannot read either. A queue that was left out could therefore get
// packets when a device shrinks. [Plan] selects return values that avoid this as
// far as numbers can, and says down to how many queues they do.
//
// # Counters
//
// Each policy counts packets on each cpu, by the value it returned and by the reason:
// see [Counters]. [Options.NoStats] leaves the counters out.
package policy
