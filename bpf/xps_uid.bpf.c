// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Select the queue by the user who owns the socket of the packet, whichever task
 * or interrupt sends it. A user without an entry, or with a negative queue, has no
 * preference. A packet without a full socket has the overflow uid, 65534. User ids
 * are those of the user namespace of the network namespace.
 *
 * Map, which can be filled at any time:
 * uid_queue: user id (__u32) to queue (__s32), up to 4096 users.
 *
 * Constant and map of xps_verdict.h: stats, xps_counters.
 */
#include "xps_verdict.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __s32);
} uid_queue SEC(".maps");

SEC("socket") int xps_uid(struct __sk_buff *skb)
{
	__u32 uid = bpf_get_socket_uid(skb);

	return xps_verdict_of_map(bpf_map_lookup_elem(&uid_queue, &uid));
}

char _license[] SEC("license") = "GPL";
