/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef _LINUX_SAMPLE_H
#define _LINUX_SAMPLE_H

#include <linux/types.h>

/* Attributes to set on a link. */
enum {
	SAMPLE_UNSPEC,
	SAMPLE_FD,		/* s32 */
	SAMPLE_PLUS = SAMPLE_FD + 5,
	SAMPLE_NEGATIVE = -3,
	/* a comment above
	 * of two lines
	 */
	SAMPLE_LATE,
#define SAMPLE_TWICE SAMPLE_TWICE
	SAMPLE_TWICE,
	__SAMPLE_MAX,
};
#define SAMPLE_MAX (__SAMPLE_MAX - 1)

enum sample_bits {
	SAMPLE_BIT_LOW = 1 << 0,
	SAMPLE_BIT_TOP = 1 << 31,
	sample_lower_case,
};

enum sample_wide { SAMPLE_WIDE = 0xfedcba9876543210ULL };

/* These belong together. */
#define SAMPLE_FLAG_A		(1U << 0)
#define SAMPLE_FLAG_B		(1U << 1)	/* the second */
#define SAMPLE_FLAGS		(SAMPLE_FLAG_A | \
				 SAMPLE_FLAG_B)

#define SAMPLE_DECIMAL 12
#define SAMPLE_OCTAL 0644
#define SAMPLE_CHAR 'a'
#define SAMPLE_CAST ((__u8)-1)
#define SAMPLE_ALL (~0U)
#define SAMPLE_ALL64 (~0ULL)
#define SAMPLE_MINUS (-1)
#define SAMPLE_MASK (~0xf)
#define SAMPLE_SIZE (sizeof(struct sample_packed) * 2)
#define SAMPLE_IOCTL _IOR('s', 3, struct sample_packed)

#define SAMPLE_NAME "sample"
#define SAMPLE_GENL SAMPLE_NAME "_v1\n"

#define SAMPLE_HALF 0.5
#define SAMPLE_POINTER ((void *)0)
#define SAMPLE_MISSING (SAMPLE_NOWHERE + 1)
#define SAMPLE_MISSING_TOO (SAMPLE_NOWHERE + 2)
#define SAMPLE_TYPE struct sample_packed
#define SAMPLE_OPEN {
#define SAMPLE_OPENS SAMPLE_OPEN
#define SAMPLE_SEMI 1; int
#define SAMPLE_CALL(x) (x)
#define SAMPLE_EMPTY
#define SAMPLE_ADDRESS ((unsigned long long)&sample_variable)
#define SAMPLE_AFTER 99
#define SAMPLE_OFFSET ((long)&((struct sample_inner *)0)->b)
#define SAMPLE_GONE 1
#undef SAMPLE_GONE
#define SAMPLE_AGAIN 1
#undef SAMPLE_AGAIN
#define SAMPLE_AGAIN 2

extern int sample_variable;

/* A record on the wire. */
struct sample_packed {
	__u8	kind;		/* which */
	__be16	port;
	__u32	size;
} __attribute__((packed));

struct sample_inner {
	__u16 a;
	__le32 b;
};

struct sample_all {
	__u8 lead;
	__u64 wide;
	char name[6];
	__s16 signed_one;
	struct sample_inner inner[2];
	union {
		__u32 as_number;
		struct {
			__u16 low, high;
		};
		__u8 as_bytes[4];
	};
	union {
		__u64 x;
		__u8 y;
	} choice;
	struct {
		__u32 first;
	} part;
	__u32 lo:4, hi:12, :3, rest:13;
	__s32 sbits:5;
	void *pointer;
	struct sample_packed packed;
	__u8 aligned __attribute__((aligned(16)));
	__u8 __pad;
	__u32 data[];
};

union sample_union {
	__u32 word;
	__u8 bytes[4];
};

typedef struct {
	__u32 only;
} sample_typedef;

/* Who it is. */
typedef __u32 sample_id_t;
typedef long long sample_time_t;
typedef __u8 sample_mac_t[6];
typedef struct sample_inner sample_alias_t;
typedef void (*sample_call_t)(int);

struct sample_addr { __u8 in6[16]; };

struct sample_ids {
	sample_id_t id;
	sample_mac_t mac;
	sample_time_t when;
	struct sample_addr from, to[2];
	sample_id_t narrow:7;
};

#define SAMPLE_LIST { "user", "group" }

#endif /* _LINUX_SAMPLE_H */
