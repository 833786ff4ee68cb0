// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/prepare"
)

// vmRun is the command that runs a program in the guest of src on m: xpsgen itself, without
// the program. It adds no output.
func (o *sourceOptions) vmRun(src *prepare.Source, m *boot.Machine) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find xpsgen: %w", err)
	}
	args := []string{self, "-q", "--root", src.Root, "--cache", src.Cache, "vm", "run", "--base", src.BaseName()}
	if m.MemoryMiB != 0 {
		args = append(args, "--memory", strconv.Itoa(m.MemoryMiB))
	}
	for _, f := range src.Fragments {
		// The command may run in another directory.
		if config.IsFile(f) {
			if f, err = filepath.Abs(f); err != nil {
				return nil, fmt.Errorf("kernel configuration: %w", err)
			}
		}
		args = append(args, "--config", f)
	}
	if m.CPUs != 0 {
		args = append(args, "--cpus", strconv.Itoa(m.CPUs))
	}
	if m.Accel != "" {
		args = append(args, "--accel", m.Accel)
	}
	args = append(args, o.treeArgs()...)
	if src.Unpatched {
		args = append(args, "--unpatched")
	}
	return append(args, "--"), nil
}

// treeArgs are the flags that choose the same trees for another call of xpsgen.
func (o *sourceOptions) treeArgs() (args []string) {
	for _, f := range []struct{ name, value string }{{"--kernel", o.kernel}, {"--iproute2", o.iproute2}} {
		if f.value != "" {
			if abs, err := filepath.Abs(f.value); err == nil {
				f.value = abs
			}
			args = append(args, f.name, f.value)
		}
	}
	for _, l := range []struct {
		name string
		keys []string
	}{{"--series", o.series}, {"--with", o.with}, {"--without", o.without}} {
		for _, k := range l.keys {
			args = append(args, l.name, k)
		}
	}
	if o.noApply {
		args = append(args, "--no-apply")
	}
	return args
}
