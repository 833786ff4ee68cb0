// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import "encoding/json"

// jsonTest is the JSON form of a Test.
type jsonTest struct {
	Name     string     `json:"name"`
	Status   Status     `json:"status"`
	Reason   string     `json:"reason,omitempty"`
	Diag     []string   `json:"diagnostics,omitempty"`
	Seconds  float64    `json:"seconds,omitempty"`
	Subtests []jsonTest `json:"subtests,omitempty"`
}

func toJSON(tests []Test) []jsonTest {
	out := make([]jsonTest, 0, len(tests))
	for _, t := range tests {
		j := jsonTest{
			Name: t.Name, Status: t.Status, Reason: t.Reason,
			Diag: t.Diag, Seconds: t.Duration.Seconds(),
		}
		if len(t.Subtests) > 0 {
			j.Subtests = toJSON(t.Subtests)
		}
		out = append(out, j)
	}
	return out
}

// MarshalJSON renders the report as an object with plan, counts and tests. The plan is
// null if the report has none. Diagnostics and problems are present only if there are
// any. Durations are seconds.
func (r *Report) MarshalJSON() ([]byte, error) {
	v := struct {
		Plan     *int       `json:"plan"`
		Counts   Counts     `json:"counts"`
		Tests    []jsonTest `json:"tests"`
		Diag     []string   `json:"diagnostics,omitempty"`
		Problems []Problem  `json:"problems,omitempty"`
	}{Counts: r.Counts(), Tests: toJSON(r.Tests), Diag: r.Diag, Problems: r.Problems}
	if r.Plan >= 0 {
		v.Plan = &r.Plan
	}
	return json.Marshal(v)
}
