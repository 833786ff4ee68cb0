// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/guest/bench/record"
)

// A figure may differ from the baseline by the larger of these.
const (
	tolerance             = 0.02
	toleranceInstructions = 5
)

// Drifted reports whether a count differs from an earlier one by more than the
// difference between two runs of the same kernel. It also returns true if one
// of them is NaN.
func Drifted(was, is float64) bool {
	return !(math.Abs(is-was) <= max(toleranceInstructions, tolerance*was))
}

// Drift is a figure that differs from the baseline.
type Drift struct {
	record.ID
	// Unpatched selects the base kernel rather than the series.
	Unpatched bool
	// Was and Is are instructions per operation. NaN means that the baseline or the
	// run has no such figure.
	Was, Is float64
}

// String returns the drift in one line.
func (d Drift) String() string {
	kernel := "series"
	if d.Unpatched {
		kernel = "base"
	}
	where := fmt.Sprintf("%s kernel, %s by %s", kernel, d.Contender, d.Path)
	if d.Size != 0 {
		where += fmt.Sprintf(", size %d", d.Size)
	}
	switch {
	case math.IsNaN(d.Was):
		return fmt.Sprintf("%s: is %.1f, not in the baseline", where, d.Is)
	case math.IsNaN(d.Is):
		return fmt.Sprintf("%s: was %.1f, not measured now", where, d.Was)
	}
	return fmt.Sprintf("%s: was %.1f, is %.1f (%+.1f, %+.1f %%)", where, d.Was, d.Is, d.Is-d.Was, 100*(d.Is-d.Was)/d.Was)
}

// Compare lists the figures that differ from the baseline, in r's order. A smaller figure
// also counts: either the baseline needs an update, or the benchmark no longer measures
// something.
func (r *Results) Compare(baseline *Results) []Drift {
	var all []Drift
	for _, k := range []struct {
		unpatched bool
		is, was   []Figure
	}{{true, r.Unpatched, baseline.Unpatched}, {false, r.Patched, baseline.Patched}} {
		for _, f := range k.is {
			d := Drift{ID: f.ID, Unpatched: k.unpatched, Was: math.NaN(), Is: f.Min}
			if old := Find(k.was, f.ID); old != nil {
				d.Was = old.Min
			}
			if Drifted(d.Was, d.Is) {
				all = append(all, d)
			}
		}
		for _, f := range k.was {
			if Find(k.is, f.ID) == nil {
				all = append(all, Drift{ID: f.ID, Unpatched: k.unpatched, Was: f.Min, Is: math.NaN()})
			}
		}
	}
	return all
}

// ErrNoBaseline is wrapped by [Load] if the file does not exist.
var ErrNoBaseline = errors.New("no baseline")

// Load reads a file that [Results.Save] wrote.
func Load(path string) (*Results, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoBaseline, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var r Results
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("read results %s: %w", path, err)
	}
	return &r, nil
}

// Save writes r as JSON. On error the old file is unchanged.
func (r *Results) Save(path string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("save results: %w", err)
	}
	if err := cache.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("save results: %w", err)
	}
	return nil
}
