// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Select the queue by protocol and port: look up the destination port first, then
 * the source port. Packets without an entry, without ports, and fragments have no
 * preference, so an empty map changes nothing. For a tunnel, the ports are those of
 * the outer packet.
 *
 * Map, which can be filled at any time:
 * port_queue: struct xps_port_key to queue (__s32), up to 65536 entries. A
 *             negative queue ends the lookup and means no preference.
 *
 * Constant and map of xps_verdict.h: stats, xps_counters.
 */
#include "xps_flow.h"

enum xps_port_side {
	XPS_PORT_DESTINATION,
	XPS_PORT_SOURCE,
};

struct xps_port_key {
	__u16 port;		/* host order */
	__u8 protocol;		/* 6 TCP, 17 UDP, 33 DCCP, 132 SCTP, 136 UDP-Lite */
	__u8 side;		/* enum xps_port_side */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);	/* mostly empty */
	__uint(max_entries, 65536);
	__type(key, struct xps_port_key);
	__type(value, __s32);
} port_queue SEC(".maps");

SEC("socket") int xps_port(struct __sk_buff *skb)
{
	const struct xps_reading reading = { .udp_ports = 1 };
	struct xps_port_key key = {};
	struct xps_flow flow = {};
	__s32 *queue;
	__u32 reason;

	reason = xps_flow_read(skb, &flow, &reading);
	if (!flow.has_ports)
		return xps_verdict(XPS_NO_CHOICE, reason < XPS_BY_NO_ENTRY ?
				   XPS_BY_NO_ENTRY : reason);

	key.protocol = flow.proto;
	key.port = flow.dport;
	key.side = XPS_PORT_DESTINATION;
	queue = bpf_map_lookup_elem(&port_queue, &key);
	if (!queue) {
		key.port = flow.sport;
		key.side = XPS_PORT_SOURCE;
		queue = bpf_map_lookup_elem(&port_queue, &key);
	}
	return xps_verdict_of_map(queue);
}

char _license[] SEC("license") = "GPL";
