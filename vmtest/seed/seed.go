// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package seed provides the seed of tests with random input. The seed is the
// same in every run, so that a failure is the fault of the change under test.
// make test-long uses new ones.
package seed

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Variable is the environment variable that sets the seed: a number, or [New].
const Variable = "XPS_TEST_SEED"

// New is the value of [Variable] that makes each test use a new seed.
const New = "new"

// fixed is the seed where the environment does not name one.
const fixed = 607120647

// Rand returns a generator for the test tb and logs its seed, in the form that
// repeats the run.
func Rand(tb testing.TB) *rand.Rand {
	tb.Helper()
	seed := uint64(fixed)
	switch s := os.Getenv(Variable); s {
	case "":
	case New:
		seed = rand.Uint64()
	default:
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			tb.Fatalf("read $%s: %v", Variable, err)
		}
	}
	tb.Logf("%s=%d", Variable, seed)
	return rand.New(rand.NewPCG(seed, 1))
}
