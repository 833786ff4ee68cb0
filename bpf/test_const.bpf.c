// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Return the same value for every packet.
 *
 * ret: return value, set before loading; default 0.
 */
#include "xps_helpers.h"

const volatile __s32 ret = 0;

SEC("socket") int test_const(struct __sk_buff *skb)
{
	(void)skb;
	return ret;
}

char _license[] SEC("license") = "GPL";
