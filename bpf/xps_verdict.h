/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a policy ends: it returns a queue for a reason, and both are counted.
 *
 * Constant, set before loading:
 * stats: 0 counts nothing; 1.
 *
 * Maps, read at any time:
 * xps_reasons: packets per reason (enum xps_reason) and cpu.
 * xps_queues:  packets per queue that the policy returned, and cpu. Queues
 *              beyond the last entry are not counted.
 */
#ifndef XPS_VERDICT_H
#define XPS_VERDICT_H

#include "xps_helpers.h"

enum xps_reason {
	/* The policy selects a queue: */
	XPS_BY_PORTS,		/* flow of addresses, protocol and ports */
	XPS_BY_ADDRESSES,	/* a protocol without ports */
	XPS_BY_FRAGMENT,	/* by addresses and protocol */
	XPS_BY_INNER,		/* the flow inside a tunnel */
	XPS_BY_SPI,		/* ESP: addresses and SPI */
	XPS_BY_LABEL,		/* IPv6: addresses and flow label */
	XPS_BY_MPLS,		/* the label stack of what is not IP */
	XPS_BY_MAP,		/* an entry of the map of the policy */
	/* The policy has no preference: */
	XPS_BY_NO_ENTRY,	/* nothing in the map of the policy */
	XPS_BY_NOT_IP,		/* neither IPv4 nor IPv6 nor MPLS */
	XPS_BY_MALFORMED,	/* cut short, or a header that is wrong */
	XPS_BY_TAGS,		/* more tags or labels than are read */
	XPS_REASONS,
};

#define XPS_MAX_COUNTED 256

const volatile __u32 stats = 1;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XPS_REASONS);
	__type(key, __u32);
	__type(value, __u64);
} xps_reasons SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XPS_MAX_COUNTED);
	__type(key, __u32);
	__type(value, __u64);
} xps_queues SEC(".maps");

static __inline_always int xps_verdict(__s32 queue, __u32 reason)
{
	__u32 index = queue;
	__u64 *count;

	if (likely(!stats))
		return queue;
	count = bpf_map_lookup_elem(&xps_reasons, &reason);
	if (count)
		(*count)++;
	if (queue < 0)
		return queue;
	count = bpf_map_lookup_elem(&xps_queues, &index);
	if (count)
		(*count)++;
	return queue;
}

/* What the map of a policy says: queue is its entry, NULL if there is none. */
static __inline_always int xps_verdict_of_map(const __s32 *queue)
{
	__u32 reason = XPS_BY_NO_ENTRY;
	__s32 q = XPS_NO_CHOICE;

	if (queue) {
		q = *queue;
		reason = XPS_BY_MAP;
	}
	return xps_verdict(q, reason);
}

#endif /* XPS_VERDICT_H */
