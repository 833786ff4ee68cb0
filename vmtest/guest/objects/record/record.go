// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package record defines the messages of host and guest about the object matrix, as JSON.
// The host sends a [Job]. The guest answers with a [Result] for each cell of the matrix, or
// with a [MutantResult] for each mutant.
package record

import (
	"slices"
	"time"
)

// Job describes the objects to load in the guest. All paths are those of the host.
type Job struct {
	Builds   []Build  `json:"builds"`
	Contexts []string `json:"contexts"`
	Objects  []Object `json:"objects"`
	// Examples are commands of the manual page. They are run in this order.
	Examples []string `json:"examples,omitempty"`
	// Dir has the files of the objects. It becomes the current directory of ip.
	Dir string `json:"dir"`
	// Mutants requests a [MutantResult] per mutant instead of a [Result] per cell.
	Mutants *Mutants `json:"mutants,omitempty"`
}

// Build is one build of ip.
type Build struct {
	// Name says which libbpf it has.
	Name string `json:"name"`
	// IP is the program.
	IP string `json:"ip"`
	// Counts is the directory of the host for the line counts of gcov. Empty means that
	// the build does not count.
	Counts string `json:"counts,omitempty"`
}

// The contexts that ip runs in. In each it has its own device.
const (
	// BPFFS has an empty BPF file system at /sys/fs/bpf.
	BPFFS = "bpffs"
	// ReadOnlySys has no BPF file system, and /sys is read-only.
	ReadOnlySys = "ro-sys"
	// NetNS is BPFFS, with the device in a network namespace that ip -n names.
	NetNS = "netns"
	// NoBPFFS is NetNS without a BPF file system.
	NoBPFFS = "netns-no-bpffs"
	// NetNSExec is NetNS, but ip runs by "ip netns exec" instead of with -n.
	NetNSExec = "netns-exec"
	// Unprivileged is BPFFS, as a user without capabilities.
	Unprivileged = "unprivileged"
)

// Manual is the context of the examples of the manual page.
const Manual = "manual"

// Contexts returns all contexts.
func Contexts() []string {
	return []string{BPFFS, ReadOnlySys, NetNS, NoBPFFS, NetNSExec, Unprivileged}
}

// Object is one object, and the arguments for ip.
type Object struct {
	// Name identifies it in the table.
	Name string `json:"name"`
	// Args follow "ip link set dev d0 xps".
	Args []string `json:"args"`
	// Value is what the program that Args select returns. Nil means that no program
	// may be attached.
	Value *uint32 `json:"value,omitempty"`
	// Contexts and Builds select where and with which ip to load it; empty means all.
	Contexts []string `json:"contexts,omitempty"`
	Builds   []string `json:"builds,omitempty"`
}

// In reports whether a build loads the object in a context.
func (o *Object) In(build, context string) bool {
	return (len(o.Contexts) == 0 || slices.Contains(o.Contexts, context)) &&
		(len(o.Builds) == 0 || slices.Contains(o.Builds, build))
}

// Result is the outcome of one call of ip.
type Result struct {
	Build   string `json:"build"`
	Context string `json:"context"`
	Object  string `json:"object"`
	// Exit is the exit code. Signal is the name of the signal that ended ip, or empty.
	Exit   int    `json:"exit"`
	Signal string `json:"signal,omitempty"`
	// Tag is the tag of the attached program, empty if there is none. Value is the return
	// value of the program.
	Tag   string  `json:"tag,omitempty"`
	Value *uint32 `json:"value,omitempty"`
	// Pins are the paths below the caller's /sys/fs/bpf that ip created.
	Pins []string `json:"pins,omitempty"`
	// Output is the output of ip on stdout and stderr.
	Output string `json:"output,omitempty"`
	// Elapsed is how long ip took.
	Elapsed time.Duration `json:"elapsed"`
}
