// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"testing"

	"xpsgen/bpf/policy"
)

// kind is a kind of packet.
type kind struct {
	name string
	// flow returns packets of flow n, which must all have one queue.
	flow func(n uint16) []frame
	// reason is the one that is counted.
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

// v4 and v6 are packets of flow n: of one client, with ports in order, as nearly
// all flows of a host are.
func v4(proto byte, n uint16) frame { return ipv4(proto, 1, 2, 32768+n, 443) }
func v6(proto byte, n uint16) frame { return ipv6(proto, 1, 2, 32768+n, 443) }

func pad(n int) []byte { return make([]byte, n) }

// kinds are the packets that a host or a router sends, and some that it should
// not.
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
			return []frame{first, first.with([]byte("payload that is no port")).fragment(0x00b9), first.with([]byte{7}).fragment(0x2172)}
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
			// Its length is in words of four bytes, less two.
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

// mustFlowHash loads the policy with a seed that does not change.
func mustFlowHash(tb testing.TB, cfg policy.FlowHash) *policy.Policy {
	tb.Helper()
	if cfg.Seed == nil {
		seed := uint32(20190920)
		cfg.Seed = &seed
	}
	p, err := policy.LoadFlowHash(&cfg)
	if errors.Is(err, os.ErrPermission) {
		skipUnlessRequired(tb, "root", "loading BPF programs is not permitted (run as root): "+err.Error())
	}
	if err != nil {
		tb.Fatalf("%+v", err)
	}
	tb.Cleanup(p.Close)
	return p
}

// loaded are policies by their configuration: loading one takes longer than to run
// it a hundred times.
type loaded map[string]*policy.Policy

// forKind returns the policy for a kind of packets.
func (l loaded) forKind(tb testing.TB, k kind, cfg policy.FlowHash) *policy.Policy {
	tb.Helper()
	if k.set != nil {
		k.set(&cfg)
	}
	key := fmt.Sprintf("%+v", cfg)
	if l[key] == nil {
		l[key] = mustFlowHash(tb, cfg)
	}
	return l[key]
}

func mustPlan(tb testing.TB, queues []int, inUse, max int) *policy.QueuePlan {
	tb.Helper()
	plan, err := policy.Plan(queues, inUse, max, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return plan
}

func upTo(n int) []int {
	var queues []int
	for q := range n {
		queues = append(queues, q)
	}
	return queues
}

// TestFlowHashKinds: of each kind of packet, a flow has one queue, for the reason
// that is stated, whatever its packets look like.
func TestFlowHashKinds(t *testing.T) {
	ks := kinds()
	if len(ks) < 60 {
		t.Errorf("%d kinds of packets, want 60", len(ks))
	}
	for _, k := range ks {
		t.Run(k.name, func(t *testing.T) {
			cfg := policy.FlowHash{}
			if k.set != nil {
				k.set(&cfg)
			}
			p := mustFlowHash(t, cfg)
			values := make(map[int32]bool)
			packets := uint64(0)
			const flows = 32
			for n := range uint16(flows) {
				var first int32
				for i, f := range k.flow(n) {
					got := runProgram(t, p.Program, f.bytes(), nil)
					packets++
					if i == 0 {
						first = got
					}
					if got < 0 || got != first {
						t.Fatalf("flow %d, packet %d: %d, packet 0: %d", n, i, got, first)
					}
				}
				values[first] = true
			}
			if k.one != (len(values) == 1) || !k.one && len(values) < flows-1 {
				t.Errorf("%d values for %d flows", len(values), flows)
			}
			c, err := p.Counters()
			if err != nil {
				t.Fatal(err)
			}
			var sum uint64
			for _, n := range c.Reasons {
				sum += n
			}
			if sum != packets || c.Reasons[k.reason] == 0 {
				t.Errorf("%d packets, counted %v, want %s among them", packets, c.Reasons, k.reason)
			}
		})
	}
}

// TestFlowHashSymmetric: with that option both directions of a flow share a
// queue, and without they do not.
func TestFlowHashSymmetric(t *testing.T) {
	for _, symmetric := range []bool{true, false} {
		p := mustFlowHash(t, policy.FlowHash{Symmetric: symmetric})
		for _, k := range kinds() {
			if k.back == nil {
				continue
			}
			const flows = 64
			equal := 0
			for n := range uint16(flows) {
				if runProgram(t, p.Program, k.flow(n)[0].bytes(), nil) == runProgram(t, p.Program, k.back(n).bytes(), nil) {
					equal++
				}
			}
			if symmetric && equal != flows || !symmetric && equal > 1 {
				t.Errorf("%s, symmetric %t: %d of %d flows have one value in both directions", k.name, symmetric, equal, flows)
			}
		}
		// Two hosts with the same port on either side.
		a, b := ipv4(udp, 1, 2, 500, 500), ipv4(udp, 2, 1, 500, 500)
		if same := runProgram(t, p.Program, a.bytes(), nil) == runProgram(t, p.Program, b.bytes(), nil); same != symmetric {
			t.Errorf("equal ports: %t, want %t", same, symmetric)
		}
	}
}

// indirectionSize is the number of entries of the table of queues.
const indirectionSize = 1024

// flowsOfKind is how many flows of a kind are spread.
const flowsOfKind = 1024

// hashes returns what the policy returns for flows of a kind without a table.
func (l loaded) hashes(tb testing.TB, k kind) []int32 {
	tb.Helper()
	p := l.forKind(tb, k, policy.FlowHash{Options: policy.Options{NoStats: true}})
	var hs []int32
	for n := range uint16(flowsOfKind) {
		hs = append(hs, runProgram(tb, p.Program, k.flow(n)[0].bytes(), nil))
	}
	return hs
}

// expectTable fails the test unless the program, with the plan in its table,
// returns the entry of the low bits of the hash.
func (l loaded) expectTable(tb testing.TB, k kind, plan *policy.QueuePlan, hs []int32) {
	tb.Helper()
	p := l.forKind(tb, k, policy.FlowHash{Plan: plan})
	for n := range uint16(8) {
		want := entry(plan, hs[n])
		if got := runProgram(tb, p.Program, k.flow(n)[0].bytes(), nil); got != want {
			tb.Fatalf("%s, flow %d: %d, want %d of the table", k.name, n, got, want)
		}
	}
}

func entry(plan *policy.QueuePlan, hash int32) int32 {
	return plan.Values[int(hash%indirectionSize)%len(plan.Values)]
}

// TestFlowHashSpreads: over every number of queues, flows that differ as little as
// those of one client do are spread as chance would: z is how many standard
// deviations chi-square is above its mean.
func TestFlowHashSpreads(t *testing.T) {
	counts := []int{2, 3, 7, 8, 64}
	plans := make(map[int]*policy.QueuePlan)
	for _, queues := range counts {
		plans[queues] = mustPlan(t, upTo(queues), queues, queues)
	}
	l := make(loaded)
	worst := make(map[int]float64)
	for _, k := range kinds() {
		if k.one {
			continue
		}
		hs := l.hashes(t, k)
		for _, queues := range counts {
			plan := plans[queues]
			l.expectTable(t, k, plan, hs)
			hits := make([]int, queues)
			for _, h := range hs {
				hits[entry(plan, h)]++
			}
			expected := float64(len(hs)) / float64(queues)
			var chi float64
			for _, n := range hits {
				chi += (float64(n) - expected) * (float64(n) - expected) / expected
			}
			df := float64(queues - 1)
			z := (chi - df) / math.Sqrt(2*df)
			worst[queues] = max(worst[queues], z)
			if z >= 3 {
				t.Errorf("%d queues, %s: z %.2f, %v", queues, k.name, z, hits)
			}
		}
	}
	for _, queues := range counts {
		t.Logf("%d queues: z at most %.2f", queues, worst[queues])
	}
}

// TestFlowHashKeepsOffQueues: no queue that is left out gets a packet of any kind,
// with any number of queues in use that the plan covers.
func TestFlowHashKeepsOffQueues(t *testing.T) {
	for _, tt := range []struct {
		queues     []int
		inUse, max int
		min        int
	}{
		{[]int{1, 2, 3, 4, 5, 6, 7}, 8, 8, 5},
		{[]int{1, 3, 5, 7}, 8, 8, 2},
		{[]int{1, 2}, 4, 8, 3},
		{[]int{0, 1}, 8, 8, 1},
		{[]int{2, 3, 4, 5, 6, 7}, 8, 64, 8},
	} {
		plan := mustPlan(t, tt.queues, tt.inUse, tt.max)
		if plan.Min != tt.min {
			t.Errorf("%v of %d: holds down to %d, want %d", tt.queues, tt.inUse, plan.Min, tt.min)
		}
		allowed := make(map[int]bool)
		for _, q := range tt.queues {
			allowed[q] = true
		}
		seen := make(map[int]bool)
		l := make(loaded)
		for _, k := range kinds() {
			p := l.forKind(t, k, policy.FlowHash{Plan: plan})
			for n := range uint16(8) {
				got := int(runProgram(t, p.Program, k.flow(n)[0].bytes(), nil))
				seen[got%tt.inUse] = true
				for inUse := plan.Min; inUse <= plan.Max; inUse++ {
					if got < 0 || !allowed[got%inUse] {
						t.Fatalf("%s: %d, with %d queues in use %d, want one of %v", k.name, got, inUse, got%inUse, tt.queues)
					}
				}
			}
		}
		if len(seen) != len(tt.queues) {
			t.Errorf("queues %v used, want %v", seen, tt.queues)
		}
	}
}

// TestFlowHashNoFlow: what is no flow has no preference, for the reason counted.
func TestFlowHashNoFlow(t *testing.T) {
	reasons := map[string]policy.Reason{
		"not ip": policy.ByNotIP, "four tags": policy.ByTags,
	}
	for name, f := range undecided() {
		p := mustFlowHash(t, policy.FlowHash{})
		if got := runProgram(t, p.Program, f.bytes(), nil); got != -1 {
			t.Errorf("%s: %d, want -1", name, got)
		}
		want, ok := reasons[name]
		if !ok {
			want = policy.ByMalformed
		}
		c, err := p.Counters()
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(c.Reasons) != fmt.Sprint(map[policy.Reason]uint64{want: 1}) || len(c.Queues) != 0 {
			t.Errorf("%s: counted %v %v, want %s", name, c.Reasons, c.Queues, want)
		}
	}
}

// TestFlowHashCuts: a packet that is cut anywhere has no preference or the answer
// of its flow; it never leads out of the packet or the queues.
func TestFlowHashCuts(t *testing.T) {
	plan := mustPlan(t, upTo(3), 3, 3)
	for _, inner := range []policy.Inner{0, policy.InnerNone, policy.InnerVXLAN | policy.InnerGENEVE | policy.InnerGRE | policy.InnerIPIP} {
		p := mustFlowHash(t, policy.FlowHash{Plan: plan, Inner: inner})
		for _, k := range kinds() {
			// Without a tag, a test run rejects a short header.
			b := k.flow(1)[0].tagged(0x8100, 1).bytes()
			for n := 14; n < min(len(b), 96); n++ {
				if got := runProgram(t, p.Program, b[:n], nil); got < -1 || got > 2 {
					t.Errorf("%s cut to %d bytes: %d", k.name, n, got)
				}
			}
		}
	}
}

// TestFlowHashVLAN: the outermost tag is part of a flow if asked for.
func TestFlowHashVLAN(t *testing.T) {
	base := v4(udp, 1)
	for _, vlan := range []bool{true, false} {
		p := mustFlowHash(t, policy.FlowHash{VLAN: vlan})
		value := func(f frame) int32 { return runProgram(t, p.Program, f.bytes(), nil) }
		if (value(base.tagged(0x8100, 5)) != value(base.tagged(0x8100, 6))) != vlan {
			t.Errorf("VLAN %t: tag", vlan)
		}
		outer, other := base.tagged(0x8100, 1).tagged(0x88a8, 5), base.tagged(0x8100, 1).tagged(0x88a8, 6)
		if (value(outer) != value(other)) != vlan {
			t.Errorf("VLAN %t: outer tag", vlan)
		}
		if value(outer) != value(base.tagged(0x8100, 2).tagged(0x88a8, 5)) {
			t.Errorf("VLAN %t: inner tag", vlan)
		}
	}
}

// TestFlowHashSeed: two loads put flows on different queues, and a seed that is
// given repeats.
func TestFlowHashSeed(t *testing.T) {
	value := func(seed *uint32) int32 {
		p, err := policy.LoadFlowHash(&policy.FlowHash{Seed: seed})
		if errors.Is(err, os.ErrPermission) {
			skipUnlessRequired(t, "root", err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		return runProgram(t, p.Program, v4(tcp, 1).bytes(), nil)
	}
	one := uint32(1)
	if a, b := value(&one), value(&one); a != b {
		t.Errorf("%d and %d with one seed", a, b)
	}
	if a, b, c := value(nil), value(nil), value(nil); a == b && b == c {
		t.Errorf("%d three times without a seed", a)
	}
}

// TestSetQueues: the table changes while the program is in use.
func TestSetQueues(t *testing.T) {
	p := mustFlowHash(t, policy.FlowHash{Plan: mustPlan(t, []int{1}, 4, 4)})
	value := func() int32 { return runProgram(t, p.Program, v4(tcp, 1).bytes(), nil) }
	before := value()
	if err := policy.SetQueues(p.Indirection(), mustPlan(t, []int{3}, 4, 4)); err != nil {
		t.Fatal(err)
	}
	if after := value(); before%4 != 1 || after%4 != 3 {
		t.Errorf("%d before, %d after", before, after)
	}
	c, err := p.Counters()
	if err != nil || c.Queues[int(before)] != 1 {
		t.Errorf("%v, %v, want one packet for %d", c, err, before)
	}
	if err := policy.SetQueues(mustLoad(t, "xps_cpu", nil).Maps["cpu_queue"], mustPlan(t, []int{1}, 4, 4)); !errors.Is(err, policy.ErrOptions) {
		t.Errorf("%v, want %v", err, policy.ErrOptions)
	}
}
