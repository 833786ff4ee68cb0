// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"xpsgen/vmtest/ktap"
)

// WriteKTAP writes the rows of one thread: a test for the series and one for each patch.
// Each check is a subtest. A blocked check is skipped, and a warning passes. The summary of
// a check is a diagnostic.
func WriteKTAP(to io.Writer, rows []Row) error {
	w := ktap.NewWriter(to)
	var groups []string
	of := map[string][]Row{}
	for _, r := range rows {
		name := r.group()
		if of[name] == nil {
			groups = append(groups, name)
		}
		of[name] = append(of[name], r)
	}
	w.Plan(len(groups))
	for _, name := range groups {
		sub := w.Sub(name)
		sub.Plan(len(of[name]))
		for _, r := range of[name] {
			r.writeKTAP(sub)
		}
		status := ktap.Pass
		if slices.ContainsFunc(of[name], func(r Row) bool { return r.Code.Failed() }) {
			status = ktap.Fail
		}
		w.Result(name, status, "")
	}
	return w.Err()
}

// group names the subject of a row: "series", "2-rtnetlink".
func (r *Row) group() string {
	if r.Patch == 0 {
		return "series"
	}
	return fmt.Sprintf("%d-%s", r.Patch, r.Key)
}

func (r *Row) writeKTAP(w *ktap.Writer) {
	status, reason := ktap.Pass, ""
	switch {
	case r.Code == Blocked:
		status, reason = ktap.Skip, r.Summary
	case r.Code.Failed():
		status, reason = ktap.Fail, r.Summary
	}
	w.Diag("%s: %s", r.Code, r.Summary)
	for line := range strings.Lines(r.Log) {
		w.Diag("%s", strings.TrimRight(line, "\n"))
	}
	if status == ktap.Fail && r.Command != "" {
		w.Diag("rerun: %s", r.Command)
	}
	if r.Elapsed > 0 {
		w.Elapsed(r.Elapsed)
	}
	w.Result(r.Check, status, reason)
}
