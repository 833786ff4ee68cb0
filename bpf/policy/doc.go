// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package policy loads the policies of package bpf, which package xps attaches. It
// changes them and reads their counters while they run.
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
// flow-hash spreads flows. The comment at the top of bpf/xps_flow_hash.bpf.c defines a
// flow, with tunnels, fragments, ESP, MPLS, VLAN tags and IPv6 extension headers.
// Packets that are neither IP nor MPLS, such as ARP, have no preference. [SetQueues]
// changes its table of queues at any time, and its seed is random.
//
// The others take the queue from a map: by cpu, mark (with nftables also by cgroup),
// protocol and port, or user. Packets without an entry have no preference.
//
// The Load functions return the errors of package ebpf, and need CAP_BPF.
//
// No policy selects the less loaded of two queues. A socket filter sees neither the
// bytes in a queue nor completions, and its own counters only grow.
//
// # Queues in use
//
// The kernel takes a return value modulo the number of queues in use, which a socket
// filter cannot read. If that number shrinks, an excluded queue could get packets.
// [Plan] selects return values that avoid this where possible. [QueuePlan.Min] is the
// smallest number of queues in use for which they do.
//
// # Counters
//
// Each policy counts packets on each cpu, by the value it returned and by the reason:
// see [Counters]. [Options.NoStats] leaves the counters out.
package policy
