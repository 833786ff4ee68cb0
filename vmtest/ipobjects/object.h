/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the objects of the matrix include. It needs no headers of the machine. */

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define WEAK __attribute__((weak))

struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
};

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*trace_printk)(const char *fmt, __u32 size) = (void *)6;
static long (*tail_call)(void *ctx, void *map, __u32 index) = (void *)12;

#define MAP_HASH		1
#define MAP_ARRAY		2
#define MAP_PROG_ARRAY		3
#define MAP_ARRAY_OF_MAPS	12

/* Maps that BTF describes, for libbpf. */
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]

/* Maps as iproute2 defines them, see its bpf_elf.h. */
struct elf_map {
	__u32 type;
	__u32 size_key;
	__u32 size_value;
	__u32 max_elem;
	__u32 flags;
	__u32 id;
	__u32 pinning;
	__u32 inner_id;
	__u32 inner_idx;
};

#define PIN_OBJECT_NS	1
#define PIN_GLOBAL_NS	2

/* Maps as libbpf defined them before version 1.0. */
struct old_map {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};

#ifndef NO_LICENSE
char _license[] SEC("license") = "GPL";
#endif
