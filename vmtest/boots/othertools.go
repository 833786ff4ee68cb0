// SPDX-License-Identifier: GPL-2.0-only OR MIT

package boots

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/vm"
)

// tool is another project's tool that boots kernels.
type tool struct {
	name, what string
	// args is the command line; env is added to the environment.
	args, env []string
}

// defaultCPUs is the default number of CPUs of a [boot.Machine].
const defaultCPUs = "2"

// trueProgram is the host's program that every tool runs in its guest.
const trueProgram = "/bin/true"

// tools gives other tools the same kernel, memory and number of CPUs as the workbench's
// guests. They mount the host's files, as they do by default, and run /bin/true.
func tools(kernel, accel string) []tool {
	memory := strconv.Itoa(boot.MemoryMiB) + "M"
	// vng sets no root=, and Linux 7.3 does not mount a 9p file system without a name.
	vng := []string{"vng", "--quiet", "--cpus", defaultCPUs, "--memory", memory, "--append", "root=/dev/root"}
	var env []string
	if accel != string(vm.KVM) {
		vng = append(vng, "--disable-kvm")
		env = []string{"VIMTO_DISABLE_KVM=true"}
	}
	return []tool{
		{name: "virtme-ng", what: "vng --run, the host's files, " + trueProgram, args: append(vng, "--run", kernel, "--", trueProgram)},
		{name: "vimto", what: "vimto exec, the host's files, " + trueProgram, env: env,
			args: []string{"vimto", "-kernel", kernel, "-smp", defaultCPUs, "-memory", memory, "exec", "--", trueProgram}},
	}
}

// hostFSFragment enables the options that a kernel needs to mount the host's files.
const hostFSFragment = "hostfs"

// toolTimeout limits a boot by another tool. The tools have no time limit, and hang if
// their guest does.
const toolTimeout = time.Minute

// needsHostFS reports a tool that needs options which the kernel lacks.
const needsHostFS = "left out %s: its guests mount the host's files (add the configuration hostfs to the kernel)"

// doesNotWork reports a tool that failed to boot the kernel.
const doesNotWork = "left out %s: it does not boot this kernel: %v"

// otherTools returns the tools in PATH that boot the kernel. The kernel must be able to
// mount the host's files. The error is the error of ctx.
func (opt *Options) otherTools(ctx context.Context, a *prepare.Artifacts) ([]way, error) {
	var ways []way
	for _, t := range tools(a.Kernel.Image, opt.Accel) {
		path, err := exec.LookPath(t.args[0])
		if err != nil || !opt.wants(t.name) {
			continue
		}
		if !slices.Contains(opt.Source.Fragments, hostFSFragment) {
			opt.Source.Progress.Emit(progress.Event{Step: "compare boots", State: progress.Notice, Text: fmt.Sprintf(needsHostFS, t.name)})
			continue
		}
		way := way{name: t.name, what: t.what, other: true, boot: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, toolTimeout)
			defer cancel()
			return command(ctx, append([]string{path}, t.args[1:]...), t.env)
		}}
		// An installed tool may fail on this machine. The comparison continues
		// without it.
		if err := way.boot(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			opt.Source.Progress.Emit(progress.Event{Step: "compare boots", State: progress.Notice, Text: fmt.Sprintf(doesNotWork, t.name, err)})
			continue
		}
		ways = append(ways, way)
	}
	return ways, nil
}

// command runs a program with env added to the environment. The error contains
// the program's output.
func command(ctx context.Context, args, env []string) error {
	var out bytes.Buffer
	cmd := proc.Cmd{Args: args, Env: append(os.Environ(), env...), Stdout: &out, Stderr: &out}
	err := cmd.Run(ctx)
	if said := strings.TrimSpace(out.String()); err != nil && !strings.Contains(err.Error(), said) {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}
