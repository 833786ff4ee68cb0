/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of the 2019 RFC's demonstration, one for each value returned:
 * they say what they return in the trace and return it.
 *
 * The format stands on the stack, not in .rodata, so that both of iproute2's
 * loaders (libbpf and its own legacy one, which knows no .rodata) take the
 * object. It has no newline: the trace event adds one.
 *
 * bpf_trace_printk wants a GPL compatible licence, CAP_BPF and CAP_PERFMON,
 * and a kernel with CONFIG_BPF_EVENTS.
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
