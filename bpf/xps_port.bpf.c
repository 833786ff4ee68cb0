// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Chooses the queue by protocol and port: first the destination port is looked
 * up, then the source port. What is in the map with neither, has no ports, or
 * is a fragment, is left to the kernel; so an empty map changes nothing.
 *
 * Constants, set before loading:
 * link_header: bytes before the network header, whose last two are the
 *              ethertype; 14, Ethernet. 0 for a device without a link header
 *              (tun, ip tunnels).
 *
 * Map, filled at any time:
 * port_queue: struct xps_port_key to queue (__s32), up to 65536 entries. A
 *             negative queue ends the search and leaves the choice to the
 *             kernel.
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

const volatile __u32 link_header = XPS_ETH_HLEN;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, 1);		/* BPF_F_NO_PREALLOC: mostly empty */
	__uint(max_entries, 65536);
	__type(key, struct xps_port_key);
	__type(value, __s32);
} port_queue SEC(".maps");

SEC("socket") int xps_port(struct __sk_buff *skb)
{
	struct xps_port_key key = {};
	struct xps_flow flow = {};
	__s32 *queue;

	if (xps_flow_read(skb, link_header, &flow) || !flow.has_ports)
		return XPS_NO_CHOICE;

	key.protocol = flow.proto;
	key.port = flow.dport;
	key.side = XPS_PORT_DESTINATION;
	queue = bpf_map_lookup_elem(&port_queue, &key);
	if (!queue) {
		key.port = flow.sport;
		key.side = XPS_PORT_SOURCE;
		queue = bpf_map_lookup_elem(&port_queue, &key);
	}
	return queue ? *queue : XPS_NO_CHOICE;
}

char _license[] SEC("license") = "GPL";
