// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"xpsgen/vmtest/ktap"
)

// WriteJSON writes rows as JSON.
func WriteJSON(w io.Writer, rows []Row) error {
	n := Count(rows)
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	if rows == nil {
		rows = []Row{}
	}
	return e.Encode(struct {
		Passed  int   `json:"passed"`
		Warned  int   `json:"warned"`
		Failed  int   `json:"failed"`
		Blocked int   `json:"blocked"`
		Rows    []Row `json:"rows"`
	}{n.Passed, n.Warned, n.Failed, n.Blocked, rows})
}

// WriteJUnit writes rows for CI systems: one suite per thread, one case per check and
// patch. A warning passes, and its output contains the warning.
func WriteJUnit(w io.Writer, rows []Row) error {
	r := &ktap.Report{}
	for _, row := range rows {
		suite := row.Thread()
		if len(r.Tests) == 0 || r.Tests[len(r.Tests)-1].Name != suite {
			r.Tests = append(r.Tests, ktap.Test{Name: suite})
		}
		t := ktap.Test{Name: row.Check, Duration: row.Elapsed}
		if row.Patch > 0 {
			t.Name += "/" + strconv.Itoa(row.Patch) + "-" + row.Key
		}
		switch {
		case row.Code == Blocked:
			t.Status, t.Reason = ktap.Skip, row.Summary
		case row.Code.Failed():
			t.Status = ktap.Fail
			r.Tests[len(r.Tests)-1].Status = ktap.Fail
			fallthrough
		case row.Code == Warning:
			t.Diag = append([]string{row.Code.String() + ": " + row.Summary, row.Command}, strings.Split(strings.TrimRight(row.Log, "\n"), "\n")...)
		}
		last := &r.Tests[len(r.Tests)-1]
		last.Subtests = append(last.Subtests, t)
	}
	return r.WriteJUnit(w, ktap.JUnit{Name: "xpsgen series check"})
}
