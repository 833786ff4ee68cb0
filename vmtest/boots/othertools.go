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

// tool is a runner of others.
type tool struct {
	name, what string
	// args is the command line, env is what its environment has besides ours.
	args, env []string
}

// defaultCPUs is how many a [boot.Machine] has that does not say.
const defaultCPUs = "2"

// tools gives others the same kernel, as much memory and as many CPUs as the
// guests here have, the host's files, which they are made for, and nothing to
// do.
func tools(kernel, accel string) []tool {
	memory := strconv.Itoa(boot.MemoryMiB) + "M"
	// It leaves root= out, and Linux 7.3 mounts no 9p file system of no name.
	vng := []string{"vng", "--quiet", "--cpus", defaultCPUs, "--memory", memory, "--append", "root=/dev/root"}
	var env []string
	if accel != string(vm.KVM) {
		vng = append(vng, "--disable-kvm")
		env = []string{"VIMTO_DISABLE_KVM=true"}
	}
	return []tool{
		{name: "virtme-ng", what: "vng --run, the host's files, /bin/true", args: append(vng, "--run", kernel, "--", "/bin/true")},
		{name: "vimto", what: "vimto exec, the host's files, /bin/true", env: env,
			args: []string{"vimto", "-kernel", kernel, "-smp", defaultCPUs, "-memory", memory, "exec", "--", "/bin/true"}},
	}
}

// hostFSFragment has what a kernel needs to mount the host's files.
const hostFSFragment = "hostfs"

// toolTimeout is how long a boot by another tool may take. They have none of
// their own, and one hangs where its guest does.
const toolTimeout = time.Minute

// needsHostFS says why other tools do not take part.
const needsHostFS = "no %s in this comparison: its guests mount the host's files, for which the kernel needs the fragment hostfs"

// doesNotWork says why another tool that was tried does not take part.
const doesNotWork = "no %s in this comparison: it does not boot this kernel here: %v"

// otherTools are those that are in PATH. They take part if the kernel can
// mount what they offer, and if they boot it. The error is that of ctx.
func (opt *Options) otherTools(ctx context.Context, a *prepare.Artifacts) ([]way, error) {
	var ways []way
	for _, t := range tools(a.Kernel.BzImage, opt.Accel) {
		path, err := exec.LookPath(t.args[0])
		if err != nil {
			continue
		}
		if !slices.Contains(opt.Source.Fragments, hostFSFragment) {
			opt.Source.Progress.Emit(progress.Event{Step: "compare boots", State: progress.Notice, Text: fmt.Sprintf(needsHostFS, t.name)})
			continue
		}
		way := way{name: t.name, what: t.what, other: true, boot: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, toolTimeout)
			defer cancel()
			var out bytes.Buffer
			cmd := proc.Cmd{Args: append([]string{path}, t.args[1:]...), Env: append(os.Environ(), t.env...), Stdout: &out, Stderr: &out}
			err := cmd.Run(ctx)
			if said := strings.TrimSpace(out.String()); err != nil && !strings.Contains(err.Error(), said) {
				return fmt.Errorf("%w: %s", err, said)
			}
			return err
		}}
		// What is installed may not work here, and is no reason to compare
		// nothing else.
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
