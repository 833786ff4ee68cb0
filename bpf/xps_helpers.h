/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of this directory need of the kernel's BPF interface,
 * and nothing more. It is spelled out here rather than taken from linux/bpf.h
 * and bpf/bpf_helpers.h, so that a clang is all it takes to build the
 * programs and the objects do not change with the headers a machine happens
 * to have. All of it is kernel ABI: numbers and offsets cannot change.
 */
#ifndef XPS_HELPERS_H
#define XPS_HELPERS_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;

#define SEC(name) __attribute__((section(name), used))
#define __inline_always inline __attribute__((always_inline))

/* BTF-defined maps: a pointer to an array carries a number, a pointer to a
 * type carries the type.
 */
#define __uint(name, val) int (*name)[val]
#define __type(name, val) val *name

/* The choice left to the kernel. Any negative value means the same. */
#define XPS_NO_CHOICE (-1)

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
};

/* The head of the UAPI structure, as far as a socket filter may look at it
 * here. Access goes by offset, the tail can be left out.
 */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;		/* ethertype, network order in the low bits */
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
};

_Static_assert(__builtin_offsetof(struct __sk_buff, mark) == 8, "mark");
_Static_assert(__builtin_offsetof(struct __sk_buff, protocol) == 16, "protocol");
_Static_assert(__builtin_offsetof(struct __sk_buff, cb) == 48, "cb");
_Static_assert(__builtin_offsetof(struct __sk_buff, hash) == 68, "hash");

/* Helpers by their number in the kernel's __BPF_FUNC_MAPPER. */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_trace_printk)(const char *fmt, __u32 fmt_size, ...) = (void *)6;
static __u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static long (*const bpf_skb_load_bytes)(const void *skb, __u32 offset,
					void *to, __u32 len) = (void *)26;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define xps_ntohs(x) __builtin_bswap16(x)
#else
#define xps_ntohs(x) ((__u16)(x))
#endif
#define xps_htons(x) xps_ntohs(x)

#endif /* XPS_HELPERS_H */
