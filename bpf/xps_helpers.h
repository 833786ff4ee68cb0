/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of the kernel's BPF interface that the programs of this directory
 * use. It does not include linux/bpf.h or bpf/bpf_helpers.h, so the build needs only
 * clang, and the objects do not depend on the machine's headers. All numbers and
 * offsets are kernel ABI and cannot change.
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

#define __noinline static __attribute__((noinline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Keep *p in memory. If a structure has more members than there are registers, this
 * takes fewer instructions. Otherwise the compiler spills each member separately,
 * and sets it on each branch.
 */
#define xps_keep_in_memory(p) asm volatile("" : : "r"(p) : "memory")

/* BTF-defined maps: a pointer to an array carries a number, a pointer to a
 * type carries the type.
 */
#define __uint(name, val) int (*name)[val]
#define __type(name, val) val *name

/* No preference: the kernel falls back to the XPS maps or the flow hash. Any
 * negative value means the same.
 */
#define XPS_NO_CHOICE (-1)

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,

	BPF_F_NO_PREALLOC = 1,
};

/* enum bpf_hdr_start_off */
enum {
	BPF_HDR_START_MAC = 0,
	BPF_HDR_START_NET = 1,
};

/* The first members of the UAPI structure, which a socket filter may read.
 * Access is by offset, so the other members are not needed.
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
static __u32 (*const bpf_get_socket_uid)(void *skb) = (void *)47;
static long (*const bpf_skb_load_bytes_relative)(const void *skb, __u32 offset,
						 void *to, __u32 len,
						 __u32 start_header) = (void *)68;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define xps_ntohs(x) __builtin_bswap16(x)
#define xps_ntohl(x) __builtin_bswap32(x)
#else
#define xps_ntohs(x) ((__u16)(x))
#define xps_ntohl(x) ((__u32)(x))
#endif
#define xps_htons(x) xps_ntohs(x)

#endif /* XPS_HELPERS_H */
