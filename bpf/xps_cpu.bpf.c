// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Selects the queue by the cpu that sends. A cpu that is not in the map, or has a
 * negative queue there, has no preference, so an empty map changes nothing.
 *
 * Map, filled at any time:
 * cpu_queue: cpu (__u32) to queue (__s32), up to 4096 cpus.
 *
 * Constant and maps of xps_verdict.h: stats, xps_reasons, xps_queues.
 */
#include "xps_verdict.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __s32);
} cpu_queue SEC(".maps");

SEC("socket") int xps_cpu(struct __sk_buff *skb)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__s32 *queue = bpf_map_lookup_elem(&cpu_queue, &cpu);

	(void)skb;
	return xps_verdict_of_map(queue);
}

char _license[] SEC("license") = "GPL";
