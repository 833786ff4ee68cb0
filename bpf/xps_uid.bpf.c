// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Selects the queue by the user that the socket of the packet belongs to,
 * whichever task or interrupt sends it. A user that is not in the map, or has a
 * negative queue there, has no preference; so has a packet without a socket,
 * whose user is 65534, unless the map has an entry for it. User ids are those of
 * the user namespace of the network namespace.
 *
 * Map, filled at any time:
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
