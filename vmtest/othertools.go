// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/vm"
)

// tool is a runner of others.
type tool struct {
	name, what string
	// args is the command line, env is what its environment has besides ours.
	args, env []string
}

// defaultCPUs is how many a [Machine] has that does not say.
const defaultCPUs = "2"

// tools gives others the same kernel, as much memory and as many CPUs as the
// guests here have, the host's files, which they are made for, and nothing to
// do.
func tools(kernel, accel string) []tool {
	memory := strconv.Itoa(memoryMiB) + "M"
	vng := []string{"vng", "--quiet", "--cpus", defaultCPUs, "--memory", memory}
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

// needsHostFS says why other tools do not take part.
const needsHostFS = "no %s in this comparison: its guests mount the host's files, for which the kernel needs the fragment hostfs"

// otherTools are those that are in PATH. They take part if the kernel can
// mount what they offer.
func (opt *BootOptions) otherTools(a *Artifacts) []bootWay {
	var ways []bootWay
	for _, t := range tools(a.Kernel.BzImage, opt.Accel) {
		path, err := exec.LookPath(t.args[0])
		if err != nil {
			continue
		}
		if !slices.Contains(opt.Source.Fragments, hostFSFragment) {
			opt.Source.Progress.Emit(progress.Event{Step: "compare boots", State: progress.Notice, Text: fmt.Sprintf(needsHostFS, t.name)})
			continue
		}
		ways = append(ways, bootWay{t.name, t.what, func(ctx context.Context) error {
			var out bytes.Buffer
			cmd := exec.CommandContext(ctx, path, t.args[1:]...)
			cmd.Env = append(os.Environ(), t.env...)
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%w: %s", err, out.String())
			}
			return nil
		}})
	}
	return ways
}
