/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packet headers, and functions that load them.
 *
 * Helpers load the data, because they return errors. LD_ABS does not: out of
 * bounds it ends the program with 0, which selects queue 0.
 */
#ifndef XPS_PACKET_H
#define XPS_PACKET_H

#include "xps_helpers.h"

enum {
	XPS_ETH_HLEN = 14,
	XPS_ETH_TYPE = 12,		/* offset of the ethertype */

	XPS_ETH_P_IP = 0x0800,
	XPS_ETH_P_TEB = 0x6558,		/* Ethernet in GRE or GENEVE */
	XPS_ETH_P_8021Q = 0x8100,
	XPS_ETH_P_IPV6 = 0x86dd,
	XPS_ETH_P_MPLS_UC = 0x8847,
	XPS_ETH_P_MPLS_MC = 0x8848,
	XPS_ETH_P_8021AD = 0x88a8,

	XPS_IP_FRAGMENT = 0x3fff,	/* MF or an offset */
	XPS_IPV6_FRAGMENT = 0xfff9,	/* M or an offset */

	XPS_IPPROTO_HOPOPTS = 0,
	XPS_IPPROTO_IPIP = 4,
	XPS_IPPROTO_TCP = 6,
	XPS_IPPROTO_UDP = 17,
	XPS_IPPROTO_DCCP = 33,
	XPS_IPPROTO_IPV6 = 41,
	XPS_IPPROTO_ROUTING = 43,
	XPS_IPPROTO_FRAGMENT = 44,
	XPS_IPPROTO_GRE = 47,
	XPS_IPPROTO_ESP = 50,
	XPS_IPPROTO_AH = 51,
	XPS_IPPROTO_DSTOPTS = 60,
	XPS_IPPROTO_SCTP = 132,
	XPS_IPPROTO_UDPLITE = 136,

	XPS_PORT_VXLAN = 4789,
	XPS_PORT_GENEVE = 6081,
};

/* Where the next header is. */
struct xps_cursor {
	__u32 start;			/* BPF_HDR_START_* */
	__u32 off;
	__u16 type;			/* ethertype of the header, host order */
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

static __inline_always int xps_is_tag(__u16 type)
{
	return type == XPS_ETH_P_8021Q || type == XPS_ETH_P_8021AD;
}

/* Guess the offset of a network header that is outside of the linear part. The kernel
 * does not provide this offset. Assume an Ethernet header if the ethertype is in its
 * place and, for IP, the version follows.
 */
static __inline_always __u32 xps_net_offset(struct __sk_buff *skb)
{
	__u8 version = 0;
	struct {
		__u16 type;
		__u8 version_ihl;
		__u8 tos;
	} h;

	if (bpf_skb_load_bytes(skb, XPS_ETH_TYPE, &h, sizeof(h)) ||
	    h.type != (__u16)skb->protocol)
		return 0;
	if (h.type == xps_htons(XPS_ETH_P_IP))
		version = 4;
	else if (h.type == xps_htons(XPS_ETH_P_IPV6))
		version = 6;
	return !version || h.version_ihl >> 4 == version ? XPS_ETH_HLEN : 0;
}

/* Load data that may be outside of the linear part. The relative helper cannot read
 * it. That is rare, so this is not inlined, which keeps the program short.
 */
__noinline int xps_load_data(struct __sk_buff *skb, __u32 start, __u32 off,
			     void *to, __u32 len)
{
	if (start == BPF_HDR_START_NET)
		off += xps_net_offset(skb);
	/* The data begins at the MAC header. */
	if (len == 2)
		return bpf_skb_load_bytes(skb, off, to, 2);
	if (len == 4)
		return bpf_skb_load_bytes(skb, off, to, 4);
	if (len == 20)
		return bpf_skb_load_bytes(skb, off, to, 20);
	if (len == 24)
		return bpf_skb_load_bytes(skb, off, to, 24);
	if (len == 40)
		return bpf_skb_load_bytes(skb, off, to, 40);
	if (len == 44)
		return bpf_skb_load_bytes(skb, off, to, 44);
	return -1;
}

static __inline_always int xps_load(struct __sk_buff *skb,
				    const struct xps_cursor *c, __u32 off,
				    void *to, __u32 len)
{
	if (likely(!bpf_skb_load_bytes_relative(skb, c->off + off, to, len,
						c->start)))
		return 0;
	return xps_load_data(skb, c->start, c->off + off, to, len);
}

#endif /* XPS_PACKET_H */
