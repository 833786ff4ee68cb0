// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Spreads flows over queues by a hash of addresses, protocol and ports: all
 * packets of one flow leave by one queue, whichever cpu sends them. The hash is
 * taken from the packet's bytes, so it does not depend on skb->hash being set.
 * Fragments and protocols without ports are spread by addresses and protocol.
 * What is neither IPv4 nor IPv6, or is cut short, is left to the kernel.
 *
 * Constants, set before loading:
 * queues:      use this many queues, counted from first; 0, the default: all
 *              queues the device has in use, whatever first says.
 * first:       the first queue to use; 0.
 * seed:        changes which flow goes where; 0.
 * use_ports:   0 keeps all traffic between two hosts on one queue; 1.
 * use_vlan:    1 lets the id of the outermost VLAN tag count; 0.
 * link_header: bytes before the network header, whose last two are the
 *              ethertype; 14, Ethernet. 0 for a device without a link header
 *              (tun, ip tunnels).
 */
#include "xps_flow.h"

const volatile __u32 queues = 0;
const volatile __u32 first = 0;
const volatile __u32 seed = 0;
const volatile __u32 use_ports = 1;
const volatile __u32 use_vlan = 0;
const volatile __u32 link_header = XPS_ETH_HLEN;

/* One round: every bit of word reaches the high bits by the multiplication,
 * and the low ones by the shift.
 */
static __inline_always __u32 mix(__u32 hash, __u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1;
	return hash ^ (hash >> 15);
}

static __inline_always __u32 flow_hash(const struct xps_flow *flow)
{
	__u32 hash = seed;
	int i;

	for (i = 0; i < 4; i++)
		hash = mix(hash, flow->saddr[i]);
	for (i = 0; i < 4; i++)
		hash = mix(hash, flow->daddr[i]);
	hash = mix(hash, flow->proto);
	if (use_ports)
		hash = mix(hash, (__u32)flow->sport << 16 | flow->dport);
	if (use_vlan)
		hash = mix(hash, flow->vlan);
	return mix(hash, hash >> 16);
}

SEC("socket") int xps_flow_hash(struct __sk_buff *skb)
{
	struct xps_flow flow = {};
	__u32 hash;

	if (xps_flow_read(skb, link_header, &flow))
		return XPS_NO_CHOICE;

	hash = flow_hash(&flow);
	if (!queues)
		return hash & 0x7fffffff;
	return first + hash % queues;
}

char _license[] SEC("license") = "GPL";
