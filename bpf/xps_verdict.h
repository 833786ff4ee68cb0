/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The result of a policy: a queue and the reason for it. Both are counted.
 *
 * Constant, set before loading (default in brackets):
 * stats [1]: 1: count. 0: do not count.
 *
 * Map, which can be read at any time:
 * xps_counters: one struct xps_counters for each cpu.
 */
#ifndef XPS_VERDICT_H
#define XPS_VERDICT_H

#include "xps_helpers.h"

enum xps_reason {
	/* The policy selects a queue: */
	XPS_BY_PORTS,		/* flow of addresses, protocol and ports */
	XPS_BY_ADDRESSES,	/* a protocol without ports */
	XPS_BY_FRAGMENT,	/* by addresses and protocol */
	XPS_BY_INNER,		/* inner flow of a tunnel, or its outer flow if the
				 * payload is not IP
				 */
	XPS_BY_SPI,		/* ESP: addresses and SPI */
	XPS_BY_LABEL,		/* IPv6: addresses and flow label */
	XPS_BY_MPLS,		/* MPLS labels, if the payload is not IP */
	XPS_BY_MAP,		/* an entry of the map of the policy, or direct */
	/* The policy has no preference: */
	XPS_BY_NO_ENTRY,	/* no entry in the map of the policy, or a negative
				 * one of cpu or mark
				 */
	XPS_BY_NOT_IP,		/* neither IPv4 nor IPv6 nor MPLS */
	XPS_BY_MALFORMED,	/* truncated, or an invalid header */
	XPS_BY_TAGS,		/* too many tags or labels */
	XPS_REASONS,
};

/* Return values from this one on are not counted by queue. */
#define XPS_MAX_COUNTED 256

/* Packets since the policy was loaded. One map entry holds all counters of a cpu,
 * so a packet costs one map lookup.
 */
struct xps_counters {
	__u64 queues[XPS_MAX_COUNTED];	/* by return value */
	__u64 reasons[XPS_REASONS];	/* by enum xps_reason */
};

const volatile __u32 stats = 1;
/* The only key of xps_counters. It is static, because a key on the stack would be
 * set for each packet.
 */
static const volatile __u32 xps_counters_key = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xps_counters);
} xps_counters SEC(".maps");

static __inline_always int xps_verdict(__s32 queue, __u32 reason)
{
	struct xps_counters *counters;

	if (!stats)
		return queue;
	counters = bpf_map_lookup_elem(&xps_counters, (void *)&xps_counters_key);
	if (!counters)
		return queue;
	counters->reasons[reason]++;
	if ((__u32)queue < XPS_MAX_COUNTED)
		counters->queues[queue]++;
	return queue;
}

/* End a policy with the result of a map lookup. queue is the entry, or NULL. */
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
