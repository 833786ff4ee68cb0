// SPDX-License-Identifier: GPL-2.0-only OR MIT

package verdict

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
)

// Results are the content of a results directory.
type Results struct {
	// Passed is the verdict; Reasons say why not.
	Passed  bool
	Reasons []string
	Counts  ktap.Counts
	// Planned is the number of selected tests.
	Planned int
	// Run and Suite are as in [Outcome].
	Run     string
	Suite   int
	Seed    int64
	Started time.Time
	Accel   string
	// Boot and Total are as in [Outcome].
	Boot, Total time.Duration
	Steps       []progress.StepTime
	Inputs      Inputs
	Splats      []Splat
	// Report has the tests, parsed from the stream that the guest sent.
	Report *ktap.Report
	// Console and Config are the texts of the two files; empty if missing.
	Console, Config string
}

// ErrNoResults is wrapped by [Read] if the directory has no results.
var ErrNoResults = errors.New("no results")

// Read reads a results directory.
func Read(dir string) (*Results, error) {
	data, err := os.ReadFile(filepath.Join(dir, JSONFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w (run make vmtest)", dir, ErrNoResults)
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var stored struct {
		resultsJSON
		// The tests come from the guest's stream.
		Report json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(data, &stored); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, JSONFile), err)
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	r := &Results{
		Passed:  stored.Verdict == "passed",
		Reasons: stored.Reasons,
		Counts:  stored.Counts,
		Planned: stored.Planned,
		Run:     stored.Run,
		Suite:   stored.Suite,
		Seed:    stored.Seed,
		Started: stored.Started,
		Accel:   stored.Accel,
		Boot:    seconds(stored.Boot),
		Total:   seconds(stored.Total),
		Steps:   stored.Steps,
		Inputs:  stored.Inputs,
		Splats:  stored.Splats,
		Report:  &ktap.Report{},
	}
	var second string
	for name, read := range map[string]func([]byte) error{
		ConsoleFile:  func(b []byte) error { r.Console = string(b); return nil },
		Console2File: func(b []byte) error { second = string(b); return nil },
		ConfigFile:   func(b []byte) error { r.Config = string(b); return nil },
		KTAPFile: func(b []byte) (err error) {
			var p ktap.Parser
			_, err = p.Write(b)
			r.Report = p.Close()
			return err
		},
	} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = read(data)
		}
		if err != nil {
			return nil, fmt.Errorf("read results: %w", err)
		}
	}
	r.Console += second
	return r, nil
}
