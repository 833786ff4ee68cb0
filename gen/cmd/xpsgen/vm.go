// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/run"
)

func vmCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "vm",
		Usage:       "use the patched guest",
		Subcommands: []*cli.Command{vmRunCommand(env), vmShellCommand(env), vmBenchCommand(env), vmBenchBuildCommand(env)},
	}
}

// guestFlags are those of the commands that hand the guest to the user.
func guestFlags() []cli.Flag {
	return append(append(sourceFlags(), machineFlags()...),
		&cli.StringSliceFlag{
			Name:  "add",
			Usage: "take `FILE` (or a directory) into the guest at the same path, or HOST:GUEST; may be repeated",
		},
		&cli.BoolFlag{
			Name:  "gdb",
			Usage: "wait for a debugger before the first instruction, and print the line to type",
		},
		&cli.BoolFlag{
			Name:  "icount",
			Usage: "the guest's clocks count instructions, a nanosecond each; one CPU, TCG",
		},
		&cli.BoolFlag{
			Name:  "unpatched",
			Usage: "boot the base kernel without the series",
		},
	)
}

func (env *environment) guest(c *cli.Context) (run.GuestOptions, error) {
	src, err := env.source(c)
	if err != nil {
		return run.GuestOptions{}, err
	}
	src.Unpatched = c.Bool("unpatched")
	machine, err := env.machine(c)
	if err != nil {
		return run.GuestOptions{}, err
	}
	machine.GDB = c.Bool("gdb")
	if c.Bool("icount") {
		machine.InstructionClock = true
		if !c.IsSet("cpus") {
			machine.CPUs = 1
		}
	}
	return run.GuestOptions{
		Source:  src,
		Machine: machine,
		Add:     c.StringSlice("add"),
		Notice:  func(line string) { env.ui.Important(line) },
	}, nil
}

func vmRunCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a host program in the patched guest",
		ArgsUsage: "-- PROGRAM [ARGUMENTS]",
		Description: "The program and its libraries are taken into the guest; it runs as root with\n" +
			"stdin, stdout and stderr of its own, and its exit code is ours (69: the\n" +
			"workbench failed, see stderr).\n\n" +
			"Examples:\n" +
			"  xpsgen vm run -- /usr/bin/uname -r\n" +
			"  xpsgen vm run --add policy.o -- ./loader policy.o\n" +
			"  go test -exec 'xpsgen vm run --' ./...",
		Flags: append(guestFlags(),
			&cli.DurationFlag{
				Name:  "timeout",
				Usage: "end the program after `DURATION`; default none",
			},
			&cli.StringSliceFlag{
				Name:  "env",
				Usage: "set `NAME=VALUE` in the guest (or NAME, from here); may be repeated",
			}),
		Action: func(c *cli.Context) error {
			if c.Args().Len() == 0 {
				return &usageError{text: "no program given", command: "xpsgen vm run"}
			}
			env.ui.Patient()
			opt, err := env.guest(c)
			if err != nil {
				return err
			}
			code, err := run.Program(c.Context, run.ProgramOptions{
				GuestOptions: opt,
				Args:         c.Args().Slice(),
				Env:          c.StringSlice("env"),
				Timeout:      c.Duration("timeout"),
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

func vmShellCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "shell",
		Usage: "interactive shell in the patched guest",
		Description: "busybox, the patched ip, and the BPF objects in /bpf. Leave with exit or Ctrl-D.\n\n" +
			"Example, in the guest:\n" +
			"  ip link add d0 numtxqueues 4 type dummy\n" +
			"  ip link set dev d0 xps obj /bpf/hello1.o sec hello\n" +
			"  ip link show d0",
		Flags: guestFlags(),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			opt, err := env.guest(c)
			if err != nil {
				return err
			}
			return env.shell(c.Context, opt)
		},
	}
}
