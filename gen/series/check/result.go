// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"fmt"
	"strings"
	"time"
)

// Code is the result of a check, as an exit code.
type Code int

const (
	// Pass: no finding.
	Pass Code = 0
	// Fail: a reviewer would reject the series. Any code not named here fails too.
	Fail Code = 1
	// Warning: a reviewer may ask.
	Warning Code = 250
	// Blocked: the check did not run. The summary says why.
	Blocked Code = -1
)

// String returns the code as a word.
func (c Code) String() string {
	switch c {
	case Pass:
		return "pass"
	case Warning:
		return "warn"
	case Blocked:
		return "blocked"
	}
	return "fail"
}

// Failed reports whether the check failed. Passed, warned and blocked checks did not.
func (c Code) Failed() bool { return c != Pass && c != Warning && c != Blocked }

// Result is the result of a check.
type Result struct {
	Code Code `json:"code"`
	// Summary is one line.
	Summary string `json:"summary"`
	// Log has all details, line by line; may be empty.
	Log string `json:"log,omitempty"`
	// Lacks says that the check is Blocked because a program is missing or too old.
	// Optional checks do not set it.
	Lacks bool `json:"lacks,omitempty"`
}

func pass(format string, a ...any) Result {
	return Result{Code: Pass, Summary: fmt.Sprintf(format, a...)}
}

func warn(format string, a ...any) Result {
	return Result{Code: Warning, Summary: fmt.Sprintf(format, a...)}
}

func fail(format string, a ...any) Result {
	return Result{Code: Fail, Summary: fmt.Sprintf(format, a...)}
}

// with returns r with the lines as its log.
func (r Result) with(lines ...string) Result {
	r.Log = strings.Join(lines, "\n")
	return r
}

// Row is the result of one check of one patch, or of one thread.
type Row struct {
	// Project, Series and Base identify the thread.
	Project string `json:"project"`
	Series  string `json:"series"`
	Base    string `json:"base"`
	// Check is the name of the check.
	Check string `json:"check"`
	// Patch is the number of the patch from 1; 0 is the whole thread. Key and Subject
	// belong to the patch, and are empty for the thread.
	Patch   int    `json:"patch"`
	Key     string `json:"key,omitempty"`
	Subject string `json:"subject,omitempty"`
	Result
	// Elapsed is how long the check took. Cached says that the result is from the cache.
	Elapsed time.Duration `json:"elapsed_ns"`
	Cached  bool          `json:"cached"`
	// Command runs this check alone.
	Command string `json:"command"`
}

// Thread returns the name of the row's thread.
func (r *Row) Thread() string { return r.Series + "/" + r.Base }

// Counts counts rows by result.
type Counts struct {
	Passed, Warned, Failed, Blocked int
	// Lacking is the number of blocked rows with Lacks.
	Lacking int
}

// Count counts rows.
func Count(rows []Row) (n Counts) {
	for _, r := range rows {
		switch {
		case r.Code == Pass:
			n.Passed++
		case r.Code == Warning:
			n.Warned++
		case r.Code == Blocked:
			n.Blocked++
			if r.Lacks {
				n.Lacking++
			}
		default:
			n.Failed++
		}
	}
	return n
}

func (n Counts) String() string {
	s := fmt.Sprintf("%d passed, %d warned, %d failed", n.Passed, n.Warned, n.Failed)
	if n.Blocked > 0 {
		s += fmt.Sprintf(", %d not run", n.Blocked)
	}
	if n.Lacking > 0 {
		s += fmt.Sprintf(" (%d for lack of a program)", n.Lacking)
	}
	return s
}
