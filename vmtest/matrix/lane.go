// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

// each says how many cells a lane has.
type each int

const (
	eachOnce   each = iota // one
	eachFirst              // one, on the first kernel base
	eachBase               // one per kernel base
	eachThread             // one per series to submit, on each of its bases
	eachMail               // one per patch of each series to submit
	eachPatch              // one per kernel base and patch of its stacks
)

// lane is a row of the matrix: cells of one kind and configuration.
type lane struct {
	kind   string
	each   each
	config []string
	// arch is the architecture of the guest; empty means amd64.
	arch string
	// kernel says that the cells build a kernel first.
	kernel bool
	// mutants names some mutants; sample is how many are chosen at random. Neither means all.
	mutants []string
	sample  int
	// from is the first purpose in order that has the lane. until is the last one; empty
	// means no limit.
	from, until string
}

// order orders the purposes. A purpose also has the lanes of the purposes before it, except
// those that end before it.
var order = map[string]int{ForPR: 1, ForNightly: 2, ForAll: 3}

func (l *lane) in(purpose string) bool {
	n := order[purpose]
	return n >= order[l.from] && (l.until == "" || n <= order[l.until])
}

// lanes has the lanes of all purposes. The plan for a pull request covers make test. The
// plan for "all" adds make test-long. TestLanes compares them with the Makefile.
var lanes = []lane{
	{from: ForPR, kind: "lint"},
	{from: ForPR, kind: "unit"},
	{from: ForPR, kind: "check", each: eachThread},
	{from: ForPR, kind: "check-uapi", each: eachFirst},
	{from: ForPR, kind: "builds", each: eachFirst, kernel: true, until: ForPR},
	{from: ForPR, kind: "suite", each: eachBase, kernel: true},
	{from: ForPR, kind: "unpatched", each: eachFirst, kernel: true, until: ForPR},
	{from: ForPR, kind: "mutants", each: eachFirst, kernel: true, sample: 10, until: ForPR},
	{from: ForPR, kind: "guest", each: eachFirst, kernel: true, until: ForPR},
	{from: ForPR, kind: "objects", kernel: true},
	{from: ForPR, kind: "foreign", kernel: true},
	{from: ForPR, kind: "faults", kernel: true},
	{from: ForPR, kind: "report-test"},
	{from: ForPR, kind: "prove-quick"},

	{from: ForNightly, kind: "series", each: eachMail},
	{from: ForNightly, kind: "builds", each: eachBase, kernel: true},
	{from: ForNightly, kind: "unpatched", each: eachBase, kernel: true},
	{from: ForNightly, kind: "guest", each: eachBase, kernel: true},
	{from: ForNightly, kind: "suite", each: eachBase, config: []string{"debug"}, kernel: true},
	{from: ForNightly, kind: "suite", each: eachBase, config: []string{"rt"}, kernel: true},
	{from: ForNightly, kind: "suite", each: eachFirst, config: []string{"rt", "bhlock"}, kernel: true},
	{from: ForNightly, kind: "suite", each: eachBase, config: []string{"kcsan"}, kernel: true},
	{from: ForNightly, kind: "bisect", each: eachPatch, kernel: true},
	{from: ForNightly, kind: "mutants", each: eachBase, kernel: true},
	{from: ForNightly, kind: "mutants", each: eachBase, config: []string{"rt"}, mutants: []string{"sleeps-where-it-must-not"}, kernel: true},
	{from: ForNightly, kind: "mutants", each: eachBase, config: []string{"kcsan"}, mutants: []string{"counts-without-a-lock"}, kernel: true},
	{from: ForNightly, kind: "peers", each: eachFirst, kernel: true},

	{from: ForAll, kind: "mutate", each: eachBase, kernel: true},
	{from: ForAll, kind: "mutants", each: eachFirst, config: []string{"syz"}, mutants: []string{"puts-a-refused-program-twice"}, kernel: true},
	{from: ForAll, kind: "reach", each: eachBase, kernel: true},
	{from: ForAll, kind: "suite", each: eachFirst, arch: "arm64", kernel: true},
	{from: ForAll, kind: "suite", each: eachFirst, arch: "s390x", kernel: true},
	{from: ForAll, kind: "stock", arch: "arm64"},
	{from: ForAll, kind: "stock", arch: "s390x"},
	{from: ForAll, kind: "seeds", kernel: true},
	{from: ForAll, kind: "prove", each: eachBase},
	{from: ForAll, kind: "prove-mutants", each: eachBase},
	{from: ForAll, kind: "bench-policies", each: eachFirst, kernel: true},
	{from: ForAll, kind: "ten-days"},
	{from: ForAll, kind: "series-real"},
	{from: ForAll, kind: "stress", each: eachFirst, kernel: true},
	{from: ForAll, kind: "full"},
	{from: ForAll, kind: "fuzz"},
	{from: ForAll, kind: "fuzz-ip"},
	{from: ForAll, kind: "fuzz-headers"},
	{from: ForAll, kind: "objects-mutants", kernel: true},
	{from: ForAll, kind: "ip-testsuite", kernel: true},
	{from: ForAll, kind: "edits", each: eachFirst},
	{from: ForAll, kind: "ip-warnings"},
	{from: ForAll, kind: "defects"},
	{from: ForAll, kind: "verify-uapi"},
	{from: ForAll, kind: "ports"},
	{from: ForAll, kind: "bare-debian"},
}
