// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"xpsgen/vmtest/guest/objects/record"
)

// Placeholders in the examples of the manual page.
const (
	exampleDevice = "eth0"
	exampleID     = "42"
	examplePin    = "foo"
)

// pinnedValue is the return value of the pinned program of the examples.
const pinnedValue = 3

// runExamples runs the examples one after the other with each build. Each depends on the
// one before: the first attaches, another one replaces, the last one detaches.
func runExamples(ctx context.Context, job *record.Job, _ string) (results []record.Result, err error) {
	err = onPlace(ctx, job, record.BPFFS, 0, func(p *place, _ int) error {
		for i := range job.Builds {
			if err := pinExample(); err != nil {
				return err
			}
			for _, line := range job.Examples {
				r, err := p.example(ctx, &job.Builds[i], line)
				if err != nil {
					return err
				}
				results = append(results, r)
			}
			if err := p.freshBPFFS(); err != nil {
				return err
			}
		}
		return nil
	})
	return results, err
}

func pinExample() error {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, pinnedValue), asm.Return()},
	})
	if err != nil {
		return fmt.Errorf("load a program: %w", err)
	}
	defer prog.Close()
	return prog.Pin(filepath.Join(bpffs, examplePin))
}

// example runs one line with the device and the id of the attached program in their places.
func (p *place) example(ctx context.Context, build *record.Build, line string) (record.Result, error) {
	r := record.Result{Build: build.Name, Context: record.Manual, Object: line}
	state, err := p.client.Query(ctx, p.ifindex, nil)
	if err != nil {
		return r, err
	}
	words := strings.Fields(line)
	for i, w := range words {
		switch w {
		case exampleDevice:
			words[i] = device
		case exampleID:
			words[i] = strconv.Itoa(int(state.ProgramID))
		}
	}
	if words[0] != "ip" {
		return r, fmt.Errorf("example %q is not a command of ip", line)
	}
	cmd := exec.CommandContext(ctx, build.IP, words[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), countsEnv(build)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return r, fmt.Errorf("run ip: %w", err)
	}
	r.Exit, r.Output = cmd.ProcessState.ExitCode(), output.String()
	if state, err = p.client.Query(ctx, p.ifindex, nil); err != nil || !state.Attached {
		return r, err
	}
	return r, describe(state.ProgramID, &r)
}
