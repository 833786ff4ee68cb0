// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Check that cb[] is zeroed, then overwrite it. Tests check that nobody else sees
 * what the program writes there.
 *
 * ret:     return value, set before loading; default -1 (no preference).
 * seen:    a per-cpu array of __u64: number of runs, and number of runs that
 *          found a word of cb[] that was not zero.
 */
#include "xps_helpers.h"

enum {
	SEEN_RUNS,
	SEEN_DIRTY,
	SEEN_MAX,
};

const volatile __s32 ret = XPS_NO_CHOICE;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SEEN_MAX);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

static __inline_always void count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&seen, &which);

	if (n)
		*n += 1;
}

SEC("socket") int test_cb(struct __sk_buff *skb)
{
	count(SEEN_RUNS);
	if (skb->cb[0] | skb->cb[1] | skb->cb[2] | skb->cb[3] | skb->cb[4])
		count(SEEN_DIRTY);

	skb->cb[0] = 0xdeadbeef;
	skb->cb[1] = 0xdeadbeef;
	skb->cb[2] = 0xdeadbeef;
	skb->cb[3] = 0xdeadbeef;
	skb->cb[4] = 0xdeadbeef;
	return ret;
}

char _license[] SEC("license") = "GPL";
