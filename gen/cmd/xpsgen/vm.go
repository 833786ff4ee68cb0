// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"slices"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/run"
)

func vmCommand(env *environment) *command.Command {
	return &command.Command{
		Name:     "vm",
		Short:    "use the patched guest",
		Examples: []command.Example{{Line: "vm shell"}, {Line: "vm run -- /usr/bin/uname -r"}},
		Commands: []*command.Command{vmRunCommand(env), vmShellCommand(env), vmBenchCommand(env), vmBenchBuildCommand(env)},
	}
}

// guestOptions are those of the commands that hand the guest to the user.
type guestOptions struct {
	sourceOptions
	machineOptions
	add                    []string
	gdb, icount, unpatched bool
}

func (o *guestOptions) flags(env *environment) []command.Flag {
	return slices.Concat(o.sourceOptions.flags(env, false), o.machineOptions.flags(), []command.Flag{
		{Name: "add", Arg: "FILE", To: command.Strings(&o.add),
			Help: "take a file or a directory into the guest at the same path, or HOST:GUEST"},
		{Name: "gdb", To: command.Bool(&o.gdb), Help: "wait for a debugger before the first instruction, and print the line to type"},
		{Name: "icount", To: command.Bool(&o.icount), Help: "make the guest's clocks count instructions, a nanosecond each; one CPU, TCG"},
		{Name: "unpatched", To: command.Bool(&o.unpatched), Help: "boot the base kernel without the series"},
	})
}

// guest returns the guest that the user asks for.
func (o *guestOptions) guest(env *environment) (run.GuestOptions, error) {
	src, err := o.source(env)
	if err != nil {
		return run.GuestOptions{}, err
	}
	src.Unpatched = o.unpatched
	machine := o.machine()
	machine.GDB = o.gdb
	if o.icount {
		machine.InstructionClock, machine.CPUs = true, 1
	}
	return run.GuestOptions{
		Source:  src,
		Machine: machine,
		Add:     o.add,
		Notice:  func(line string) { env.ui.Important(line) },
	}, nil
}

func vmRunCommand(env *environment) *command.Command {
	var o struct {
		guestOptions
		timeout time.Duration
		env     []string
	}
	return &command.Command{
		Name:  "run",
		Short: "run a host program in the patched guest",
		Long: "Takes the program and its libraries into the guest and runs it there as root, with stdin, " +
			"stdout and stderr of its own. Its exit code becomes that of xpsgen.",
		Args:    []command.Arg{{Name: "PROGRAM", Help: "program of the host, and its arguments"}},
		Program: true,
		Flags: append(o.flags(env),
			command.Flag{Name: "timeout", Arg: "DURATION", To: command.Duration(&o.timeout), Help: "end the program after this time; default none"},
			command.Flag{Name: "env", Arg: "NAME=VALUE", To: command.Strings(&o.env), Help: "set a variable in the guest; NAME alone takes the value from here"},
		),
		Examples: []command.Example{
			{Line: "vm run -- /usr/bin/uname -r"},
			{Line: "vm run --add policy.o -- ./loader policy.o", Note: "with a file of yours"},
			{Line: "$ go test -exec 'xpsgen vm run --' ./...", Note: "Go tests in the guest"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "the program's own code; any other code too, except 69"}},
		Needs: []string{"vmtest", "shell"},
		Run: func(ctx context.Context, args []string) error {
			env.ui.Patient()
			opt, err := o.guest(env)
			if err != nil {
				return err
			}
			code, err := run.Program(ctx, run.ProgramOptions{
				GuestOptions: opt,
				Args:         args,
				Env:          o.env,
				Timeout:      o.timeout,
				Stdin:        env.stdin,
				Stdout:       env.stdout,
				Stderr:       env.stderr,
			})
			if err != nil {
				return err
			}
			if code != 0 {
				return &statusError{code: code}
			}
			return nil
		},
	}
}

func vmShellCommand(env *environment) *command.Command {
	var o guestOptions
	return &command.Command{
		Name:  "shell",
		Short: "open a shell in the patched guest",
		Long: "The guest has busybox, the patched ip and bpftool, and the BPF objects in /bpf. Leave with exit " +
			"or Ctrl-D. In the guest, try:\n\n" +
			"  ip link add d0 numtxqueues 4 type dummy\n" +
			"  ip link set dev d0 xps obj hello1.o sec hello\n" +
			"  ip link show d0",
		Flags:    o.flags(env),
		Examples: []command.Example{{Line: "vm shell"}, {Line: "vm shell --base 6.12 --unpatched", Note: "the base kernel of a carry"}},
		Exits:    []command.Exit{{Code: 1, Meaning: "the shell's own code; any other code too, except 69"}},
		Needs:    []string{"vmtest", "shell"},
		Run: func(ctx context.Context, _ []string) error {
			opt, err := o.guest(env)
			if err != nil {
				return err
			}
			return env.shell(ctx, opt)
		},
	}
}
