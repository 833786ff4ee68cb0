/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#pragma once
#include <linux/posix_types.h>
#include <stddef.h>
#include <stdint.h>
typedef __kernel_ssize_t ssize_t;
typedef __kernel_off_t off_t;
typedef __kernel_loff_t loff_t;
typedef __kernel_pid_t pid_t;
typedef __kernel_uid32_t uid_t;
typedef __kernel_gid32_t gid_t;
typedef __kernel_mode_t mode_t;
typedef uint64_t dev_t;
typedef uint64_t ino_t;
typedef char *caddr_t;
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
