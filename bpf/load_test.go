// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"xpsgen/bpf/policy"
)

// testSeed returns the seed of policies and logs it. It is XPS_TEST_SEED, or random if
// that is "new". The default is a constant.
func testSeed(tb testing.TB) uint32 {
	tb.Helper()
	seed := uint32(20190920)
	switch v := os.Getenv("XPS_TEST_SEED"); v {
	case "":
	case "new":
		seed = rand.Uint32()
	default:
		n, err := strconv.ParseUint(v, 10, 32)
		if err != nil {
			tb.Fatalf("XPS_TEST_SEED: %v", err)
		}
		seed = uint32(n)
	}
	tb.Logf("XPS_TEST_SEED=%d", seed)
	return seed
}

// mustFlowHash loads the policy, with testSeed unless cfg has a seed.
func mustFlowHash(tb testing.TB, cfg policy.FlowHash) *policy.Policy {
	tb.Helper()
	if cfg.Seed == nil {
		seed := testSeed(tb)
		cfg.Seed = &seed
	}
	return mustPolicy(tb, func() (*policy.Policy, error) { return policy.LoadFlowHash(&cfg) })
}

// mustPolicy loads a policy. It skips the test where that is not permitted.
func mustPolicy(tb testing.TB, load func() (*policy.Policy, error)) *policy.Policy {
	tb.Helper()
	p, err := load()
	if errors.Is(err, os.ErrPermission) {
		skipUnlessRequired(tb, "root", "loading BPF programs is not permitted (run as root): "+err.Error())
	}
	if err != nil {
		tb.Fatalf("%+v", err)
	}
	tb.Cleanup(p.Close)
	return p
}

// loaded keeps policies by their configuration, with one seed. Loading a policy takes
// longer than running it a hundred times.
type loaded struct {
	seed     uint32
	policies map[string]*policy.Policy
}

func newLoaded(tb testing.TB) *loaded {
	tb.Helper()
	return &loaded{seed: testSeed(tb), policies: make(map[string]*policy.Policy)}
}

// forKind returns the policy for a kind of packets.
func (l *loaded) forKind(tb testing.TB, k kind, cfg policy.FlowHash) *policy.Policy {
	tb.Helper()
	if k.set != nil {
		k.set(&cfg)
	}
	key := fmt.Sprintf("%+v", cfg)
	if l.policies[key] == nil {
		cfg.Seed = &l.seed
		l.policies[key] = mustFlowHash(tb, cfg)
	}
	return l.policies[key]
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
