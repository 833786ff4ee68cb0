// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"xpsgen/bpf/policy"
)

// TestFlowHashKinds: for each kind of packet, all forms of the packets of a flow have
// one value, and the reason of the kind is counted.
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

// TestFlowHashSymmetric: both directions of a flow have one value with the option
// Symmetric, and different values without it.
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

// TestFlowHashNoFlow: a packet without a flow has no preference, and is counted with a reason.
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

// TestFlowHashCuts: for a packet that is cut anywhere, the program returns -1 or a
// queue of the plan.
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

// TestFlowHashVLAN: with the option VLAN, the id of the outermost tag is part of a flow.
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

// TestFlowHashSeed: a given seed gives the same hash again, a random one does not.
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

// TestSetQueues: SetQueues changes the queue of a flow while the program is loaded.
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
