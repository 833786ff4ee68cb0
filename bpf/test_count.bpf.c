// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Count the run, then return the same value for every packet.
 *
 * ret:    return value, set before loading; default -1 (no preference).
 * answer: an array of one __s32. The program adds it to ret, so it changes the
 *         return value after loading.
 * runs:   a per-cpu array of one __u64, the number of runs on each cpu.
 */
#include "xps_helpers.h"

const volatile __s32 ret = XPS_NO_CHOICE;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __s32);
} answer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

SEC("socket") int test_count(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&runs, &zero);
	__s32 *add = bpf_map_lookup_elem(&answer, &zero);

	(void)skb;
	if (n)
		*n += 1;
	return ret + (add ? *add : 0);
}

char _license[] SEC("license") = "GPL";
