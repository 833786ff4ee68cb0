// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"xpsgen/bpf/policy"
)

// TestInstructions: with counters, no policy takes more instructions than it took
// without counters at commit 1a429f6. Both are measured by test runs, less those of a
// program that returns a constant. The clock must count instructions, as with xpsgen vm
// run --icount.
func TestInstructions(t *testing.T) {
	if !slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "icount") {
		t.Skip("the clock of this machine counts no instructions (make bench-policies)")
	}
	v4, v6 := ipv4(udp, 1, 2, 1000, 53).bytes(), ipv6(udp, 1, 2, 1000, 53).bytes()
	flowHash := func(opt policy.Options) (*policy.Policy, error) {
		plan, err := policy.Plan([]int{0, 1, 2, 3, 4, 5, 6, 7}, 8, 8, 0)
		if err != nil {
			return nil, err
		}
		return policy.LoadFlowHash(&policy.FlowHash{Options: opt, Plan: plan, Seed: new(uint32)})
	}
	mark := func(opt policy.Options) (*policy.Policy, error) {
		return policy.LoadMark(&policy.Mark{Options: opt, Queues: policy.Queues[uint32]{10: 5, 0x10000: 6, 0xcafe0001: 7}})
	}
	port := func(opt policy.Options) (*policy.Policy, error) {
		return policy.LoadPort(policy.Queues[policy.Port]{{Protocol: udp, Port: 53, Side: policy.Destination}: 3}, opt)
	}
	tests := []struct {
		name  string
		load  func(policy.Options) (*policy.Policy, error)
		frame []byte
		mark  uint32
		// old is the number of instructions at that commit. 0 means no limit.
		old float64
	}{
		{name: "flow-hash, 8 queues, IPv4 UDP", load: flowHash, frame: v4, old: 376},
		{name: "flow-hash, 8 queues, IPv6 UDP", load: flowHash, frame: v6, old: 413},
		{name: "flow-hash, 8 queues, ICMP", load: flowHash, frame: ipv4(icmp, 1, 2, 0, 0).bytes(), old: 324},
		{name: "cpu", load: func(opt policy.Options) (*policy.Policy, error) {
			return policy.LoadCPU(policy.Queues[uint32]{0: 3}, opt)
		}, frame: v4, old: 133},
		{name: "mark below 65536", load: mark, frame: v4, mark: 10, old: 139},
		{name: "mark from 65536", load: mark, frame: v4, mark: 0x10000, old: 143},
		{name: "mark from 65536, another", load: mark, frame: v4, mark: 0xcafe0001, old: 143},
		{name: "mark from 65536, not in the map", load: mark, frame: v4, mark: 0xcafe0002, old: 143},
		{name: "port, IPv4 UDP", load: port, frame: v4, old: 360},
		{name: "uid", load: func(opt policy.Options) (*policy.Policy, error) {
			return policy.LoadUID(policy.Queues[uint32]{0: 3, 65534: 3}, opt)
		}, frame: v4},
	}
	empty := instructions(t, mustLoad(t, "test_const", nil).Programs["test_const"], v4, 0)
	for _, tt := range tests {
		var cost [2]float64
		for i, opt := range []policy.Options{{NoStats: true}, {}} {
			p := mustPolicy(t, func() (*policy.Policy, error) { return tt.load(opt) })
			cost[i] = instructions(t, p.Program, tt.frame, tt.mark) - empty
		}
		if cost[0] <= 0 {
			t.Errorf("%s: %.1f instructions: the clock does not count them", tt.name, cost[0])
		}
		t.Logf("%-32s %6.1f, counted %6.1f, old %3.0f", tt.name, cost[0], cost[1], tt.old)
		if tt.old > 0 && cost[1] > tt.old {
			t.Errorf("%s takes %.1f instructions with counters, more than the %.0f of before", tt.name, cost[1], tt.old)
		}
	}
}

// instructions returns the instructions of a test run of the program and of the loop
// around it. It is the difference of two series of runs. It takes the minimum of
// several, because interrupts add instructions.
func instructions(tb testing.TB, prog *ebpf.Program, frame []byte, mark uint32) float64 {
	tb.Helper()
	const runs = 1000
	measure := func(repeat uint32) time.Duration {
		least := time.Duration(1 << 62)
		for range 10 {
			start := time.Now()
			_, err := prog.Run(&ebpf.RunOptions{Data: frame, Context: &skBuff{Mark: mark}, Repeat: repeat})
			least = min(least, time.Since(start))
			if err != nil {
				tb.Fatal(err)
			}
		}
		return least
	}
	measure(runs)
	return float64(measure(2*runs)-measure(runs)) / runs
}
