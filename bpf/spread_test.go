// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"fmt"
	"math"
	"testing"

	"xpsgen/bpf/policy"
)

// indirectionSize is the number of entries of the table of queues.
const indirectionSize = 1024

// flowsOfKind is how many flows of a kind are spread.
const flowsOfKind = 1024

// hashes returns the policy's hashes of flows of a kind, without a table of queues.
func (l *loaded) hashes(tb testing.TB, k kind) []int32 {
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
func (l *loaded) expectTable(tb testing.TB, k kind, plan *policy.QueuePlan, hs []int32) {
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

// spread measures how unevenly flows are spread: chi-square, and its degrees of freedom.
// Spreads of independent flows can be added.
type spread struct{ chi2, freedom float64 }

func spreadOf(hits []int) spread {
	var flows float64
	for _, n := range hits {
		flows += float64(n)
	}
	expected := flows / float64(len(hits))
	s := spread{freedom: float64(len(hits) - 1)}
	for _, n := range hits {
		s.chi2 += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	return s
}

func (s *spread) add(t spread) {
	s.chi2 += t.chi2
	s.freedom += t.freedom
}

// z returns by how many standard deviations the spread exceeds that of chance.
// Chi-square itself is far from normal: with 2 queues, it exceeds 3 of its standard
// deviations once in 45 times. Its cube root is nearly normal (Wilson and Hilferty,
// 1931).
func (s spread) z() float64 {
	v := 2 / (9 * s.freedom)
	return (math.Cbrt(s.chi2/s.freedom) - (1 - v)) / math.Sqrt(v)
}

// TestSpreadZ compares z with quantiles of chi-square from tables.
func TestSpreadZ(t *testing.T) {
	for _, tt := range []struct{ chi2, freedom, z float64 }{
		{3.841, 1, 1.645}, {6.635, 1, 2.326}, {10.828, 1, 3.090},
		{18.475, 7, 2.326}, {24.322, 7, 3.090}, {92.010, 63, 2.326}, {6.346, 7, 0},
	} {
		if z := (spread{tt.chi2, tt.freedom}).z(); math.Abs(z-tt.z) > 0.05 {
			t.Errorf("chi-square %v with %v degrees of freedom: z %.3f, want %v", tt.chi2, tt.freedom, z, tt.z)
		}
	}
	if s := spreadOf([]int{6, 2}); s != (spread{2, 1}) {
		t.Errorf("%+v", s)
	}
}

// TestFlowHashSpreads spreads flows that differ as little as those of one client.
// For each number of queues, the policy spreads all kinds of packets together as evenly
// as chance, with z below 3. A single kind has z below 5, because some of more than a
// hundred values exceed 3 by chance.
func TestFlowHashSpreads(t *testing.T) {
	counts := []int{2, 3, 7, 8, 64}
	total, worst := make([]spread, len(counts)), make([]float64, len(counts))
	plans := make([]*policy.QueuePlan, len(counts))
	for i, queues := range counts {
		plans[i] = mustPlan(t, upTo(queues), queues, queues)
	}
	l := newLoaded(t)
	// Kinds that differ only in headers that the policy skips have the same hashes.
	seen := make(map[string]bool)
	for _, k := range kinds() {
		if k.one {
			continue
		}
		hs := l.hashes(t, k)
		distinct := !seen[fmt.Sprint(hs)]
		seen[fmt.Sprint(hs)] = true
		for i, queues := range counts {
			l.expectTable(t, k, plans[i], hs)
			hits := make([]int, queues)
			for _, h := range hs {
				hits[entry(plans[i], h)]++
			}
			s := spreadOf(hits)
			if distinct {
				total[i].add(s)
			}
			if z := s.z(); z >= 5 {
				t.Errorf("%d queues, %s: z %.2f, %v", queues, k.name, z, hits)
			} else {
				worst[i] = max(worst[i], z)
			}
		}
	}
	for i, queues := range counts {
		t.Logf("%d queues: z %.2f, of one kind at most %.2f", queues, total[i].z(), worst[i])
		if z := total[i].z(); z >= 3 {
			t.Errorf("%d queues: z %.2f", queues, z)
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d distinct sets of flows, want 20", len(seen))
	}
}

// TestFlowHashKeepsOffQueues: an excluded queue gets no packet of any kind, for any
// number of queues in use that the plan covers.
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
		l := newLoaded(t)
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
