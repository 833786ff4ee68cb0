// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Select the queue by skb->mark, which SO_MARK, iptables and nftables set. The value
 * of a mark is (mark & mask) >> shift. Its entry in a map decides:
 * - positive: select queue entry - 1,
 * - negative: no preference,
 * - 0 or no entry: no preference. With direct, value N selects queue N - 1, and
 *   value 0 has no preference.
 *
 * A socket filter cannot read the cgroup of a socket. To steer by cgroup, let
 * nftables set the mark (socket cgroupv2) and use this policy.
 *
 * Constants, set before loading (default in brackets):
 * mask [all]: bits of the mark to use.
 * shift [0]:  lowest bit of mask, 0 to 31.
 * direct [0]: 1: value N selects queue N - 1 if no map has an entry for it.
 *
 * Maps, which can be filled at any time, from value (__u32) to queue + 1 (__s32). Most
 * are arrays, because a lookup takes a tenth of the instructions of a hash lookup:
 * mark_queue: array by value, for values below 65536.
 * mark_large: array of buckets of four values, for values from 65536. Buckets are
 *             filled from the first slot. xps_mark_bucket_of() returns the bucket.
 * mark_more:  hash of the values from 65536 whose bucket is full, up to 4096.
 *
 * Constant and map of xps_verdict.h: stats, xps_counters.
 */
#include "xps_verdict.h"

/* 64 bits, so that no value needs to be zero-extended. */
const volatile __u64 mask = 0xffffffff;
const volatile __u64 shift = 0;
const volatile __u32 direct = 0;

#define XPS_MARK_BUCKETS 8192

struct xps_mark_bucket {
	__u32 values[4];	/* 0: free slot */
	__s32 entries[4];	/* queue + 1 */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __s32);
} mark_queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XPS_MARK_BUCKETS);
	__type(key, __u32);
	__type(value, struct xps_mark_bucket);
} mark_large SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __s32);
} mark_more SEC(".maps");

/* Multiplying by 2^32 over the golden ratio spreads consecutive values. */
static __inline_always __u32 xps_mark_bucket_of(__u32 value)
{
	return value * 0x9e3779b1u / (0x100000000ull / XPS_MARK_BUCKETS);
}

/* Returns the entry of a value from 65536, or 0. */
static __inline_always __s32 xps_mark_large(__u32 value)
{
	__u32 key = xps_mark_bucket_of(value);
	const struct xps_mark_bucket *bucket;
	const __s32 *entry;

	bucket = bpf_map_lookup_elem(&mark_large, &key);
	if (!bucket)
		return 0;
	if (bucket->values[0] == value)
		return bucket->entries[0];
	if (bucket->values[1] == value)
		return bucket->entries[1];
	if (bucket->values[2] == value)
		return bucket->entries[2];
	if (bucket->values[3] == value)
		return bucket->entries[3];
	if (!bucket->values[3])
		return 0;
	/* The bucket is full. */
	key = value;
	entry = bpf_map_lookup_elem(&mark_more, &key);
	return entry ? *entry : 0;
}

SEC("socket") int xps_mark(struct __sk_buff *skb)
{
	__u32 value = (skb->mark & mask) >> shift;
	__s32 *entry = bpf_map_lookup_elem(&mark_queue, &value);
	__s32 queue = entry ? *entry : xps_mark_large(value);

	if (direct && !queue)
		queue = value;
	queue--;
	return xps_verdict(queue, queue < 0 ? XPS_BY_NO_ENTRY : XPS_BY_MAP);
}

char _license[] SEC("license") = "GPL";
