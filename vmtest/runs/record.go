// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package runs keeps a record of each run of the workbench: its inputs, how
// it was called, and its results.
//
// A [Store] is a directory, out/runs of the workbench. Each run has its own directory
// there, named by its ID, with record.json and the results of its kind. Only
// record.json is written more than once. Concurrent runs do not share files.
//
// A run holds a lock on its directory until it ends. A record that says
// "running" without that lock belongs to a run that was killed, and is read as
// interrupted.
//
// [NewPicture] returns the verdict of all records on the current workbench.
package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/ktap"
)

// Kind is the kind of run.
type Kind string

// The kinds of runs. Their inputs are in [Present].
const (
	Suite      Kind = "suite"
	Bases      Kind = "bases"
	Bisect     Kind = "bisect"
	Mutants    Kind = "mutants"
	Bench      Kind = "bench"
	Check      Kind = "check"
	Builds     Kind = "builds"
	Boots      Kind = "boots"
	BuildTimes Kind = "build-times"
	Mutate     Kind = "mutate"
	Prove      Kind = "prove"
	Litmus     Kind = "litmus"
	Reach      Kind = "reach"
	Peers      Kind = "peers"
	Kselftest  Kind = "kselftest"
	Syz        Kind = "syz"
)

// Kinds lists all kinds in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{Suite, Bases, Check, Bisect, Builds, Mutants, Mutate, Reach, Prove, Litmus, Peers, Kselftest, Syz, Bench, Boots, BuildTimes}
}

// State is the state of a run.
type State string

const (
	// Running: the run has not ended.
	Running State = "running"
	// Passed: the run found no failure.
	Passed State = "passed"
	// Failed: a test or a check failed.
	Failed State = "failed"
	// Broken: the workbench could not do its work.
	Broken State = "broken"
	// Interrupted: a signal ended the run.
	Interrupted State = "interrupted"
)

// Judged reports whether the run came to a verdict.
func (s State) Judged() bool { return s == Passed || s == Failed }

// Counts are the numbers of results, by kind.
type Counts struct {
	Pass    int `json:"pass"`
	Fail    int `json:"fail"`
	Skip    int `json:"skip"`
	Planned int `json:"planned"`
}

func (c Counts) String() string {
	parts := []string{fmt.Sprintf("%d passed", c.Pass)}
	if c.Fail > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", c.Fail))
	}
	if c.Skip > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", c.Skip))
	}
	if n := c.Planned - c.Pass - c.Fail - c.Skip; n > 0 {
		parts = append(parts, fmt.Sprintf("%d not reported", n))
	}
	return strings.Join(parts, ", ")
}

// Record is the form of record.json. Fields are added, never renamed.
type Record struct {
	// ID names the run's directory.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	Subject
	// Selection says which part was run, in the words of the command line;
	// empty means all of it.
	Selection string `json:"selection,omitempty"`
	// Command is the command line.
	Command []string `json:"command"`
	// Seed is the seed of random choices, 0 if there were none.
	Seed int64 `json:"seed,omitempty"`
	// Started and Ended are UTC; Ended is zero while the run lasts.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	State   State     `json:"state"`
	// Reasons say why the run did not pass, the most severe first, one per line.
	Reasons []string `json:"reasons,omitempty"`
	// Counts are the results, zero where the kind has none.
	Counts Counts `json:"counts,omitzero"`
	// Commit is the commit of the workbench. Dirty means that its working tree had
	// changes. Both are zero outside of a git checkout.
	Commit string `json:"commit,omitempty"`
	Dirty  bool   `json:"dirty,omitempty"`
	// Inputs are hashes of the inputs of the run, see [Present].
	Inputs Inputs `json:"inputs"`
	// Changed says which inputs were edited during the run, one per line.
	Changed []string `json:"changed,omitempty"`
	// Versions are the versions of the sources and of the tools, by name.
	Versions map[string]string `json:"versions,omitempty"`

	// Dir is the run's directory.
	Dir string `json:"-"`
}

// Partial reports whether only a part was run.
func (r *Record) Partial() bool { return r.Selection != "" }

// Elapsed is the duration of the run, 0 if it has not ended.
func (r *Record) Elapsed() time.Duration {
	if r.Ended.IsZero() {
		return 0
	}
	return r.Ended.Sub(r.Started)
}

// The files of a run's results, by kind. Any kind that has tests leaves KTAP.
// The diagnostics of a test may have a line "rerun: COMMAND". The command runs
// that test alone.
const (
	KTAPFile   = "results.ktap"
	BenchFile  = "bench.json"
	BootsFile  = "boots.json"
	BuildsFile = "builds.json"
)

// Report reads the results of a run. It is empty if the run left none.
func (r *Record) Report() (*ktap.Report, error) {
	f, err := os.Open(filepath.Join(r.Dir, KTAPFile))
	if errors.Is(err, fs.ErrNotExist) {
		return &ktap.Report{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the run's results: %w", err)
	}
	defer f.Close()
	report, err := ktap.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("read the run's results: %w", err)
	}
	return report, nil
}
