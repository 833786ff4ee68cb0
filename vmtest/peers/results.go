// SPDX-License-Identifier: GPL-2.0-only OR MIT

package peers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// result is the result of one test.
type result struct {
	name   string
	action string // pass, fail or skip
	output []string
}

// results are the results of one package.
type results struct {
	tests []result
	// ended is how the package ended: pass, fail or skip; empty if the output of go test is truncated.
	ended string
	// output is the output that belongs to no test.
	output []string
}

// maxOutput is how many lines of a test are kept.
const maxOutput = 60

// readResults reads the output of go test -json.
func readResults(r io.Reader) (*results, error) {
	var all results
	index := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct {
			Action, Test, Output string
		}
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			// Output of the go command itself.
			all.output = append(all.output, lines.Text())
			continue
		}
		text := strings.TrimRight(e.Output, "\n")
		if e.Test == "" {
			switch e.Action {
			case "output":
				all.output = append(all.output, text)
			case "pass", "fail", "skip":
				all.ended = e.Action
			}
			continue
		}
		i, known := index[e.Test]
		if !known {
			i = len(all.tests)
			index[e.Test] = i
			all.tests = append(all.tests, result{name: e.Test})
		}
		t := &all.tests[i]
		switch e.Action {
		case "output":
			if len(t.output) < maxOutput {
				t.output = append(t.output, text)
			}
		case "pass", "fail", "skip":
			t.action = e.Action
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the results of go test: %w", err)
	}
	return &all, nil
}

// leaves returns the tests without subtests, sorted by name. Of a test that failed by
// itself although no subtest did, the test counts, too.
func (r *results) leaves() []result {
	parents := map[string]bool{}
	failedBelow := map[string]bool{}
	for _, t := range r.tests {
		for up := t.name; ; {
			i := strings.LastIndexByte(up, '/')
			if i < 0 {
				break
			}
			up = up[:i]
			parents[up] = true
			failedBelow[up] = failedBelow[up] || t.action == "fail"
		}
	}
	var all []result
	for _, t := range r.tests {
		if !parents[t.name] || t.action == "fail" && !failedBelow[t.name] {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b result) int { return strings.Compare(a.name, b.name) })
	return all
}
