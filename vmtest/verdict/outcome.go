// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package verdict judges a run of the suite, writes the outcome to a results directory
// and reads it back.
//
// A run passes only if the guest finished, reported every planned test once, and the
// console shows no kernel splat.
package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
)

// Outcome is the outcome of one run of the suite.
type Outcome struct {
	// Reasons say why the run did not pass, the most severe first, one line each.
	// Empty means passed.
	Reasons []string
	// Report is the report from the guest; never nil.
	Report *ktap.Report
	// Planned are the full names of the selected tests, in order.
	Planned []string
	// Run is the pattern that selected them; Suite is the number of all tests.
	Run   string
	Suite int
	// Lacking says that tests are left out because the kernel lacks their patches.
	Lacking bool
	// Seed is the seed of the suite's random choices.
	Seed int64
	// Started is when the run began.
	Started time.Time
	// Inputs identify everything that ran, by version and hash.
	Inputs Inputs
	// Accel is "kvm" or "tcg".
	Accel string
	// Fallback is why the run fell back to TCG; empty if it did not.
	Fallback string
	// Splats are the kernel's warnings and crashes on the console, decoded if the
	// kernel's script could do so.
	Splats []Splat
	// LeakScan says that the kernel has kmemleak, so the guest must scan.
	LeakScan bool
	// Leaks is the number of leaked objects that kmemleak found; nil if a guest
	// did not scan.
	Leaks *int
	// Guests is how many guests shared the suite.
	Guests int
	// Boot is the time from the start of QEMU to the guest's first message, of the slower
	// guest if there are two. Total is the time from the start of QEMU to its exit.
	Boot, Total time.Duration
	// Steps are the durations of the steps before the boot.
	Steps []progress.StepTime

	// Ended says why the guest ended early; nil if it finished.
	Ended error
}

// Splat is one warning or crash of the kernel.
type Splat struct {
	// Pattern is the text that identified it: "BUG: ", "WARNING: ".
	Pattern string `json:"pattern"`
	// Text is the console's text, decoded if possible.
	Text []string `json:"text"`
	// Frames are the top functions of the stack; they serve as a fingerprint.
	Frames []string `json:"frames,omitempty"`
	// Known says that a run without the series had the same report, and that no
	// function of the series is in it. It does not fail the run.
	Known bool `json:"known,omitempty"`
	// Ours are the functions in its traces that the series adds or changes.
	Ours []string `json:"ours,omitempty"`
}

// Inputs identify all that ran. Hashes are SHA-256 in hex, except for git's.
type Inputs struct {
	Base            string   `json:"base"`
	Unpatched       bool     `json:"unpatched,omitempty"`
	KernelVersion   string   `json:"kernel_version"`
	Arch            string   `json:"arch,omitempty"`
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

// Passed reports whether there is no reason against the run.
func (o *Outcome) Passed() bool { return len(o.Reasons) == 0 }

// Failed returns the names of the tests that failed, of those planned.
func (o *Outcome) Failed() (names []string) {
	for _, t := range o.Report.Flat() {
		if t.Status == ktap.Fail && slices.Contains(o.Planned, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Summary returns the outcome in one line.
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
	if o.Inputs.Arch != "" && o.Inputs.Arch != arch.Amd64 {
		what += " " + o.Inputs.Arch
	}
	if o.Inputs.Unpatched {
		what += " without the series"
	}
	planned := fmt.Sprintf("%d planned", len(o.Planned))
	if o.Run != "" {
		planned += fmt.Sprintf(" (PARTIAL: --run %s selects %d of %d tests)", o.Run, len(o.Planned), o.Suite)
	}
	if o.Lacking {
		planned += fmt.Sprintf(" (%d of %d tests: others need patches that are left out)", len(o.Planned), o.Suite)
	}
	return fmt.Sprintf("%s: %s of %s, %s, %.1f s",
		what, strings.Join(parts, ", "), planned, o.Accel, o.Total.Seconds())
}

// Find returns the result of a test by its full name. A test that was not reported counts
// as skipped.
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
