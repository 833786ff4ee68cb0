// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/cmd/xpsgen/ui"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/vm"
)

func vmCommand(env *environment) *command.Command {
	return &command.Command{
		Name:     "vm",
		Short:    "use the patched guest",
		Examples: []command.Example{{Line: "vm shell"}, {Line: "vm run -- /usr/bin/uname -r"}},
		Commands: []*command.Command{vmRunCommand(env), vmShellCommand(env), vmKselftestCommand(env), vmTestProgsCommand(env), vmSyzCommand(env), vmBenchCommand(env), vmBenchBuildCommand(env)},
	}
}

// guestOptions are the options of vm run and vm shell.
type guestOptions struct {
	sourceOptions
	machineOptions
	patchOption
	add, writable, env     []string
	append                 []string
	envAll, hostTools      bool
	idle, oops             time.Duration
	net, console           string
	disks                  []string
	exitCodeFile           string
	gdb, icount, unpatched bool
	stock                  bool
}

func (o *guestOptions) flags(env *environment) []command.Flag {
	o.net = "none"
	return slices.Concat(o.sourceOptions.flags(env, false), o.machineOptions.flags(), []command.Flag{
		{Name: "rw", Arg: "DIR", To: command.Strings(&o.writable),
			Help: "directory that the guest may write to, besides the current one"},
		{Name: "add", Arg: "HOST:GUEST", To: command.Strings(&o.add),
			Help: "show a file or directory of the host at another path in the guest"},
		{Name: "env", Arg: "NAME=VALUE", To: command.Strings(&o.env), Help: "set a variable in the guest; NAME alone copies the variable of xpsgen"},
		{Name: "env-all", To: command.Bool(&o.envAll), Help: "pass the whole environment to the guest"},
		{Name: "host", To: command.Bool(&o.hostTools), Help: "use ip and bpftool of the host instead of the patched ones"},
		{Name: "idle", Arg: "DURATION", To: command.Duration(&o.idle), Help: "end a guest that prints nothing for this time; default never"},
		{Name: "oops", Arg: "DURATION", To: command.Duration(&o.oops),
			Help: "time from an oops or a lockup report until the guest is ended; default 15s (60s under TCG), never for a shell"},
		{Name: "append", Arg: "WORDS", To: command.Strings(&o.append), Help: "words to add to the kernel's command line"},
		{Name: "console", Arg: "FILE", To: command.String(&o.console), Help: "write the kernel's console to FILE; - is stderr"},
		{Name: "net", Arg: "KIND", To: command.Choice(&o.net, "none", "user"), Help: "network of the guest: user (NAT through the host) or none"},
		{Name: "disk", Arg: "FILE", To: command.Strings(&o.disks), Help: "raw or qcow2 image for the guest's /dev/vda; builds a kernel with disk drivers"},
		{Name: "exit-code-file", Arg: "FILE", To: command.String(&o.exitCodeFile),
			Help: "write the program's exit code to FILE; it is empty if the program did not end"},
		{Name: "gdb", To: command.Bool(&o.gdb), Help: "wait for a debugger before the first instruction, and print the gdb command"},
		{Name: "icount", To: command.Bool(&o.icount), Help: "advance the guest's clocks by one nanosecond per instruction; one CPU, TCG only"},
		{Name: "unpatched", To: command.Bool(&o.unpatched), Help: "boot the base kernel without the series"},
		o.patchFlag(),
	})
}

// guest returns the requested guest.
func (o *guestOptions) guest(env *environment) (run.GuestOptions, error) {
	src, err := o.source(env)
	if err != nil {
		return run.GuestOptions{}, err
	}
	// Check the disks before a kernel is built.
	for _, disk := range o.disks {
		if info, err := os.Stat(disk); err != nil {
			return run.GuestOptions{}, command.Usagef("--disk: %v", err)
		} else if info.IsDir() {
			return run.GuestOptions{}, command.Usagef("--disk %s: is a directory", disk)
		}
	}
	src.Unpatched, src.Stock = o.unpatched, o.stock
	if err := o.checkArch(); err != nil {
		return run.GuestOptions{}, err
	}
	if src.KernelExtra, err = o.extra(); err != nil {
		return run.GuestOptions{}, err
	}
	if len(o.disks) > 0 && !slices.Contains(src.Fragments, diskFragment) {
		src.Fragments = append(src.Fragments, diskFragment)
	}
	machine := o.machine()
	machine.Append, machine.Disks, machine.UserNet = strings.Join(o.append, " "), o.disks, o.net == "user"
	machine.GDB = o.gdb
	if o.icount {
		machine.InstructionClock, machine.CPUs = true, 1
	}
	return run.GuestOptions{
		Source:  src,
		Machine: machine,
		Add:     o.add,

		Writable:  o.writable,
		Env:       o.env,
		EnvAll:    o.envAll,
		HostTools: o.hostTools,
		Limits:    vm.Timeouts{Idle: o.idle, Oops: o.oops},
		Notice:    func(line string) { env.ui.Important(line) },
	}, nil
}

// checkArch rejects flags that contradict --stock or --arch.
func (o *guestOptions) checkArch() error {
	if o.stock && (o.unpatched || o.kernel != "" || o.iproute2 != "" || len(o.series)+len(o.with)+len(o.without)+len(o.config)+len(o.disks)+len(o.patches) > 0) {
		return command.Usagef("--stock boots Debian's kernel: the flags that choose trees, series, patches, configuration and disks have no effect")
	}
	if o.stock && !o.cross() {
		return command.Usagef("--stock needs --arch arm64 or s390x")
	}
	if o.hostTools && o.cross() {
		return command.Usagef("--host: the host's ip and bpftool do not run on %s", o.arch)
	}
	return nil
}

// archFlags choose another architecture, for the commands that can use one.
func (o *guestOptions) archFlags() []command.Flag {
	return []command.Flag{
		o.archFlag(),
		{Name: "stock", To: command.Bool(&o.stock), Help: "boot Debian's kernel, which lacks the series; needs --arch arm64 or s390x"},
	}
}

// diskFragment is the fragment of vmtest/config that a disk needs.
const diskFragment = "disk"

// start opens the files that the guest writes to, apart from the program's streams, and
// forwards signals to it. Call finish with the ending of the guest; it returns the
// error of the command.
func (o *guestOptions) start(env *environment, opt *run.GuestOptions) (finish func(run.Ending, error) error, err error) {
	var files []*os.File
	open := func(name string) (*os.File, error) {
		f, err := os.Create(name)
		if err == nil {
			files = append(files, f)
		}
		return f, err
	}
	switch o.console {
	case "":
	case "-":
		opt.Console = env.stderr
	default:
		if opt.Console, err = open(o.console); err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
	}
	var code *os.File
	if o.exitCodeFile != "" {
		if code, err = open(o.exitCodeFile); err != nil {
			return nil, fmt.Errorf("exit code: %w", err)
		}
	}
	var up atomic.Bool
	opt.Up = func() { up.Store(true) }
	taker, to := forward(up.Load)
	opt.Signals = to
	release := env.signals.take(taker)
	return func(e run.Ending, err error) error {
		release()
		if code != nil && e.Ended {
			if _, werr := fmt.Fprintln(code, e.Code); werr != nil {
				err = errors.Join(err, fmt.Errorf("exit code: %w", werr))
			}
		}
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
		if err == nil && e.Code != 0 {
			err = &statusError{code: e.Code}
		}
		return err
	}, nil
}

func vmRunCommand(env *environment) *command.Command {
	var o struct {
		guestOptions
		timeout time.Duration
		tty     bool
	}
	return &command.Command{
		Name:  "run",
		Short: "run a host program in the patched guest",
		Long: "Runs the program in the guest as root. The program uses stdin, stdout and stderr of xpsgen, and xpsgen " +
			"exits with the program's exit code.\n\n" +
			"The guest sees the host's files. Only writes to the current directory, to the directories of --rw, and to " +
			"the output directories of go test (coverage, profiles, fuzz corpora) change the host. Other writes are discarded " +
			"when the guest ends.\n\n" +
			"The programs ip and bpftool come from the patched trees. With --host they are the host's.",
		Args:    []command.Arg{{Name: "PROGRAM", Help: "program of the host, and its arguments"}},
		Program: true,
		Flags: append(append(o.flags(env), o.archFlags()...),
			command.Flag{Name: "timeout", Arg: "DURATION", To: command.Duration(&o.timeout), Help: "end the guest after this time; default never"},
			command.Flag{Name: "tty", To: command.Bool(&o.tty), Help: "give the program a terminal, if xpsgen has one"},
		),
		Examples: []command.Example{
			{Line: "vm run -- /usr/bin/uname -r"},
			{Line: "vm run -- ip -V", Note: "the patched ip"},
			{Line: "vm run --rw /var/tmp -- ./measure -o /var/tmp/result", Note: "keep the result"},
			{Line: "$ go test -coverprofile=c.out -exec 'xpsgen vm run --' ./...", Note: "Go tests in the guest"},
		},
		Exits: []command.Exit{
			{Code: 1, Meaning: "the program exited with 1, or a patch does not apply or build; the program may also exit with any of these codes: --exit-code-file tells whether the code is the program's"},
			{Code: exitKernel, Meaning: "the guest's kernel panicked, powered off or warned; overrides the program's exit code"},
			{Code: exitTimeout, Meaning: "the program did not end within --timeout"},
		},
		Needs: []string{"vmtest"},
		Run: func(ctx context.Context, args []string) error {
			env.ui.Patient()
			opt, err := o.guest(env)
			if err != nil {
				return err
			}
			finish, err := o.start(env, &opt)
			if err != nil {
				return err
			}
			program := run.ProgramOptions{
				GuestOptions: opt,
				Args:         args,
				Timeout:      o.timeout,
				Stdin:        ui.Foreground(env.stdin),
				Stdout:       env.stdout,
				Stderr:       env.stderr,
			}
			if !o.tty {
				return finish(run.Program(ctx, program))
			}
			return env.onTerminal(ctx, func(ctx context.Context, tty *run.ShellOptions) error {
				program.TTY = tty
				return finish(run.Program(ctx, program))
			})
		},
	}
}

func vmShellCommand(env *environment) *command.Command {
	var o guestOptions
	return &command.Command{
		Name:  "shell",
		Short: "open a shell in the patched guest",
		Long: "As with vm run, the guest sees the host's files. It has the patched ip and bpftool, and BPF objects in /bpf. " +
			"Leave with exit or Ctrl-D. Ctrl-A x ends a guest that hangs. In the guest, try:\n\n" +
			"  ip link add d0 numtxqueues 4 type dummy\n" +
			"  ip link set dev d0 xps obj hello1.o sec hello\n" +
			"  ip link show d0",
		Flags:    append(o.flags(env), o.archFlags()...),
		Examples: []command.Example{{Line: "vm shell"}, {Line: "vm shell --base 6.12 --unpatched", Note: "an unpatched base kernel"}},
		Exits: []command.Exit{
			{Code: 1, Meaning: "the shell exited with 1, or a patch does not apply or build; the shell may also exit with any of these codes: --exit-code-file tells whether the code is the shell's"},
			{Code: exitKernel, Meaning: "the guest's kernel panicked, powered off or warned"},
		},
		Needs: []string{"vmtest"},
		Run: func(ctx context.Context, _ []string) error {
			opt, err := o.guest(env)
			if err != nil {
				return err
			}
			finish, err := o.start(env, &opt)
			if err != nil {
				return err
			}
			return env.shell(ctx, opt, finish)
		},
	}
}
