// SPDX-License-Identifier: GPL-2.0-only OR MIT

package verdict

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
)

// The files of a results directory.
const (
	KTAPFile    = "results.ktap"
	JSONFile    = "results.json"
	JUnitFile   = "junit.xml"
	ConsoleFile = "console.log"
	ConfigFile  = "kernel.config"
	// Console2File exists if two guests shared the suite.
	Console2File = "console-2.log"
)

// Lock keeps two runs from writing to one results directory. The later one waits.
func Lock(ctx context.Context, dir, cacheDir string, p progress.Func) (*cache.Lock, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("results directory: %w", err)
	}
	sum := sha256.Sum256([]byte(dir))
	path := filepath.Join(cacheDir, "lock", "out-"+hex.EncodeToString(sum[:8]))
	return cache.Acquire(ctx, path, "results in "+filepath.Base(dir), p)
}

// Clear removes the files of an earlier run from dir, so that none is taken for a result
// of this run.
func Clear(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("results directory: %w", err)
	}
	for _, name := range []string{KTAPFile, JSONFile, JUnitFile, ConsoleFile, Console2File, ConfigFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("results directory: %w", err)
		}
	}
	return nil
}

// resultsJSON is the format of results.json. Fields may be added but never renamed.
type resultsJSON struct {
	Verdict string              `json:"verdict"` // "passed" or "failed"
	Reasons []string            `json:"reasons,omitempty"`
	Counts  ktap.Counts         `json:"counts"`
	Planned int                 `json:"planned"`
	Run     string              `json:"run,omitempty"`
	Suite   int                 `json:"suite"`
	Seed    int64               `json:"seed"`
	Started time.Time           `json:"started"`
	Accel   string              `json:"accel"`
	NoKVM   string              `json:"accel_fallback,omitempty"` // why not kvm
	Guests  int                 `json:"guests"`
	Boot    float64             `json:"boot_seconds"`
	Total   float64             `json:"total_seconds"`
	Steps   []progress.StepTime `json:"steps"`
	Inputs  Inputs              `json:"inputs"`
	Splats  []Splat             `json:"splats,omitempty"`
	Leaks   *int                `json:"leaks,omitempty"`
	Report  *ktap.Report        `json:"results"`
}

// Write writes the outcome into dir, each file atomically. kernelConfig is empty if there
// is no kernel. Write does not touch the console and the KTAP stream, which are written
// during the run.
func (o *Outcome) Write(dir, kernelConfig string) error {
	verdict := "passed"
	if !o.Passed() {
		verdict = "failed"
	}
	data, err := json.MarshalIndent(resultsJSON{
		Verdict: verdict,
		Reasons: o.Reasons,
		Counts:  o.Report.Counts(),
		Planned: len(o.Planned),
		Run:     o.Run,
		Suite:   o.Suite,
		Seed:    o.Seed,
		Started: o.Started,
		Accel:   o.Accel,
		NoKVM:   o.Fallback,
		Guests:  o.Guests,
		Boot:    o.Boot.Seconds(),
		Total:   o.Total.Seconds(),
		Steps:   o.Steps,
		Inputs:  o.Inputs,
		Splats:  o.Splats,
		Leaks:   o.Leaks,
		Report:  o.Report,
	}, "", "\t")
	if err != nil {
		return fmt.Errorf("render %s: %w", JSONFile, err)
	}
	if err := cache.WriteFile(filepath.Join(dir, JSONFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	var junit bytes.Buffer
	err = o.Report.WriteJUnit(&junit, ktap.JUnit{
		Name:       "xps " + o.Inputs.KernelRelease,
		Properties: o.Inputs.properties(),
		Errors:     o.runErrors(),
	})
	if err != nil {
		return fmt.Errorf("render %s: %w", JUnitFile, err)
	}
	if err := cache.WriteFile(filepath.Join(dir, JUnitFile), junit.Bytes(), 0o644); err != nil {
		return err
	}
	if kernelConfig == "" {
		return nil
	}
	config, err := os.ReadFile(kernelConfig)
	if err != nil {
		return fmt.Errorf("save kernel configuration: %w", err)
	}
	return cache.WriteFile(filepath.Join(dir, ConfigFile), config, 0o644)
}

// runErrors returns the reasons that belong to no test.
func (o *Outcome) runErrors() []string {
	var errs []string
	if o.Ended != nil {
		errs = append(errs, o.Ended.Error())
	}
	for _, s := range o.Splats {
		if !s.Known {
			errs = append(errs, s.Reason())
		}
	}
	return errs
}

func (in *Inputs) properties() map[string]string {
	all := map[string]string{
		"kernel":   in.KernelRelease,
		"base":     in.Base,
		"tree":     in.KernelCommit,
		"iproute2": in.IPRoute2Version,
		"compiler": in.Compiler,
		"qemu":     in.QEMU,
	}
	if in.Arch != "" {
		all["arch"] = in.Arch
	}
	return all
}
