// SPDX-License-Identifier: GPL-2.0-only OR MIT

package record

import "regexp"

// Mutants requests a run over mutants of ip instead of the matrix. Each build has all
// mutants compiled in, as wire.MutantFile describes.
type Mutants struct {
	// IDs are the numbers of the mutants to try.
	IDs []int `json:"ids"`
	// End is one more than the highest number of any mutant.
	End int `json:"end"`
}

// MutantResult is the outcome of one mutant.
type MutantResult struct {
	ID int `json:"id"`
	// Reach is how many calls run the mutated code. Tried is how many were made with
	// the mutant.
	Reach int `json:"reach"`
	Tried int `json:"tried"`
	// Noticed names the call that ends differently with the mutant, and says how.
	// Empty if none does.
	Noticed string `json:"noticed,omitempty"`
}

// changing matches the parts of the output that differ between two runs of one call.
var changing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`/tmp/objects[0-9]+/`), ""},
	{regexp.MustCompile(`objects[0-9]+\b`), "NETNS"},
	{regexp.MustCompile(`\bverification time \d+ usec`), "verification time N usec"},
	{regexp.MustCompile(`[^\x20-\x7e\n]`), "?"},
}

// Normal returns the output of ip without the parts that differ between two runs of one
// call.
func Normal(output string) string {
	for _, c := range changing {
		output = c.pattern.ReplaceAllString(output, c.with)
	}
	return output
}
