/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of the demonstration in the RFC of 2019, one per return value.
 * Each writes its return value to the trace buffer and returns it.
 *
 * The format string is on the stack, because the loader of iproute2 without
 * libbpf does not support .rodata. It has no newline: the trace event adds one.
 *
 * bpf_trace_printk needs a GPL-compatible licence, CAP_BPF, CAP_PERFMON, and a
 * kernel with CONFIG_BPF_EVENTS.
 */
#ifndef HELLO_H
#define HELLO_H

#include "xps_helpers.h"

#define XPS_HELLO(name, ret)						\
SEC("hello") int name(struct __sk_buff *skb)				\
{									\
	char fmt[] = "xps (RET " #ret "): Hello, World!";		\
									\
	(void)skb;							\
	bpf_trace_printk(fmt, sizeof(fmt));				\
	return ret;							\
}									\
									\
char _license[] SEC("license") = "GPL"

#endif /* HELLO_H */
