// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Select the queue by the sending CPU. A CPU whose entry is 0, or that has no entry,
 * has no preference, so an empty map changes nothing.
 *
 * Map, which can be filled at any time:
 * cpu_queue: CPU (__u32) to queue + 1 (__u32), 4096 CPUs. An array, because a lookup
 *            takes a tenth of the instructions of a hash lookup.
 *
 * Constant and map of xps_verdict.h: stats, xps_counters.
 */
#include "xps_verdict.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} cpu_queue SEC(".maps");

SEC("socket") int xps_cpu(struct __sk_buff *skb)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 *entry = bpf_map_lookup_elem(&cpu_queue, &cpu);
	__s32 queue = entry ? *entry - 1 : XPS_NO_CHOICE;

	(void)skb;
	return xps_verdict(queue, queue < 0 ? XPS_BY_NO_ENTRY : XPS_BY_MAP);
}

char _license[] SEC("license") = "GPL";
