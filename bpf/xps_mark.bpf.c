// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Selects the queue by skb->mark, as set by SO_MARK, iptables or nftables. The
 * masked mark, mark & mask, is looked up in the map; a negative queue there has no
 * preference. Without an entry there is no preference, unless direct is set: then
 * value N of (mark & mask) >> shift goes to queue N - 1, and 0, an unmarked packet,
 * has no preference.
 *
 * A socket filter cannot ask for the cgroup of a socket. To steer by cgroup, let
 * nftables set the mark (socket cgroupv2) and use this policy.
 *
 * Constants, set before loading:
 * mask:   the bits of the mark that count; all.
 * shift:  the lowest of them, 0 to 31; 0.
 * direct: 1 takes values that are not in the map for queue numbers, from 1; 0.
 *
 * Map, filled at any time:
 * mark_queue: masked mark (__u32) to queue (__s32), up to 4096 entries.
 *
 * Constant and maps of xps_verdict.h: stats, xps_reasons, xps_queues.
 */
#include "xps_verdict.h"

/* Of 64 bits, so that nothing has to be extended. */
const volatile __u64 mask = 0xffffffff;
const volatile __u64 shift = 0;
const volatile __u32 direct = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __s32);
} mark_queue SEC(".maps");

SEC("socket") int xps_mark(struct __sk_buff *skb)
{
	__u32 masked = skb->mark & mask;
	__s32 *queue = bpf_map_lookup_elem(&mark_queue, &masked);

	/* The verifier removes what is never taken only if it is out of line. */
	if (unlikely(stats)) {
		if (direct && !queue && masked)
			return xps_verdict((masked >> shift) - 1, XPS_BY_MAP);
		return xps_verdict_of_map(queue);
	}
	if (queue)
		return *queue;
	return direct ? (__s32)((masked >> shift) - 1) : XPS_NO_CHOICE;
}

char _license[] SEC("license") = "GPL";
