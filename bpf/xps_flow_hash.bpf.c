// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/*
 * Spread flows over queues by a hash of addresses, protocol and ports. All packets
 * of a flow use one queue, whichever CPU sends them. The hash is computed from the
 * packet data, so it does not depend on skb->hash.
 *
 * A flow is:
 * - Fragments and protocols without ports: addresses and protocol. The fragments
 *   of a datagram use the same queue. With udp_ports = 0, unfragmented datagrams
 *   of the flow use that queue, too.
 * - Tunnels (inner): the inner flow, or the outer flow if the payload is not IP.
 * - ESP: addresses and SPI. MPLS: the flow of the IP packet, else the labels.
 * - Neither IPv4 nor IPv6 nor MPLS, or truncated: no preference.
 *
 * Constants, set before loading (default in brackets):
 * seed [0]:      seed of the hash. Use a random one: an attacker who knows the
 *                seed can put all flows on one queue.
 * indirect [0]:  1: take the queue from the map "indirection". 0: return the hash,
 *                which selects from all queues in use.
 * symmetric [0]: 1: use the same queue for both directions of a flow.
 * use_ports [1]: 0: hash addresses and protocol only: neither ports nor SPI nor
 *                flow label.
 * udp_ports [1]: 0: do not hash UDP ports.
 * use_vlan [0]:  1: also hash the id of the outermost VLAN tag.
 * use_label [0]: 1: hash a non-zero IPv6 flow label instead of protocol and ports.
 *                Labels differ between directions, so use_label and symmetric
 *                exclude each other.
 * use_spi [1]:   0: do not hash the SPI of ESP.
 * inner [3]:     tunnels to parse, enum xps_inner: 1 IPIP, 2 GRE, 4 VXLAN,
 *                8 GENEVE. VXLAN and GENEVE put the entropy of the inner flow
 *                into the UDP source port, so they need no parsing.
 *
 * Map, which can be filled at any time:
 * indirection: 1024 queues (__s32). The low bits of the hash are the index.
 *              A negative queue means no preference.
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

/* One round. The multiplication carries every bit of word into the high half. The
 * shift brings the high half back into the low half.
 */
static __inline_always __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/* Order the endpoints of a flow, so that both directions are equal. */
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
	/* Do not swap an SPI: each direction has its own. */
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
