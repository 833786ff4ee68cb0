/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow a packet belongs to, read out of its bytes.
 *
 * Every byte is fetched with bpf_skb_load_bytes(), whose failure is an error
 * we see. LD_ABS is no good here: out of bounds it ends the program with 0,
 * which at this hook is queue 0 and not "no choice".
 */
#ifndef XPS_FLOW_H
#define XPS_FLOW_H

#include "xps_helpers.h"

enum {
	XPS_ETH_HLEN = 14,

	XPS_ETH_P_IP = 0x0800,
	XPS_ETH_P_8021Q = 0x8100,
	XPS_ETH_P_IPV6 = 0x86dd,
	XPS_ETH_P_8021AD = 0x88a8,

	XPS_MAX_TAGS = 2,

	XPS_IP_FRAGMENT = 0x3fff,	/* MF or an offset */
	XPS_IPV6_FRAGMENT = 0xfff9,	/* M or an offset */
	XPS_MAX_EXT_HDRS = 4,

	XPS_IPPROTO_HOPOPTS = 0,
	XPS_IPPROTO_TCP = 6,
	XPS_IPPROTO_UDP = 17,
	XPS_IPPROTO_DCCP = 33,
	XPS_IPPROTO_ROUTING = 43,
	XPS_IPPROTO_FRAGMENT = 44,
	XPS_IPPROTO_AH = 51,
	XPS_IPPROTO_DSTOPTS = 60,
	XPS_IPPROTO_SCTP = 132,
	XPS_IPPROTO_UDPLITE = 136,
};

struct xps_flow {
	__u32 saddr[4];		/* IPv4: the first word, the others are 0 */
	__u32 daddr[4];
	__u16 sport;		/* host order, like all numbers here */
	__u16 dport;
	__u16 vlan;		/* id in the outermost tag, 0 if there is none */
	__u8 proto;
	__u8 has_ports;		/* not for fragments, the first one included */
};

struct xps_iphdr {
	__u8 version_ihl;
	__u8 tos;
	__u16 tot_len;
	__u16 id;
	__u16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__u16 check;
	__u32 saddr;
	__u32 daddr;
};

struct xps_ipv6hdr {
	__u32 version_class_label;
	__u16 payload_len;
	__u8 nexthdr;
	__u8 hop_limit;
	__u32 saddr[4];
	__u32 daddr[4];
};

static __inline_always int xps_is_tag(__u16 proto)
{
	return proto == XPS_ETH_P_8021Q || proto == XPS_ETH_P_8021AD;
}

/* Network header: sets *off to it and *proto to its ethertype. A tag that the
 * device inserts is not in the bytes but in the skb, and is the outermost.
 */
static __inline_always int xps_flow_link(struct __sk_buff *skb, __u32 link_header,
					 struct xps_flow *flow, __u32 *off,
					 __u16 *proto)
{
	struct {
		__u16 tci;
		__u16 proto;
	} tag;
	__u16 type;
	int tagged;
	int i;

	tagged = skb->vlan_present;
	if (tagged)
		flow->vlan = skb->vlan_tci & 0x0fff;

	type = skb->protocol;
	if (link_header >= sizeof(type) &&
	    bpf_skb_load_bytes(skb, link_header - sizeof(type), &type, sizeof(type)))
		return -1;
	*proto = xps_ntohs(type);
	*off = link_header;

	for (i = 0; i < XPS_MAX_TAGS && xps_is_tag(*proto); i++) {
		if (bpf_skb_load_bytes(skb, *off, &tag, sizeof(tag)))
			return -1;
		if (!tagged)
			flow->vlan = xps_ntohs(tag.tci) & 0x0fff;
		tagged = 1;
		*proto = xps_ntohs(tag.proto);
		*off += sizeof(tag);
	}
	return 0;
}

static __inline_always int xps_flow_ipv4(struct __sk_buff *skb, __u32 *off,
					 struct xps_flow *flow, int *fragment)
{
	struct xps_iphdr ip;
	__u32 len;

	if (bpf_skb_load_bytes(skb, *off, &ip, sizeof(ip)))
		return -1;
	len = (ip.version_ihl & 0x0f) * 4;
	if (ip.version_ihl >> 4 != 4 || len < sizeof(ip))
		return -1;

	flow->saddr[0] = ip.saddr;
	flow->daddr[0] = ip.daddr;
	flow->proto = ip.protocol;
	*fragment = !!(xps_ntohs(ip.frag_off) & XPS_IP_FRAGMENT);
	*off += len;
	return 0;
}

/* Steps over extension headers. With more of them than XPS_MAX_EXT_HDRS, the
 * protocol is that of the first one not looked at: one answer for the flow.
 */
static __inline_always int xps_flow_ipv6(struct __sk_buff *skb, __u32 *off,
					 struct xps_flow *flow, int *fragment)
{
	struct {
		__u8 nexthdr;
		__u8 len;
		__u16 frag_off;
	} ext;
	struct xps_ipv6hdr ip;
	int i;

	if (bpf_skb_load_bytes(skb, *off, &ip, sizeof(ip)))
		return -1;
	if (*(__u8 *)&ip >> 4 != 6)
		return -1;

	for (i = 0; i < 4; i++) {
		flow->saddr[i] = ip.saddr[i];
		flow->daddr[i] = ip.daddr[i];
	}
	flow->proto = ip.nexthdr;
	*off += sizeof(ip);

	for (i = 0; i < XPS_MAX_EXT_HDRS && !*fragment; i++) {
		switch (flow->proto) {
		case XPS_IPPROTO_HOPOPTS:
		case XPS_IPPROTO_ROUTING:
		case XPS_IPPROTO_DSTOPTS:
		case XPS_IPPROTO_FRAGMENT:
		case XPS_IPPROTO_AH:
			break;
		default:
			return 0;
		}
		if (bpf_skb_load_bytes(skb, *off, &ext, sizeof(ext)))
			return -1;
		if (flow->proto == XPS_IPPROTO_FRAGMENT) {
			*fragment = !!(xps_ntohs(ext.frag_off) & XPS_IPV6_FRAGMENT);
			*off += 8;
		} else if (flow->proto == XPS_IPPROTO_AH) {
			*off += (ext.len + 2) * 4;
		} else {
			*off += (ext.len + 1) * 8;
		}
		flow->proto = ext.nexthdr;
	}
	return 0;
}

static __inline_always int xps_flow_ports(struct __sk_buff *skb, __u32 off,
					  struct xps_flow *flow)
{
	struct {
		__u16 source;
		__u16 dest;
	} ports;

	switch (flow->proto) {
	case XPS_IPPROTO_TCP:
	case XPS_IPPROTO_UDP:
	case XPS_IPPROTO_DCCP:
	case XPS_IPPROTO_SCTP:
	case XPS_IPPROTO_UDPLITE:
		break;
	default:
		return 0;
	}
	if (bpf_skb_load_bytes(skb, off, &ports, sizeof(ports)))
		return -1;
	flow->sport = xps_ntohs(ports.source);
	flow->dport = xps_ntohs(ports.dest);
	flow->has_ports = 1;
	return 0;
}

/* Fills flow, which must be zeroed, from skb, whose network header (or first
 * tag) begins link_header bytes into the packet. Returns 0, or -1 if this is
 * neither IPv4 nor IPv6 or is cut short.
 */
static __inline_always int xps_flow_read(struct __sk_buff *skb, __u32 link_header,
					 struct xps_flow *flow)
{
	int fragment = 0;
	__u16 proto;
	__u32 off;
	int err;

	if (xps_flow_link(skb, link_header, flow, &off, &proto))
		return -1;

	switch (proto) {
	case XPS_ETH_P_IP:
		err = xps_flow_ipv4(skb, &off, flow, &fragment);
		break;
	case XPS_ETH_P_IPV6:
		err = xps_flow_ipv6(skb, &off, flow, &fragment);
		break;
	default:
		return -1;
	}
	if (err)
		return -1;

	/* Only the first fragment has ports. All fragments of a datagram go the
	 * same way, so none is asked for them.
	 */
	return fragment ? 0 : xps_flow_ports(skb, off, flow);
}

#endif /* XPS_FLOW_H */
