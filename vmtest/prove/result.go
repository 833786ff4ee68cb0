// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Status is CBMC's result for a property.
type Status string

// The states of a property.
const (
	Success Status = "SUCCESS"
	Failure Status = "FAILURE"
	// Unknown is a property after one that fails: CBMC does not look further.
	Unknown Status = "UNKNOWN"
)

// location is a place in the source.
type location struct {
	File     string `json:"file"`
	Function string `json:"function"`
	Line     string `json:"line"`
}

// finding is one property in CBMC's output.
type finding struct {
	ID          string   `json:"property"`
	Description string   `json:"description"`
	Where       location `json:"sourceLocation"`
	Status      Status   `json:"status"`
	Trace       []step   `json:"trace"`
}

// step is a step of a trace. Only outputs matter here.
type step struct {
	Type   string  `json:"stepType"`
	Text   string  `json:"outputID"`
	Values []value `json:"values"`
}

type value struct {
	Name string `json:"name"`
	// Data is a string, or a boolean.
	Data any `json:"data"`
}

// message is one element of CBMC's JSON output.
type message struct {
	Type   string    `json:"messageType"`
	Text   string    `json:"messageText"`
	Result []finding `json:"result"`
	// Status is the verdict on the program.
	Status string `json:"cProverStatus"`
	// With --stop-on-fail the property that fails stands alone, without its place.
	ID          string `json:"property"`
	Description string `json:"description"`
	Trace       []step `json:"trace"`
}

// ErrChecker is wrapped by errors of CBMC itself: it did not accept the program, or its
// output cannot be read.
var ErrChecker = errors.New("CBMC gave no verdict")

// readResult reads the output of cbmc --json-ui.
func readResult(r io.Reader) (findings []finding, err error) {
	dec := json.NewDecoder(r)
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, fmt.Errorf("%w: its output is not a JSON list: %v", ErrChecker, err)
	}
	var problems []string
	verdict := false
	for dec.More() {
		var m message
		if err := dec.Decode(&m); err != nil {
			return nil, fmt.Errorf("%w: read its output: %w", ErrChecker, err)
		}
		if m.Type == "ERROR" {
			problems = append(problems, strings.TrimSpace(m.Text))
		}
		findings = append(findings, m.Result...)
		if m.ID != "" {
			function, _, _ := strings.Cut(m.ID, ".")
			findings = append(findings, finding{m.ID, m.Description, location{Function: function}, Failure, m.Trace})
		}
		verdict = verdict || m.Status != ""
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("%w: its output ends early: %w", ErrChecker, err)
	}
	switch {
	case len(problems) > 0:
		return nil, fmt.Errorf("%w: %s", ErrChecker, strings.Join(problems, "; "))
	case !verdict || len(findings) == 0:
		return nil, fmt.Errorf("%w: its output has no result", ErrChecker)
	}
	failed := slices.ContainsFunc(findings, func(f finding) bool { return f.Status == Failure && f.Description != reachable })
	for _, f := range findings {
		if f.Status != Success && f.Status != Failure && (f.Status != Unknown || !failed) {
			return nil, fmt.Errorf("%w: property %s is %q", ErrChecker, f.ID, f.Status)
		}
	}
	return findings, nil
}
