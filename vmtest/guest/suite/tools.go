// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"path/filepath"

	"github.com/cilium/ebpf"
)

// The types below are the tools of tests. Each group of tests is a type that embeds the
// tools that it uses.

// isolation makes network namespaces, each with its sysfs.
type isolation struct {
	// scratch is a directory to mount file systems in.
	scratch string
}

// lab makes devices, and set-ups of several devices.
type lab struct{ isolation }

// ipTool runs the patched ip.
type ipTool struct {
	ipPath string
	// objects is the directory of the demonstration's BPF objects.
	objects string
}

// bpftoolProgram runs the patched bpftool.
type bpftoolProgram struct{ bpftoolPath string }

// ynlTool reads links through code generated from the netlink specification.
type ynlTool struct{ ynlPath string }

// effort says how often a test repeats its steps, and has the seed of random choices.
type effort struct {
	races, long bool
	seed        int64
}

// leaks finds BPF programs that tests left behind.
type leaks struct {
	// before are the programs that existed before the first test.
	before map[ebpf.ProgramID]bool
	// scale stretches the time that a program may take to go.
	scale float64
}

// kernelSelftest runs the selftest of the kernel tree, once.
type kernelSelftest struct {
	path string
	run  selftestRun
}

// tools holds the tools that one run of the suite uses.
type tools struct {
	lab      lab
	ip       ipTool
	bpftool  bpftoolProgram
	ynl      ynlTool
	effort   effort
	leaks    *leaks
	selftest *kernelSelftest
}

// newTools returns the tools that opt describes.
func newTools(opt Options) *tools {
	return &tools{
		lab:      lab{isolation{opt.Scratch}},
		ip:       ipTool{opt.IP, filepath.Join(opt.Scratch, "bpf")},
		bpftool:  bpftoolProgram{opt.Bpftool},
		ynl:      ynlTool{opt.YNL},
		effort:   effort{opt.Races, opt.Long, opt.Seed},
		leaks:    &leaks{scale: max(opt.TimeoutScale, 1)},
		selftest: &kernelSelftest{path: opt.Selftest},
	}
}

type (
	hookTests struct {
		lab
		effort
	}
	baselineTests struct {
		lab
		effort
	}
	demoTests struct {
		lab
		ipTool
	}
	queryTests struct {
		lab
		ipTool
		bpftoolProgram
		ynlTool
		effort
	}
	controlTests struct {
		lab
		ipTool
	}
	negativeTests struct {
		lab
		ipTool
		effort
	}
	fixTests  struct{ lab }
	linkTests struct {
		lab
		ipTool
		bpftoolProgram
	}
	raceTests struct {
		lab
		effort
	}
	lifetimeTests struct {
		lab
		effort
		*leaks
	}
)
