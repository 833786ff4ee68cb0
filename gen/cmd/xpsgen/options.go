// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"runtime"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/vm"
)

// sourceOptions select the trees to build. All commands that boot share them.
type sourceOptions struct {
	base, kernel, iproute2 string
	// arch is the architecture of the guest; empty means amd64.
	arch string
	// series, with and without are keys of series.
	series, with, without []string
	config                []string
	jobs                  int
	noApply               bool
}

// baseFlag chooses the base. several says that the command takes all bases.
func (o *sourceOptions) baseFlag(env *environment, several bool) command.Flag {
	help := "kernel base of series.toml; default the first"
	if several {
		help += "; all: each base in turn"
	}
	return command.Flag{Name: "base", Arg: "NAME", Env: "XPSGEN_BASE", To: command.String(&o.base),
		Help: help, Values: func() []string { return env.kernelBases(several) }}
}

// treeFlags choose the trees.
func (o *sourceOptions) treeFlags(env *environment, several bool) []command.Flag {
	return []command.Flag{
		o.baseFlag(env, several),
		o.kernelFlag(),
		{Name: "iproute2", Arg: "DIR", Env: "XPSGEN_IPROUTE2", To: command.String(&o.iproute2),
			Help: "iproute2 source to use instead of the base; the series is applied to a copy"},
		{Name: "no-apply", To: command.Bool(&o.noApply),
			Help: "do not apply the series to --kernel and --iproute2"},
		{Name: "series", Arg: "KEY", Env: "XPSGEN_SERIES", To: command.Strings(&o.series), Values: env.seriesKeys,
			Help: "apply only this series and the series that it depends on"},
		{Name: "with", Arg: "KEY", Env: "XPSGEN_WITH", To: command.Strings(&o.with), Values: env.alternatives,
			Help: "apply this alternative series instead of the series that it replaces"},
		{Name: "without", Arg: "KEY", Env: "XPSGEN_WITHOUT", To: command.Strings(&o.without), Values: env.seriesKeys,
			Help: "do not apply this series"},
	}
}

// choose selects the requested series in s, each from the stack of its project.
func (o *sourceOptions) choose(s *prepare.Source) error {
	c, err := manifest.LoadChange(s.Root)
	if err != nil {
		return err
	}
	for _, l := range []struct {
		flag       string
		keys       []string
		kernel, ip *[]string
	}{
		{"series", o.series, &s.Select.Only, &s.IPSelect.Only},
		{"with", o.with, &s.Select.With, &s.IPSelect.With},
		{"without", o.without, &s.Select.Without, &s.IPSelect.Without},
	} {
		for _, key := range l.keys {
			p, found := c.Find(key)
			switch {
			case found == nil:
				return command.Usagef("--%s %s: no such series (the series are %s)", l.flag, key, strings.Join(c.Keys(), ", "))
			case p.Guest == manifest.GuestKernel:
				*l.kernel = append(*l.kernel, key)
			case p.Guest == manifest.GuestIP:
				*l.ip = append(*l.ip, key)
			default:
				return command.Usagef("--%s %s: the guest uses nothing from project %s", l.flag, key, p.Name)
			}
		}
	}
	return nil
}

func (o *sourceOptions) kernelFlag() command.Flag {
	return command.Flag{Name: "kernel", Arg: "DIR", Env: "XPSGEN_KERNEL", To: command.String(&o.kernel),
		Help: "kernel source to use instead of the base; the series is applied to a copy"}
}

// archFlag chooses the architecture of the guest.
func (o *sourceOptions) archFlag() command.Flag {
	o.arch = arch.Amd64
	return command.Flag{Name: "arch", Arg: "ARCH", To: command.Choice(&o.arch, arch.Names()...),
		Help: "architecture of the guest; architectures other than amd64 are cross-compiled and emulated"}
}

// cross reports whether the architecture of the guest is not amd64.
func (o *sourceOptions) cross() bool { return o.arch != "" && o.arch != arch.Amd64 }

func (o *sourceOptions) jobsFlag() command.Flag {
	return command.Flag{Name: "jobs", Letter: "j", Arg: "N", To: command.Count(&o.jobs), Help: "number of parallel build jobs; default one per CPU"}
}

// flags choose the trees and how they are built.
func (o *sourceOptions) flags(env *environment, several bool) []command.Flag {
	return append(o.treeFlags(env, several), o.buildFlags()...)
}

// buildFlags choose how trees are built.
func (o *sourceOptions) buildFlags() []command.Flag {
	return []command.Flag{
		{Name: "config", Arg: "NAME", Env: "XPSGEN_CONFIG", To: command.Strings(&o.config),
			Help: "additional Kconfig fragment: a name in vmtest/config, or a file", Values: prepare.Fragments},
		o.jobsFlag(),
	}
}

// bases returns the requested kernel bases, and whether the user requested all.
func (o *sourceOptions) bases(env *environment) (names []string, all bool, err error) {
	root, _, err := env.locate()
	if err != nil {
		return nil, false, err
	}
	all = o.base == prepare.AllBases
	if all && o.kernel != "" {
		return nil, false, command.Usagef("--kernel is one tree: name one base, not all")
	}
	names, err = prepare.Bases(root, o.base)
	return names, all, err
}

// source returns the source to build, for a command that works on one base.
func (o *sourceOptions) source(env *environment) (prepare.Source, error) {
	if o.base == prepare.AllBases {
		return prepare.Source{}, command.Usagef("this command works on one base: name it")
	}
	return o.anySource(env)
}

// anySource is source for a command that accepts [prepare.AllBases].
func (o *sourceOptions) anySource(env *environment) (prepare.Source, error) {
	root, cache, err := env.locate()
	if err != nil {
		return prepare.Source{}, err
	}
	s := prepare.Source{
		Root:      root,
		Cache:     cache,
		Base:      o.base,
		Arch:      o.arch,
		KernelDir: o.kernel,
		IPDir:     o.iproute2,
		NoApply:   o.noApply,
		Fragments: o.config,
		Jobs:      cmp.Or(o.jobs, runtime.NumCPU()),
		Progress:  env.ui.Progress(),
	}
	if err := o.choose(&s); err != nil {
		return s, err
	}
	if o.base != prepare.AllBases {
		s.Base = s.BaseName()
		return s, s.Validate()
	}
	names, err := prepare.Bases(root, prepare.AllBases)
	if err != nil {
		return s, err
	}
	for _, name := range names {
		s.Base = name
		if err := s.Validate(); err != nil {
			return s, err
		}
	}
	s.Base = o.base
	return s, nil
}

// machineOptions choose how a guest is booted.
type machineOptions struct {
	accel, kvmDevice string
	cpus, memory     int
}

func (o *machineOptions) flags() []command.Flag {
	o.accel, o.kvmDevice, o.cpus = string(vm.Auto), vm.DefaultKVMDevice, 2
	return []command.Flag{
		{Name: "accel", Arg: "ACCEL", Env: "XPSGEN_ACCEL", To: command.Choice(&o.accel, "auto", "kvm", "tcg"),
			Help: "accelerator; auto: KVM if a guest boots under it, else TCG"},
		{Name: "kvm-device", Arg: "FILE", Env: "XPSGEN_KVM_DEVICE", To: command.String(&o.kvmDevice), Help: "device node of KVM"},
		{Name: "cpus", Arg: "N", To: command.Int(&o.cpus, 1, boot.MaxCPUs), Help: "number of virtual CPUs; the suite needs two"},
		{Name: "memory", Arg: "MIB", To: command.Int(&o.memory, boot.MinMemoryMiB, 1<<20),
			Help: "guest memory in MiB; default 512, more for some configurations, 3072 for debug"},
	}
}

// suite reports whether the machine can run the suite, before anything is built.
func (o *machineOptions) suite() error {
	if o.cpus < plan.CPUs {
		return command.Usagef("--cpus %d: tests of the suite send from %d CPUs", o.cpus, plan.CPUs)
	}
	return nil
}

func (o *machineOptions) machine() boot.Machine {
	return boot.Machine{Accel: o.accel, KVMDevice: o.kvmDevice, CPUs: o.cpus, MemoryMiB: o.memory}
}

// sampleOptions choose a random sample.
type sampleOptions struct {
	// sample is the size of the sample; 0 means all.
	sample int
	seed   int64
}

func (o *sampleOptions) flags() []command.Flag {
	return []command.Flag{
		{Name: "sample", Arg: "N", To: command.Count(&o.sample), Help: "run N mutants, chosen at random; default all"},
		{Name: "seed", Arg: "N", Env: "XPSGEN_SEED", To: command.Int64(&o.seed), Help: "repeat the choice of a run that printed this seed; default a new seed"},
	}
}

// draw chooses a random seed, unless the user gave one.
func (o *sampleOptions) draw() {
	if o.seed == 0 {
		o.seed = run.DrawSeed()
	}
}
