// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import "xpsgen/bpf/policy"

// kind is a kind of packet.
type kind struct {
	name string
	// flow returns packets of flow n, which must all have one queue.
	flow func(n uint16) []frame
	// reason is the reason that the policy counts.
	reason policy.Reason
	// set changes the configuration of the policy.
	set func(*policy.FlowHash)
	// one says that all flows have one queue.
	one bool
	// back, if set, returns a packet of the other direction of flow n.
	back func(n uint16) frame
}

func all(inner policy.Inner) func(*policy.FlowHash) {
	return func(c *policy.FlowHash) { c.Inner = inner }
}

// v4 and v6 return a packet of flow n. All flows have the same two addresses and the
// same destination port. The source port is 32768+n, because hosts use similar ports
// for their flows.
func v4(proto byte, n uint16) frame { return ipv4(proto, 1, 2, 32768+n, 443) }
func v6(proto byte, n uint16) frame { return ipv6(proto, 1, 2, 32768+n, 443) }

func pad(n int) []byte { return make([]byte, n) }

// kinds returns the kinds of packets that a host or a router sends, and of malformed
// packets that have a flow.
func kinds() []kind {
	one := func(f func(n uint16) frame) func(uint16) []frame {
		return func(n uint16) []frame { return []frame{f(n), f(n)} }
	}
	var ks []kind
	for name, proto := range map[string]byte{"tcp": tcp, "udp": udp, "sctp": sctp, "dccp": dccp, "udplite": ulite} {
		ks = append(ks,
			kind{name: "v4 " + name, reason: policy.ByPorts, back: func(n uint16) frame { return ipv4(proto, 2, 1, 443, 32768+n) },
				flow: func(n uint16) []frame {
					f := v4(proto, n)
					return []frame{f, f.options(), f.fragment(0x4000), f.with(append(f.rest, pad(1400)...))}
				}},
			kind{name: "v6 " + name, reason: policy.ByPorts, back: func(n uint16) frame { return ipv6(proto, 2, 1, 443, 32768+n) },
				flow: func(n uint16) []frame {
					f := v6(proto, n)
					return []frame{f, f.labelled(uint32(n)), f.with(append(f.rest, pad(1400)...))}
				}})
	}
	for name, tags := range map[string]func(frame) frame{
		"802.1q":      func(f frame) frame { return f.tagged(0x8100, 5) },
		"802.1ad":     func(f frame) frame { return f.tagged(0x88a8, 5) },
		"qinq":        func(f frame) frame { return f.tagged(0x8100, 5).tagged(0x88a8, 6) },
		"three tags":  func(f frame) frame { return f.tagged(0x8100, 5).tagged(0x8100, 6).tagged(0x88a8, 7) },
		"priority":    func(f frame) frame { return f.tagged(0x8100, 0xe000) },
		"two 802.1q":  func(f frame) frame { return f.tagged(0x8100, 5).tagged(0x8100, 6) },
		"same, twice": func(f frame) frame { return f.tagged(0x8100, 5).tagged(0x8100, 5) },
	} {
		ks = append(ks,
			kind{name: "v4 udp, " + name, reason: policy.ByPorts, flow: func(n uint16) []frame { return []frame{v4(udp, n), tags(v4(udp, n))} }},
			kind{name: "v6 tcp, " + name, reason: policy.ByPorts, flow: func(n uint16) []frame { return []frame{v6(tcp, n), tags(v6(tcp, n))} }})
	}
	option := []byte{0, 0, 0, 0, 0, 0, 0}
	fragment := func(f frame, field uint16) frame { return f.ext(44, 0, byte(field>>8), byte(field), 1, 2, 3, 4) }
	ks = append(ks,
		kind{name: "v4 udp fragments", reason: policy.ByFragment, flow: func(n uint16) []frame {
			first := v4(udp, 1).from(n).fragment(0x2000)
			return []frame{first, first.with([]byte("payload that is not a port")).fragment(0x00b9), first.with([]byte{7}).fragment(0x2172)}
		}},
		kind{name: "v4 tcp fragments", reason: policy.ByFragment, flow: func(n uint16) []frame {
			return []frame{v4(tcp, 1).from(n).fragment(0x2000), v4(tcp, 9).from(n).fragment(0x0001)}
		}},
		kind{name: "v6 udp fragments", reason: policy.ByFragment, flow: func(n uint16) []frame {
			f := ipv6(udp, 1, 2, 1, 2).from(n)
			return []frame{fragment(f, 1), fragment(f.with([]byte("no port")), 0x0bb8), fragment(f.with([]byte{7}), 0x0bb9)}
		}},
		kind{name: "v4 udp, whole and fragments", reason: policy.ByAddresses, set: func(c *policy.FlowHash) { c.UDPByAddresses = true },
			flow: func(n uint16) []frame { return []frame{v4(udp, n).from(n), v4(udp, 7).from(n)} }},
		kind{name: "v6 atomic fragment", reason: policy.ByPorts, flow: func(n uint16) []frame { return []frame{v6(udp, n), fragment(v6(udp, n), 0)} }},
		kind{name: "v6 hop-by-hop", reason: policy.ByPorts, flow: func(n uint16) []frame { return []frame{v6(tcp, n), v6(tcp, n).ext(0, option...)} }},
		kind{name: "v6 long destination options", reason: policy.ByPorts, flow: func(n uint16) []frame {
			return []frame{v6(tcp, n), v6(tcp, n).ext(60, append([]byte{3}, pad(30)...)...)}
		}},
		kind{name: "v6 six extensions", reason: policy.ByPorts, flow: func(n uint16) []frame {
			f := v6(udp, n).ext(0, option...).ext(60, option...).ext(43, option...).ext(60, option...).ext(43, option...)
			return []frame{v6(udp, n), f}
		}},
		kind{name: "v6 seven extensions", reason: policy.ByAddresses, flow: func(n uint16) []frame {
			f := ipv6(udp, 1, 2, 1, 2).from(n)
			for range 7 {
				f = f.ext(60, option...)
			}
			return []frame{f, f.with(ports(udp, 7, 8))}
		}},
		kind{name: "v6 flow label", reason: policy.ByLabel, set: func(c *policy.FlowHash) { c.FlowLabel = true }, flow: func(n uint16) []frame {
			f := ipv6(udp, 1, 2, 1, 2).labelled(uint32(n) + 1)
			return []frame{f, f.with(ports(udp, 7, 8)), fragment(f, 1), f.ext(0, option...)}
		}},
		kind{name: "v6 flow label of 0", reason: policy.ByPorts, set: func(c *policy.FlowHash) { c.FlowLabel = true }, flow: one(func(n uint16) frame { return v6(tcp, n) })},
		kind{name: "v4 icmp", reason: policy.ByAddresses, flow: func(n uint16) []frame {
			return []frame{ipv4(icmp, 1, 2, 0x0800, 1).from(n), ipv4(icmp, 1, 2, 0, 2).from(n)}
		}},
		kind{name: "v6 icmp", reason: policy.ByAddresses, flow: one(func(n uint16) frame { return ipv6(58, 1, 2, 0x8000, 1).from(n) })},
		kind{name: "v4 ospf", reason: policy.ByAddresses, flow: one(func(n uint16) frame { return ipv4(ospf, 1, 2, 1, 1).from(n) })},
		kind{name: "v4 without payload", reason: policy.ByAddresses, flow: one(func(n uint16) frame { return ipv4(ospf, 1, 2, 1, 1).from(n).with(nil) })},
		kind{name: "v4 one host", reason: policy.ByPorts, one: true, set: func(c *policy.FlowHash) { c.AddressesOnly = true }, flow: one(func(n uint16) frame { return v4(tcp, n) })},
		kind{name: "v4 esp", reason: policy.BySPI, flow: one(func(n uint16) frame { return ipv4(esp, 1, 2, n, 0x0100+n) })},
		kind{name: "v6 esp", reason: policy.BySPI, flow: one(func(n uint16) frame { return ipv6(esp, 1, 2, n, 0x0100+n) })},
		kind{name: "v4 esp without SPI", reason: policy.ByAddresses, one: true, set: func(c *policy.FlowHash) { c.NoSPI = true }, flow: one(func(n uint16) frame { return ipv4(esp, 1, 2, n, 1) })},
		kind{name: "v4 esp in udp", reason: policy.ByPorts, flow: one(func(n uint16) frame { return ipv4(udp, 1, 2, 4500+n, 4500) })},
		kind{name: "v6 ah", reason: policy.ByPorts, flow: func(n uint16) []frame {
			// The length of AH is in words of four bytes, less two.
			f := v6(tcp, n)
			f.network[6] = ah
			f.rest = append([]byte{tcp, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, f.rest...)
			return []frame{v6(tcp, n), f}
		}},
		kind{name: "ipip", reason: policy.ByInner, flow: one(func(n uint16) frame { return in4(ipip, v4(tcp, n).packet()) })},
		kind{name: "6in4", reason: policy.ByInner, flow: one(func(n uint16) frame { return in4(sit, v6(tcp, n).packet()) })},
		kind{name: "4in6", reason: policy.ByInner, flow: one(func(n uint16) frame { return in6(ipip, v4(tcp, n).packet()) })},
		kind{name: "6in6", reason: policy.ByInner, flow: one(func(n uint16) frame { return in6(sit, v6(tcp, n).packet()) })},
		kind{name: "ipip, outside", reason: policy.ByAddresses, one: true, set: all(policy.InnerNone), flow: one(func(n uint16) frame { return in4(ipip, v4(tcp, n).packet()) })},
		kind{name: "ipip with fragments inside", reason: policy.ByInner, flow: func(n uint16) []frame {
			f := v4(udp, 1).from(n)
			return []frame{in4(ipip, f.fragment(0x2000).packet()), in4(ipip, f.with([]byte("x")).fragment(3).packet())}
		}},
		kind{name: "ipip with nothing inside", reason: policy.ByInner, one: true, flow: one(func(n uint16) frame { return in4(ipip, []byte{0x45, byte(n)}) })},
		kind{name: "gre", reason: policy.ByInner, flow: func(n uint16) []frame {
			p := v4(tcp, n).packet()
			return []frame{in4(gre, greOf(0, 0x0800, p)), in4(gre, greOf(0x2000, 0x0800, p)), in4(gre, greOf(0xb000, 0x0800, p))}
		}},
		kind{name: "gre of v6", reason: policy.ByInner, flow: one(func(n uint16) frame { return in4(gre, greOf(0, 0x86dd, v6(tcp, n).packet())) })},
		kind{name: "gretap", reason: policy.ByInner, flow: one(func(n uint16) frame { return in6(gre, greOf(0x2000, 0x6558, v4(tcp, n).bytes())) })},
		kind{name: "gre of version 1", reason: policy.ByAddresses, one: true, flow: one(func(n uint16) frame { return in4(gre, greOf(1, 0x880b, v4(tcp, n).packet())) })},
		kind{name: "vxlan by its source port", reason: policy.ByPorts, flow: one(func(n uint16) frame { return in4(udp, vxlanOf(49152+n, v4(tcp, 1).bytes())) })},
		kind{name: "vxlan", reason: policy.ByInner, set: all(policy.InnerVXLAN), flow: func(n uint16) []frame {
			return []frame{in4(udp, vxlanOf(49152, v4(tcp, n).bytes())), in4(udp, vxlanOf(50000+n, v4(tcp, n).bytes()))}
		}},
		kind{name: "vxlan of v6 in v6", reason: policy.ByInner, set: all(policy.InnerVXLAN), flow: one(func(n uint16) frame { return in6(udp, vxlanOf(49152, v6(udp, n).bytes())) })},
		kind{name: "vxlan of arp", reason: policy.ByInner, one: true, set: all(policy.InnerVXLAN), flow: one(func(n uint16) frame {
			return in4(udp, vxlanOf(49152+n, frame{proto: 0x0806, rest: pad(28)}.bytes()))
		})},
		kind{name: "geneve", reason: policy.ByInner, set: all(policy.InnerGENEVE), flow: func(n uint16) []frame {
			return []frame{in4(udp, geneveOf(49152, 0, 0x6558, v4(tcp, n).bytes())), in4(udp, geneveOf(50000, 3, 0x6558, v4(tcp, n).bytes()))}
		}},
		kind{name: "geneve of v4", reason: policy.ByInner, set: all(policy.InnerGENEVE), flow: one(func(n uint16) frame { return in4(udp, geneveOf(49152, 1, 0x0800, v4(tcp, n).packet())) })},
		kind{name: "mpls of v4", reason: policy.ByPorts, flow: func(n uint16) []frame {
			return []frame{v4(tcp, n), mplsOf(v4(tcp, n).packet(), 100), mplsOf(v4(tcp, n).packet(), 16, 17, 18)}
		}},
		kind{name: "mpls of v6", reason: policy.ByPorts, flow: one(func(n uint16) frame { return mplsOf(v6(tcp, n).packet(), 100, 200) })},
		kind{name: "mpls of what is not ip", reason: policy.ByMPLS, flow: func(n uint16) []frame {
			return []frame{mplsOf(pad(20), 100, 1000+uint32(n)), mplsOf([]byte{0, 1, 2, 3, 4}, 100, 1000+uint32(n))}
		}},
		kind{name: "mpls of nothing", reason: policy.ByMPLS, flow: one(func(n uint16) frame { return mplsOf(nil, 1000+uint32(n)) })},
		kind{name: "mpls in a vlan", reason: policy.ByPorts, flow: func(n uint16) []frame {
			return []frame{mplsOf(v4(tcp, n).packet(), 7), mplsOf(v4(tcp, n).packet(), 7).tagged(0x8100, 3)}
		}},
		kind{name: "v4 jumbo", reason: policy.ByPorts, flow: func(n uint16) []frame {
			return []frame{v4(tcp, n), v4(tcp, n).with(append(v4(tcp, n).rest, pad(3000)...))}
		}},
	)
	return ks
}
