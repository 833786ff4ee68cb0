/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef SAMPLE_TYPES_H
#define SAMPLE_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __le32;

#define SAMPLE_FROM_TYPES 77

#endif
