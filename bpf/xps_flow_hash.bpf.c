// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Spreads flows over queues by a hash of addresses, protocol and ports: all
 * packets of one flow leave by one queue, whichever cpu sends them. The hash is
 * taken from the bytes of the packet, so it does not depend on skb->hash.
 *
 * What is a flow:
 * - Fragments and protocols without ports: addresses and protocol. The fragments
 *   of a datagram share a queue; with udp_ports = 0 they share it with the
 *   datagrams of their flow that are not fragmented.
 * - Tunnels (inner): the flow inside, or if that is not IP, the outer one.
 * - ESP: addresses and SPI. MPLS: the IP packet inside, else the labels.
 * - Neither IPv4 nor IPv6 nor MPLS, or cut short: no preference.
 *
 * Constants, set before loading:
 * seed:       changes which flow goes where; 0. Use a random one: whoever knows
 *             the seed can put all flows on one queue.
 * indirect:   1 takes the queue from the table indirection; 0 spreads over all
 *             queues in use, modulo their number; 0.
 * symmetric:  1 has both directions of a flow share a queue; 0.
 * use_ports:  0 has all traffic between two hosts share a queue; 1.
 * udp_ports:  0 leaves the ports of UDP out; 1.
 * use_vlan:   1 makes the id of the outermost VLAN tag part of the flow; 0.
 * use_label:  1 takes the IPv6 flow label, if not 0, for protocol and ports; 0.
 *             It differs between directions, so not with symmetric.
 * use_spi:    0 leaves the SPI of ESP out; 1.
 * inner:      tunnels to look into, enum xps_inner: 1 IPIP, 2 GRE, 4 VXLAN,
 *             8 GENEVE; 3. The UDP source port of the last two tells flows apart
 *             without looking.
 *
 * Map, filled at any time:
 * indirection: 1024 queues (__s32), by the hash. -1 has no preference.
 */
#include "xps_flow.h"

#define XPS_INDIRECTION 1024

const volatile __u32 seed = 0;
const volatile __u32 indirect = 0;
const volatile __u32 symmetric = 0;
const volatile __u32 use_ports = 1;
const volatile __u32 udp_ports = 1;
const volatile __u32 use_vlan = 0;
const volatile __u32 use_label = 0;
const volatile __u32 use_spi = 1;
const volatile __u32 inner = XPS_INNER_IPIP | XPS_INNER_GRE;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XPS_INDIRECTION);
	__type(key, __u32);
	__type(value, __s32);
} indirection SEC(".maps");

/* One round: a multiplication carries every bit of word to the high half, which
 * the shift brings back to the low one.
 */
static __inline_always __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/* Orders the ends of a flow, so that both directions are equal. */
static __inline_always void order(struct xps_flow *f)
{
	__u64 s0 = f->saddr[0], s1 = f->saddr[1];
	__u64 d0 = f->daddr[0], d1 = f->daddr[1];

	if (s0 < d0 || (s0 == d0 && (s1 < d1 || (s1 == d1 && f->sport <= f->dport))))
		return;
	f->saddr[0] = d0;
	f->saddr[1] = d1;
	f->daddr[0] = s0;
	f->daddr[1] = s1;
	/* No SPI: that is of one direction, and of it alone. */
	if (f->has_ports)
		f->ports = f->ports << 16 | f->ports >> 16;
}

static __inline_always __u32 flow_hash(struct xps_flow *f)
{
	__u64 hash = seed;

	if (symmetric)
		order(f);
	if (f->v6) {
		hash = mix(hash, f->saddr[0]);
		hash = mix(hash, f->saddr[1]);
		hash = mix(hash, f->daddr[0]);
		hash = mix(hash, f->daddr[1]);
	} else {
		hash = mix(hash, f->saddr[1] << 32 | f->daddr[1]);
	}
	hash = mix(hash, (__u64)f->proto << 32 ^ (use_ports ? f->ports : 0) ^
		   (use_vlan ? (__u64)f->vlan << 40 : 0));
	return hash * 0xd6e8feb86659fd93ULL >> 33;
}

SEC("socket") int xps_flow_hash(struct __sk_buff *skb)
{
	const struct xps_reading reading = {
		.inner = inner,
		.spi = use_spi,
		.label = use_label,
		.udp_ports = udp_ports,
	};
	struct xps_flow flow = {};
	__u32 reason, hash;
	__s32 *queue;

	xps_keep_in_memory(&flow);
	reason = xps_flow_read(skb, &flow, &reading);
	if (reason >= XPS_BY_NO_ENTRY)
		return xps_verdict(XPS_NO_CHOICE, reason);

	hash = flow_hash(&flow);
	if (!indirect)
		return xps_verdict(hash, reason);
	hash &= XPS_INDIRECTION - 1;
	queue = bpf_map_lookup_elem(&indirection, &hash);
	return xps_verdict(queue ? *queue : XPS_NO_CHOICE, reason);
}

char _license[] SEC("license") = "GPL";
