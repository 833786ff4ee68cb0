// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
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
		Commands: []*command.Command{vmRunCommand(env), vmShellCommand(env), vmKselftestCommand(env), vmTestProgsCommand(env), vmBenchCommand(env), vmBenchBuildCommand(env)},
	}
}

// guestOptions are those of vm run and vm shell.
type guestOptions struct {
	sourceOptions
	machineOptions
	add, writable, env     []string
	envAll, hostTools      bool
	idle, oops             time.Duration
	append, net, console   string
	disks                  []string
	exitCodeFile           string
	gdb, icount, unpatched bool
}

func (o *guestOptions) flags(env *environment) []command.Flag {
	o.net = "none"
	return slices.Concat(o.sourceOptions.flags(env, false), o.machineOptions.flags(), []command.Flag{
		{Name: "rw", Arg: "DIR", To: command.Strings(&o.writable),
			Help: "keep what the guest writes there, as in the current directory"},
		{Name: "add", Arg: "HOST:GUEST", To: command.Strings(&o.add),
			Help: "put a file or a directory of the host at another path in the guest"},
		{Name: "env", Arg: "NAME=VALUE", To: command.Strings(&o.env), Help: "set a variable in the guest; NAME alone takes the value from here"},
		{Name: "env-all", To: command.Bool(&o.envAll), Help: "hand on the whole environment"},
		{Name: "host", To: command.Bool(&o.hostTools), Help: "run the host's own ip and bpftool, not those of the series"},
		{Name: "idle", Arg: "DURATION", To: command.Duration(&o.idle), Help: "end a guest that says nothing for this long; default none"},
		{Name: "oops", Arg: "DURATION", To: command.Duration(&o.oops),
			Help: "end a guest this long after its kernel oopsed or said that something is stuck; default 15s, four times that under TCG, and none for a shell"},
		{Name: "append", Arg: "WORDS", To: command.String(&o.append), Help: "add to the kernel's command line"},
		{Name: "console", Arg: "FILE", To: command.String(&o.console), Help: "write the kernel's console to a file; - is stderr"},
		{Name: "net", Arg: "KIND", To: command.Choice(&o.net, "none", "user"), Help: "give the guest a way to the host's network, user, or none"},
		{Name: "disk", Arg: "FILE", To: command.Strings(&o.disks), Help: "give the guest a disk, /dev/vda; raw or qcow2. Builds a kernel with disks"},
		{Name: "exit-code-file", Arg: "FILE", To: command.String(&o.exitCodeFile),
			Help: "write the program's own exit code to a file, which is empty if the program did not end"},
		{Name: "gdb", To: command.Bool(&o.gdb), Help: "wait for a debugger before the first instruction, and print the line to type"},
		{Name: "icount", To: command.Bool(&o.icount), Help: "make the guest's clocks count instructions, a nanosecond each; one CPU, TCG"},
		{Name: "unpatched", To: command.Bool(&o.unpatched), Help: "boot the base kernel without the series"},
	})
}

// guest returns the requested guest.
func (o *guestOptions) guest(env *environment) (run.GuestOptions, error) {
	src, err := o.source(env)
	if err != nil {
		return run.GuestOptions{}, err
	}
	// Before a kernel is built.
	for _, disk := range o.disks {
		if info, err := os.Stat(disk); err != nil {
			return run.GuestOptions{}, command.Usagef("--disk: %v", err)
		} else if info.IsDir() {
			return run.GuestOptions{}, command.Usagef("--disk %s: is a directory", disk)
		}
	}
	src.Unpatched = o.unpatched
	if len(o.disks) > 0 && !slices.Contains(src.Fragments, diskFragment) {
		src.Fragments = append(src.Fragments, diskFragment)
	}
	machine := o.machine()
	machine.Append, machine.Disks, machine.UserNet = o.append, o.disks, o.net == "user"
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
		Long: "Runs the program in the guest as root, with stdin, stdout and stderr of its own. Its exit code " +
			"becomes that of xpsgen.\n\n" +
			"The guest sees the host's files. What it writes in the current directory, in what --rw names, and " +
			"where go test wants coverage, profiles and fuzz corpora, is written to the host. All else that it " +
			"writes is lost at its end.\n\n" +
			"The programs ip and bpftool are those of the series; --host runs the host's.",
		Args:    []command.Arg{{Name: "PROGRAM", Help: "program of the host, and its arguments"}},
		Program: true,
		Flags: append(o.flags(env),
			command.Flag{Name: "timeout", Arg: "DURATION", To: command.Duration(&o.timeout), Help: "end the guest after this time; default none"},
			command.Flag{Name: "tty", To: command.Bool(&o.tty), Help: "give the program a terminal, if there is one here"},
		),
		Examples: []command.Example{
			{Line: "vm run -- /usr/bin/uname -r"},
			{Line: "vm run -- ip -V", Note: "the patched ip"},
			{Line: "vm run --rw /var/tmp -- ./measure -o /var/tmp/result", Note: "with a result that comes back"},
			{Line: "$ go test -coverprofile=c.out -exec 'xpsgen vm run --' ./...", Note: "Go tests in the guest"},
		},
		Exits: []command.Exit{
			{Code: 1, Meaning: "the program's own code; any other code may be, too: see --exit-code-file"},
			{Code: exitKernel, Meaning: "the guest's kernel died, powered off or warned; the program's own code does not count"},
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
		Long: "The guest has the host's files, as with vm run, the patched ip and bpftool, and the BPF objects in " +
			"/bpf. Leave with exit or Ctrl-D; Ctrl-A x ends a guest that hangs. In the guest, try:\n\n" +
			"  ip link add d0 numtxqueues 4 type dummy\n" +
			"  ip link set dev d0 xps obj hello1.o sec hello\n" +
			"  ip link show d0",
		Flags:    o.flags(env),
		Examples: []command.Example{{Line: "vm shell"}, {Line: "vm shell --base 6.12 --unpatched", Note: "the base kernel of a carry"}},
		Exits: []command.Exit{
			{Code: 1, Meaning: "the shell's own code; any other code may be, too: see --exit-code-file"},
			{Code: exitKernel, Meaning: "the guest's kernel died, went off or complained"},
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
