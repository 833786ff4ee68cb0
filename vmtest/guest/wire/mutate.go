// SPDX-License-Identifier: GPL-2.0-only OR MIT

package wire

// Files with which a guest with compiled-in mutants enables one of them, and reads which
// mutants were reached.
const (
	// MutantProc is a file of the kernel. Writing a number enables that mutant and clears
	// the list of reached mutants. Reading returns the mutants reached since.
	MutantProc = "/proc/xmut"
	// MutantFile is memory that is shared with ip. It has the number of the enabled
	// mutant, as 4 bytes in native order. Then it has a byte per mutant, which ip sets
	// when it reaches the mutant.
	MutantFile = "/xmut"
)

// Mutate is the task of [ModeMutate].
type Mutate struct {
	// Reach runs each test by itself without a mutant, and reports which mutants it
	// reaches.
	Reach bool `json:"reach,omitempty"`
	// Mutants are tried in this order.
	Mutants []MutantTask `json:"mutants,omitempty"`
	// Costs are how long the tests take without a mutant, in microseconds.
	Costs map[string]int64 `json:"costs,omitempty"`
	// IPFrom is the first number of ip's mutants; End is one more than the last
	// number.
	IPFrom int `json:"ipFrom"`
	End    int `json:"end"`
}

// MutantTask is one mutant with the tests that reach it, cheapest first.
type MutantTask struct {
	ID    int      `json:"id"`
	Tests []string `json:"tests"`
}

// Words of the report of [ModeMutate], which has a result for each test or mutant.
const (
	// MutantReached begins a line with the numbers that a test reached.
	MutantReached = "reached "
	// MutantStart begins a line before each test of a mutant: number, test.
	MutantStart = "start "
	// MutantUnhealthy begins a line that says why the guest stops early: a test
	// fails without a mutant now.
	MutantUnhealthy = "unhealthy "
)
