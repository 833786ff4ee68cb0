// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Chooses the queue by skb->mark, as set by SO_MARK, iptables or nftables. The
 * mark's value is (mark & mask) >> shift. A value that is in the map goes to
 * that queue (if negative, the choice is the kernel's). Any other is left to
 * the kernel, unless direct is set: then value N goes to queue N - 1, and 0,
 * which is a packet nobody marked, is left to the kernel.
 *
 * Constants, set before loading:
 * mask:   the bits of the mark that count; all.
 * shift:  the lowest of them, 0 to 31; 0.
 * direct: 1 to take values that are not in the map for queue numbers, counted
 *         from one; 0.
 *
 * Map, filled at any time:
 * mark_queue: value (__u32) to queue (__s32), up to 4096 values.
 */
#include "xps_helpers.h"

const volatile __u32 mask = 0xffffffff;
const volatile __u32 shift = 0;
const volatile __u32 direct = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __s32);
} mark_queue SEC(".maps");

SEC("socket") int xps_mark(struct __sk_buff *skb)
{
	__u32 value = (skb->mark & mask) >> (shift & 31);
	__s32 *queue = bpf_map_lookup_elem(&mark_queue, &value);

	if (queue)
		return *queue;
	if (direct)
		return (__s32)(value - 1);
	return XPS_NO_CHOICE;
}

char _license[] SEC("license") = "GPL";
