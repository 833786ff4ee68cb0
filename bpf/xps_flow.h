/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parse the flow of a packet.
 *
 * The kernel knows the offset of the network header, so a device can have any link
 * header or none. Tags in the packet are read from the MAC header on.
 */
#ifndef XPS_FLOW_H
#define XPS_FLOW_H

#include "xps_packet.h"
#include "xps_verdict.h"

enum {
	XPS_MAX_TAGS = 3,
	XPS_MAX_LABELS = 6,
	XPS_MAX_EXT_HDRS = 6,
	XPS_MAX_LAYERS = 2,		/* do not parse a tunnel in a tunnel */
};

/* Tunnels to parse. */
enum xps_inner {
	XPS_INNER_IPIP = 1,		/* IPv4 or IPv6 in IPv4 or IPv6 */
	XPS_INNER_GRE = 2,
	XPS_INNER_VXLAN = 4,
	XPS_INNER_GENEVE = 8,
};

/* Parts of a packet to parse. Each member is a constant of the program, so the
 * verifier removes the code that parses other parts.
 */
struct xps_reading {
	__u32 inner;			/* enum xps_inner */
	__u32 spi;
	__u32 label;
	__u32 udp_ports;
};

struct xps_flow {
	__u64 saddr[2];			/* IPv4: in [1], and [0] is 0 */
	__u64 daddr[2];
	__u32 ports;			/* source and destination, or SPI, or label */
	__u32 v6;
	__u16 sport;			/* host order */
	__u16 dport;
	__u16 vlan;			/* id in the outermost tag, 0 if none */
	__u8 proto;
	__u8 has_ports;			/* 0 for all fragments, the first too */
};

/* Set the cursor to the network header. A tag that the device inserts is in the
 * skb, and is the outermost. Tags in the packet follow an Ethernet header. The
 * network header of the skb may be at the first tag or after the last tag.
 */
static __inline_always int xps_link(struct __sk_buff *skb,
				    struct xps_cursor *c,
				    struct xps_flow *flow)
{
	struct {
		__u16 tci;
		__u16 type;
	} tag;
	int tagged;
	int i;

	tagged = skb->vlan_present;
	if (tagged)
		flow->vlan = skb->vlan_tci & 0x0fff;

	c->start = BPF_HDR_START_NET;
	c->off = 0;
	c->type = xps_ntohs(skb->protocol);
	if (likely(!xps_is_tag(c->type)))
		return 0;

	c->start = BPF_HDR_START_MAC;
	c->off = XPS_ETH_HLEN;
	for (i = 0; i < XPS_MAX_TAGS; i++) {
		if (xps_load(skb, c, 0, &tag, sizeof(tag)))
			return XPS_BY_MALFORMED;
		if (!tagged)
			flow->vlan = xps_ntohs(tag.tci) & 0x0fff;
		tagged = 1;
		c->type = xps_ntohs(tag.type);
		c->off += sizeof(tag);
		if (!xps_is_tag(c->type))
			return 0;
	}
	return XPS_BY_TAGS;
}

/* Read a label stack. IP follows if the first nibble is 4 or 6 (RFC 4928).
 * Otherwise the labels identify the flow.
 */
static __inline_always int xps_mpls(struct __sk_buff *skb, struct xps_cursor *c,
				    struct xps_flow *flow)
{
	__u32 entry;
	__u64 labels = 0;
	int i;

	for (i = 0; i < XPS_MAX_LABELS; i++) {
		if (xps_load(skb, c, 0, &entry, sizeof(entry)))
			return XPS_BY_MALFORMED;
		c->off += sizeof(entry);
		entry = xps_ntohl(entry);
		labels = (labels << 20 | labels >> 44) ^ entry >> 12;
		if (entry & 0x100)
			break;
	}
	if (i == XPS_MAX_LABELS)
		return XPS_BY_TAGS;

	flow->saddr[1] = labels & 0xffffffff;
	flow->daddr[1] = labels >> 32;
	/* The packet may end after the labels. */
	if (!xps_load(skb, c, 0, &entry, sizeof(entry))) {
		entry = xps_ntohl(entry) >> 28;
		if (entry == 4 || entry == 6) {
			c->type = entry == 4 ? XPS_ETH_P_IP : XPS_ETH_P_IPV6;
			return 0;
		}
	}
	return XPS_BY_MPLS;
}

static __inline_always int xps_has_ports(__u8 proto)
{
	return proto == XPS_IPPROTO_TCP || proto == XPS_IPPROTO_UDP ||
	       proto == XPS_IPPROTO_SCTP || proto == XPS_IPPROTO_DCCP ||
	       proto == XPS_IPPROTO_UDPLITE;
}

/* Result of a function: the cursor is at the header of an inner packet. */
#define XPS_AGAIN (-1)

static __inline_always int xps_tunnel(struct __sk_buff *skb,
				      struct xps_cursor *c,
				      const struct xps_flow *flow,
				      const struct xps_reading *r)
{
	struct {
		__u16 flags;
		__u16 type;
	} h;

	switch (flow->proto) {
	case XPS_IPPROTO_IPIP:
		if (!(r->inner & XPS_INNER_IPIP))
			return 0;
		c->type = XPS_ETH_P_IP;
		return XPS_AGAIN;
	case XPS_IPPROTO_IPV6:
		if (!(r->inner & XPS_INNER_IPIP))
			return 0;
		c->type = XPS_ETH_P_IPV6;
		return XPS_AGAIN;
	case XPS_IPPROTO_GRE:
		if (!(r->inner & XPS_INNER_GRE) || xps_load(skb, c, 0, &h, sizeof(h)))
			return 0;
		h.flags = xps_ntohs(h.flags);
		/* Version 0 only. Checksum, key and sequence number are optional. */
		if (h.flags & 0x4007)
			return 0;
		c->off += sizeof(h) + (h.flags >> 15) * 4 +
			  (h.flags >> 13 & 1) * 4 + (h.flags >> 12 & 1) * 4;
		c->type = xps_ntohs(h.type);
		break;
	case XPS_IPPROTO_UDP:
		if ((r->inner & XPS_INNER_VXLAN) && flow->dport == XPS_PORT_VXLAN) {
			c->off += 16;
			c->type = XPS_ETH_P_TEB;
			break;
		}
		if (!(r->inner & XPS_INNER_GENEVE) || flow->dport != XPS_PORT_GENEVE ||
		    xps_load(skb, c, 8, &h, sizeof(h)))
			return 0;
		c->off += 16 + (xps_ntohs(h.flags) >> 8 & 0x3f) * 4;
		c->type = xps_ntohs(h.type);
		break;
	default:
		return 0;
	}
	if (c->type == XPS_ETH_P_TEB) {
		if (xps_load(skb, c, XPS_ETH_TYPE, &h.type, sizeof(h.type)))
			return 0;
		c->type = xps_ntohs(h.type);
		c->off += XPS_ETH_HLEN;
	}
	return XPS_AGAIN;
}

/* Read the transport header. The cursor is after the IP header and its
 * extensions. word is the four bytes there, or NULL if they are not loaded.
 */
static __inline_always int xps_transport(struct __sk_buff *skb,
					 struct xps_cursor *c,
					 struct xps_flow *flow,
					 const struct xps_reading *r,
					 const __u32 *word)
{
	__u32 first = 0;

	if (xps_has_ports(flow->proto)) {
		if (!r->udp_ports && flow->proto == XPS_IPPROTO_UDP && !r->inner)
			return XPS_BY_ADDRESSES;
		if (word)
			first = *word;
		else if (xps_load(skb, c, 0, &first, sizeof(first)))
			return XPS_BY_MALFORMED;
		first = xps_ntohl(first);
		flow->sport = first >> 16;
		flow->dport = first;
		flow->has_ports = 1;
		if (r->inner && flow->proto == XPS_IPPROTO_UDP &&
		    xps_tunnel(skb, c, flow, r))
			return XPS_AGAIN;
		if (!r->udp_ports && flow->proto == XPS_IPPROTO_UDP)
			return XPS_BY_ADDRESSES;
		flow->ports = first;
		return XPS_BY_PORTS;
	}
	if (r->spi && flow->proto == XPS_IPPROTO_ESP) {
		if (word)
			first = *word;
		else if (xps_load(skb, c, 0, &first, sizeof(first)))
			return XPS_BY_MALFORMED;
		flow->ports = first;
		return XPS_BY_SPI;
	}
	if (r->inner && xps_tunnel(skb, c, flow, r))
		return XPS_AGAIN;
	return XPS_BY_ADDRESSES;
}

static __inline_always int xps_ipv4(struct __sk_buff *skb,
				    struct xps_cursor *c, struct xps_flow *flow,
				    const struct xps_reading *r)
{
	struct {
		struct xps_iphdr ip;
		__u32 word;
	} h;
	const __u32 *word = &h.word;
	__u32 len;

	/* Load the ports, too: they follow in nearly every packet. */
	if (bpf_skb_load_bytes_relative(skb, c->off, &h, sizeof(h), c->start)) {
		word = 0;
		if (xps_load(skb, c, 0, &h.ip, sizeof(h.ip)))
			return XPS_BY_MALFORMED;
	}
	len = (h.ip.version_ihl & 0x0f) * 4;
	if (h.ip.version_ihl >> 4 != 4 || len < sizeof(h.ip))
		return XPS_BY_MALFORMED;

	flow->saddr[1] = h.ip.saddr;
	flow->daddr[1] = h.ip.daddr;
	flow->proto = h.ip.protocol;
	if (h.ip.frag_off & xps_htons(XPS_IP_FRAGMENT))
		return XPS_BY_FRAGMENT;
	c->off += len;
	if (word && len == sizeof(h.ip))
		return xps_transport(skb, c, flow, r, word);
	return xps_transport(skb, c, flow, r, 0);
}

/* Skip extension headers. After XPS_MAX_EXT_HDRS of them, take any next header as the
 * protocol: the result is the same for all packets of the flow.
 */
static __inline_always int xps_ipv6(struct __sk_buff *skb,
				    struct xps_cursor *c, struct xps_flow *flow,
				    const struct xps_reading *r)
{
	struct {
		struct xps_ipv6hdr ip;
		__u32 word;
	} h;
	struct {
		__u8 nexthdr;
		__u8 len;
		__u16 frag_off;
	} ext;
	const __u32 *word = &h.word;
	int i;

	if (bpf_skb_load_bytes_relative(skb, c->off, &h, sizeof(h), c->start)) {
		word = 0;
		if (xps_load(skb, c, 0, &h.ip, sizeof(h.ip)))
			return XPS_BY_MALFORMED;
	}
	if (*(__u8 *)&h.ip >> 4 != 6)
		return XPS_BY_MALFORMED;

	flow->v6 = 1;
	flow->saddr[0] = (__u64)h.ip.saddr[0] << 32 | h.ip.saddr[1];
	flow->saddr[1] = (__u64)h.ip.saddr[2] << 32 | h.ip.saddr[3];
	flow->daddr[0] = (__u64)h.ip.daddr[0] << 32 | h.ip.daddr[1];
	flow->daddr[1] = (__u64)h.ip.daddr[2] << 32 | h.ip.daddr[3];
	flow->proto = h.ip.nexthdr;
	c->off += sizeof(h.ip);

	if (r->label) {
		flow->ports = h.ip.version_class_label & xps_ntohl(0xfffff);
		if (flow->ports) {
			/* All fragments of a datagram have this label. */
			flow->proto = 0;
			return XPS_BY_LABEL;
		}
	}
	for (i = 0; i < XPS_MAX_EXT_HDRS; i++) {
		switch (flow->proto) {
		case XPS_IPPROTO_HOPOPTS:
		case XPS_IPPROTO_ROUTING:
		case XPS_IPPROTO_DSTOPTS:
		case XPS_IPPROTO_FRAGMENT:
		case XPS_IPPROTO_AH:
			break;
		default:
			if (!i && word)
				return xps_transport(skb, c, flow, r, word);
			return xps_transport(skb, c, flow, r, 0);
		}
		if (xps_load(skb, c, 0, &ext, sizeof(ext)))
			return XPS_BY_MALFORMED;
		if (flow->proto == XPS_IPPROTO_FRAGMENT) {
			flow->proto = ext.nexthdr;
			if (ext.frag_off & xps_htons(XPS_IPV6_FRAGMENT))
				return XPS_BY_FRAGMENT;
			c->off += 8;
			continue;
		}
		if (flow->proto == XPS_IPPROTO_AH)
			c->off += (ext.len + 2) * 4;
		else
			c->off += (ext.len + 1) * 8;
		flow->proto = ext.nexthdr;
	}
	return XPS_BY_ADDRESSES;
}

/* Fill flow, which must be zeroed, and return the reason. If the reason is less than
 * XPS_BY_NO_ENTRY, flow is valid; otherwise the packet has no flow. Without parsing of
 * IPIP and GRE, all packets of such a tunnel are one flow.
 */
static __inline_always __u32 xps_flow_read(struct __sk_buff *skb,
					   struct xps_flow *flow,
					   const struct xps_reading *r)
{
	struct xps_cursor c;
	int reason;
	int i;

	reason = xps_link(skb, &c, flow);
	if (reason)
		return reason;
	if (c.type == XPS_ETH_P_MPLS_UC || c.type == XPS_ETH_P_MPLS_MC) {
		reason = xps_mpls(skb, &c, flow);
		if (reason)
			return reason;
	}
	for (i = 0; i < XPS_MAX_LAYERS; i++) {
		if (c.type == XPS_ETH_P_IP)
			reason = xps_ipv4(skb, &c, flow, r);
		else if (c.type == XPS_ETH_P_IPV6)
			reason = xps_ipv6(skb, &c, flow, r);
		else
			reason = XPS_BY_NOT_IP;
		if (reason != XPS_AGAIN)
			break;
		/* If the inner packet is not IP, keep the outer flow. */
		if (c.type != XPS_ETH_P_IP && c.type != XPS_ETH_P_IPV6)
			continue;
		flow->v6 = 0;
		flow->saddr[0] = 0;
		flow->daddr[0] = 0;
		flow->ports = 0;
		flow->has_ports = 0;
	}
	if (!i)
		return reason;
	return XPS_BY_INNER;
}

#endif /* XPS_FLOW_H */
