// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package verdict judges a run of the suite, writes what it found to a results
// directory and reads it back.
//
// A run passes only if the guest said that it was done, reported every planned
// test once, and its console shows no complaint of the kernel.
package verdict

import (
	"fmt"
	"strings"
	"time"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
)

// Outcome is what one run of the suite found out.
type Outcome struct {
	// Reasons say why the run did not pass, the gravest first, a line each.
	// Empty means it passed.
	Reasons []string
	// Report is what the guest reported; never nil.
	Report *ktap.Report
	// Planned are the tests that were to be reported, in order.
	Planned []string
	// Run is the pattern that selected them, Suite how many tests there are
	// without it.
	Run   string
	Suite int
	// Seed is what the suite drew by lot with.
	Seed int64
	// Started is when the run began.
	Started time.Time
	// Inputs name everything that ran, by version and hash.
	Inputs Inputs
	// Accel is "kvm" or "tcg".
	Accel string
	// Fallback says why it was not "kvm", if KVM was to be tried.
	Fallback string
	// Splats are the kernel's complaints on the console, decoded where the
	// kernel's own script could.
	Splats []Splat
	// Debug says that the kernel was built to look for leaks.
	Debug bool
	// Leaks is how many objects kmemleak found to be lost; nil if the kernel
	// does not look for any.
	Leaks *int
	// Guests is how many shared the suite.
	Guests int
	// Boot is from the start of QEMU to the first word of the guest, or of the
	// later one, Total from there on to QEMU's exit included.
	Boot, Total time.Duration
	// Steps are the durations of what was done before, by name.
	Steps []progress.StepTime

	// Ended says how the guest ended, nil if it said that it was done.
	Ended error
}

// Splat is one kernel complaint.
type Splat struct {
	// Pattern is what gave it away: "BUG: ", "WARNING: ".
	Pattern string `json:"pattern"`
	// Text is the console's text, decoded if that was possible.
	Text []string `json:"text"`
	// Frames are the top functions of the stack, for a fingerprint.
	Frames []string `json:"frames,omitempty"`
}

// Inputs are all that ran. Hashes are SHA-256 in hex unless they are git's.
type Inputs struct {
	Base            string   `json:"base"`
	Unpatched       bool     `json:"unpatched,omitempty"`
	KernelVersion   string   `json:"kernel_version"`
	KernelRelease   string   `json:"kernel_release"`
	KernelSource    string   `json:"kernel_source"`
	KernelCommit    string   `json:"kernel_tree_commit"`
	KernelHash      string   `json:"kernel_hash"`
	KernelPatches   []string `json:"kernel_patches"`
	KernelConfig    string   `json:"kernel_config_sha256"`
	BzImage         string   `json:"bzimage_sha256"`
	Vmlinux         string   `json:"vmlinux_sha256"`
	IPRoute2Version string   `json:"iproute2_version"`
	IPRoute2Source  string   `json:"iproute2_source"`
	IPRoute2Commit  string   `json:"iproute2_tree_commit"`
	IPRoute2Hash    string   `json:"iproute2_hash"`
	IPRoute2Patches []string `json:"iproute2_patches"`
	IP              string   `json:"ip_sha256"`
	Bpftool         string   `json:"bpftool_sha256"`
	Guest           string   `json:"guest_sha256"`
	Compiler        string   `json:"compiler"`
	QEMU            string   `json:"qemu"`
	QEMUCommand     []string `json:"qemu_command"`
	Go              string   `json:"go"`
}

// Passed reports whether nothing spoke against it.
func (o *Outcome) Passed() bool { return len(o.Reasons) == 0 }

// Summary is the outcome in one line.
func (o *Outcome) Summary() string {
	c := o.Report.Counts()
	parts := []string{fmt.Sprintf("%d passed", c.Pass)}
	if c.Fail > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", c.Fail))
	}
	if c.Skip > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", c.Skip))
	}
	what := o.Inputs.KernelRelease
	if o.Inputs.Unpatched {
		what += " without the series"
	}
	planned := fmt.Sprintf("%d planned", len(o.Planned))
	if o.Run != "" {
		planned += fmt.Sprintf(" (%q selects them of %d)", o.Run, o.Suite)
	}
	return fmt.Sprintf("%s: %s of %s, %s, %.1f s",
		what, strings.Join(parts, ", "), planned, o.Accel, o.Total.Seconds())
}

// Find returns what was reported of a test, by its full name. A test that was
// not reported counts as skipped.
func (o *Outcome) Find(name string) (status ktap.Status, reason string) {
	for _, t := range o.Report.Flat() {
		if t.Name == name {
			reason := t.Reason
			if reason == "" && len(t.Diag) > 0 {
				reason = t.Diag[0]
			}
			return t.Status, reason
		}
	}
	return ktap.Skip, "not reported"
}
