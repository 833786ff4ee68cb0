// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"xpsgen/vmtest/lazyregexp"
)

// NIPA is the data for netdev's CI (NIPA) that is not in the results.
type NIPA struct {
	// Executor is the name under which NIPA shows the results. Branch is the tested
	// branch. Group is the group of the tests.
	Executor, Branch, Group string
	// Link leads people to the logs. May be empty.
	Link string
	// Start and End are the times of the run.
	Start, End time.Time
}

// nipaTime is how Python prints a time with a zone.
const nipaTime = "2006-01-02 15:04:05.000000-07:00"

type nipaRun struct {
	Executor string     `json:"executor"`
	Branch   string     `json:"branch"`
	Start    string     `json:"start"`
	End      string     `json:"end"`
	Link     string     `json:"link,omitempty"`
	Results  []nipaTest `json:"results"`
}

type nipaTest struct {
	Test    string     `json:"test"`
	Group   string     `json:"group,omitempty"`
	Result  string     `json:"result"`
	Link    string     `json:"link,omitempty"`
	Time    *float64   `json:"time,omitempty"`
	Results []nipaTest `json:"results,omitempty"`
}

// WriteNIPA renders the report as the results of an executor of NIPA: a test for each
// top-level result, with one level of subtests. Times are whole seconds, as NIPA's own
// are. A report that is truncated or malformed has a failed test "report".
func (r *Report) WriteNIPA(w io.Writer, opt NIPA) error {
	run := nipaRun{Executor: opt.Executor, Branch: opt.Branch, Link: opt.Link, Results: []nipaTest{},
		Start: opt.Start.UTC().Format(nipaTime), End: opt.End.UTC().Format(nipaTime)}
	for _, t := range r.Tests {
		n := nipaResult(&t)
		n.Group, n.Link = nipaName(opt.Group), opt.Link
		for _, s := range flatten(nil, "", t.Subtests) {
			n.Results = append(n.Results, nipaResult(&s))
		}
		run.Results = append(run.Results, n)
	}
	if len(r.Problems) > 0 {
		run.Results = append(run.Results, nipaTest{Test: "report", Group: nipaName(opt.Group), Result: Fail.String(), Link: opt.Link})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	if err := e.Encode(run); err != nil {
		return fmt.Errorf("write results for NIPA: %w", err)
	}
	return nil
}

func nipaResult(t *Test) nipaTest {
	n := nipaTest{Test: nipaName(t.Name), Result: t.Status.String()}
	if t.Duration > 0 {
		seconds := math.Round(t.Duration.Seconds())
		n.Time = &seconds
	}
	return n
}

var notNIPA = lazyregexp.New(`[^0-9a-zA-Z]+`)

// nipaName replaces the characters that NIPA does not use in names.
func nipaName(name string) string {
	name = strings.TrimSuffix(notNIPA.ReplaceAllString(name, "-"), "-")
	if name == "" {
		return "no-name"
	}
	return name
}

// WriteKselftest renders the report as the output of the kernel's selftests, for NIPA's
// parsers: TAP version 13, subtests in comments after a line "# TAP version 13". A reason
// is a separate comment, because one of the parsers knows a skipped test only by the
// bare directive.
func (r *Report) WriteKselftest(to io.Writer, group string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", len(r.Tests))
	for i, t := range r.Tests {
		fmt.Fprintf(&b, "# timeout set to 0\n# selftests: %s: %s\n", nipaName(group), nipaName(t.Name))
		if subtests := flatten(nil, "", t.Subtests); len(subtests) > 0 {
			fmt.Fprintf(&b, "# TAP version 13\n# 1..%d\n", len(subtests))
			for n, s := range subtests {
				kselftestResult(&b, "# ", n+1, &s, nipaName(s.Name))
			}
		}
		kselftestResult(&b, "", i+1, &t, "selftests: "+nipaName(group)+": "+nipaName(t.Name))
	}
	if _, err := io.WriteString(to, b.String()); err != nil {
		return fmt.Errorf("write results as TAP: %w", err)
	}
	return nil
}

func kselftestResult(b *strings.Builder, prefix string, n int, t *Test, name string) {
	for _, d := range t.Diag {
		for line := range strings.Lines(d) {
			fmt.Fprintf(b, "%s# %s\n", prefix, strings.TrimRight(line, "\r\n"))
		}
	}
	if reason := oneLine(t.Reason); reason != "" {
		fmt.Fprintf(b, "%s# %s: %s\n", prefix, t.Status, reason)
	}
	b.WriteString(prefix)
	if t.Status == Fail {
		b.WriteString("not ")
	}
	fmt.Fprintf(b, "ok %d %s", n, name)
	switch {
	case t.Status == Skip:
		b.WriteString(" # SKIP")
	case t.Duration > 0:
		fmt.Fprintf(b, " # time=%dms", t.Duration.Milliseconds())
	}
	b.WriteByte('\n')
}
