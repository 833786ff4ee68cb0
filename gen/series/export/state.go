// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"fmt"

	"xpsgen/gen/series"
	"xpsgen/gen/series/check"
	"xpsgen/gen/series/gate"
)

// State says how close a thread is to being sent.
type State string

const (
	// Draft: a part is missing, or a check failed or did not run.
	Draft State = series.DraftState
	// Checked: it is complete and passed the checks, but cannot be sent now.
	Checked State = "checked"
	// AwaitingSignOff: only the sign-off of a person is missing.
	AwaitingSignOff State = "awaiting sign-off"
	// Ready: it can be sent.
	Ready State = "ready"
)

// Status is the state of a thread, and what is missing for the next state.
type Status struct {
	State State
	// Missing has a line for each missing thing.
	Missing []string
	// Warnings are questions that reviewers will ask. They do not prevent sending.
	Warnings []string
}

// Status judges a thread by the rows of its checks and the gates.
func (h *Half) Status(rows []check.Row, shut []gate.Shut) Status {
	var draft, later, person []string
	if h.Series.Cover == "" && h.hasCover() {
		draft = append(draft, "a cover letter: write "+h.Series.Dir+"/"+check.CoverName)
	}
	if to, err := h.to(); err == nil && len(to) == 0 {
		draft = append(draft, "a recipient: give the series a target with a list, or recipients, in series.toml")
	}
	if names := h.Unfilled(); len(names) > 0 {
		draft = append(draft, fmt.Sprintf("%d results for the cover letter, such as %s: run make bench, or give a file with --results", len(names), names[0]))
	}
	failed, unknown := 0, 0
	for _, r := range rows {
		switch {
		case r.Code.Failed():
			failed++
		case r.Code == check.Blocked:
			unknown++
		}
	}
	if failed > 0 {
		draft = append(draft, fmt.Sprintf("%d failed checks: xpsgen series check %s/%s", failed, h.Series.Key, h.Base.Name))
	}
	switch {
	case len(rows) == 0:
		draft = append(draft, fmt.Sprintf("no check ran on this series: xpsgen series check %s/%s", h.Series.Key, h.Base.Name))
	case unknown > 0:
		draft = append(draft, fmt.Sprintf("%d checks did not run on this series: xpsgen series check %s/%s", unknown, h.Series.Key, h.Base.Name))
	}
	if h.Thread.Commit == "" && !h.RFC() {
		later = append(later, "a base-commit: "+h.Thread.Origin+" is not a public tree; rebase onto one")
	}
	for _, s := range shut {
		later = append(later, s.Why)
	}
	if h.Signer == nil {
		person = append(person, "a person's sign-off: xpsgen series export --sign-off")
	}
	s := Status{State: Ready, Missing: append(append(draft, later...), person...)}
	if h.Thread.Commit == "" {
		s.Warnings = append(s.Warnings, fmt.Sprintf("base-commit: not specified, as %s is not a commit of a public tree.\n"+
			"To name one: clone the tree that the series is for, then\n"+
			"  xpsgen series export --base-repo CLONE     if a commit in it has the same files, or\n"+
			"  xpsgen series rebase %s --onto REV --repo CLONE", h.Thread.Origin, h.Base.Name))
	}
	switch {
	case len(draft) > 0:
		s.State = Draft
	case len(later) > 0:
		s.State = Checked
	case len(person) > 0:
		s.State = AwaitingSignOff
	}
	return s
}
