// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/verdict"
)

// BaseResult is the result of one base. At least one of Outcome and Err is not
// nil.
type BaseResult struct {
	Base string
	// Out is the directory of the results.
	Out     string
	Outcome *verdict.Outcome
	// Err says why there is no outcome, or why results could not be written or
	// shown.
	Err error
}

// Passed reports whether the base passed.
func (r *BaseResult) Passed() bool { return r.Err == nil && r.Outcome != nil && r.Outcome.Passed() }

// BasesOptions describe a run of the suite over several bases.
type BasesOptions struct {
	// Suite describes each run. Its Base, Out and KTAP are not used.
	Suite SuiteOptions
	Bases []string
	// Out is the directory for the results: one directory per base, and a
	// summary.
	Out string
	// KTAP receives a test for each base, with the tests of the suite as subtests.
	// May be nil.
	KTAP io.Writer
	// Summary is the directory for [SummaryFile]; empty means Out.
	Summary string
	// Done is called as each base ends. May be nil.
	Done func(*BaseResult)
	// Run runs one base; nil means [Suite].
	Run func(context.Context, SuiteOptions) (*verdict.Outcome, error)
}

// BasesResult has the results of all bases.
type BasesResult struct {
	Bases []*BaseResult
	// Differences say which tests were reported on some of the bases only.
	Differences []string
}

// Passed reports whether all bases passed and reported the same tests.
func (r *BasesResult) Passed() bool {
	for _, b := range r.Bases {
		if !b.Passed() {
			return false
		}
	}
	return len(r.Differences) == 0
}

// Bases runs the suite on each base in turn. It continues after a base that
// failed or on which the workbench failed. It returns an error if ctx is done,
// or if the results could not be written.
func Bases(ctx context.Context, opt BasesOptions) (*BasesResult, error) {
	if opt.KTAP == nil {
		opt.KTAP = io.Discard
	}
	if opt.Suite.Seed == 0 {
		opt.Suite.Seed = DrawSeed()
	}
	if opt.Run == nil {
		opt.Run = Suite
	}
	if opt.Summary == "" {
		opt.Summary = opt.Out
	}
	w := ktap.NewWriter(opt.KTAP)
	w.Plan(len(opt.Bases))
	all := &BasesResult{}
	for _, base := range opt.Bases {
		one := opt.Suite
		one.Source.Base = base
		r := &BaseResult{Base: base, Out: filepath.Join(opt.Out, one.Source.Name())}
		nested := w.Nest(base)
		one.Out, one.KTAP = r.Out, nested
		r.Outcome, r.Err = opt.Run(ctx, one)
		if ctx.Err() != nil {
			return nil, r.Err
		}
		_ = nested.Close() // the error sticks to w
		status, reason := ktap.Pass, ""
		if !r.Passed() {
			status, reason = ktap.Fail, r.reason()
		}
		w.Result(base, status, reason)
		all.Bases = append(all.Bases, r)
		if opt.Done != nil {
			opt.Done(r)
		}
	}
	all.Differences = differences(all.Bases)
	if err := all.write(opt.Summary); err != nil {
		return all, err
	}
	return all, w.Err()
}

// reason returns the first reason why a base failed, in one line.
func (r *BaseResult) reason() string {
	why := ""
	switch {
	case r.Outcome != nil && len(r.Outcome.Reasons) > 0:
		why = r.Outcome.Reasons[0]
	case r.Err != nil:
		why = r.Err.Error()
	}
	why, _, _ = strings.Cut(why, "\n")
	return why
}

// differences compares the names of the reported tests. It skips bases
// without any reported test: their own result has the reason.
func differences(bases []*BaseResult) []string {
	var order []string
	on := map[string][]string{}
	reported := 0
	for _, b := range bases {
		if b.Outcome == nil || len(b.Outcome.Report.Tests) == 0 {
			continue
		}
		reported++
		for _, t := range b.Outcome.Report.Flat() {
			// A parent test that fails without a failed subtest has no assertion of its
			// own.
			if !slices.Contains(b.Outcome.Planned, t.Name) {
				continue
			}
			if on[t.Name] == nil {
				order = append(order, t.Name)
			}
			on[t.Name] = append(on[t.Name], b.Base)
		}
	}
	only := map[string][]string{}
	var keys []string
	for _, test := range order {
		if len(on[test]) == reported {
			continue
		}
		key := strings.Join(on[test], ", ")
		if only[key] == nil {
			keys = append(keys, key)
		}
		only[key] = append(only[key], test)
	}
	var out []string
	for _, key := range keys {
		out = append(out, fmt.Sprintf("%d tests reported only on %s: %s", len(only[key]), key, plan.List(only[key])))
	}
	return out
}

// SummaryFile is the file for the summary of [Bases].
const SummaryFile = "bases.json"

// summaryJSON is the form of [SummaryFile]. Fields are added, never renamed.
type summaryJSON struct {
	Verdict     string            `json:"verdict"`
	Differences []string          `json:"differences,omitempty"`
	Bases       []summaryBaseJSON `json:"bases"`
}

type summaryBaseJSON struct {
	Base    string       `json:"base"`
	Verdict string       `json:"verdict"` // "passed", "failed" or "broken"
	Reason  string       `json:"reason,omitempty"`
	Release string       `json:"kernel_release,omitempty"`
	Counts  *ktap.Counts `json:"counts,omitempty"`
	Seconds float64      `json:"total_seconds"`
	Results string       `json:"results"`
}

func (r *BasesResult) write(dir string) error {
	verdict := func(ok bool) string {
		if ok {
			return "passed"
		}
		return "failed"
	}
	s := summaryJSON{Verdict: verdict(r.Passed()), Differences: r.Differences}
	for _, b := range r.Bases {
		j := summaryBaseJSON{Base: b.Base, Verdict: verdict(b.Passed()), Results: filepath.Base(b.Out)}
		if !b.Passed() {
			j.Reason = b.reason()
		}
		if b.Err != nil && !prepare.IsVerdict(b.Err) {
			j.Verdict = "broken"
		}
		if o := b.Outcome; o != nil {
			c := o.Report.Counts()
			j.Release, j.Counts, j.Seconds = o.Inputs.KernelRelease, &c, o.Total.Seconds()
		}
		s.Bases = append(s.Bases, j)
	}
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return fmt.Errorf("render %s: %w", SummaryFile, err)
	}
	return cache.WriteFile(filepath.Join(dir, SummaryFile), append(data, '\n'), 0o644)
}
