// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Returns one value for every packet.
 *
 * ret: set before loading; 0 unless set.
 */
#include "xps_helpers.h"

const volatile __s32 ret = 0;

SEC("socket") int test_const(struct __sk_buff *skb)
{
	(void)skb;
	return ret;
}

char _license[] SEC("license") = "GPL";
