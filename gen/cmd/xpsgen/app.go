// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"xpsgen/gen/cmd/xpsgen/command"
)

// rootCommand declares all commands. Each run needs a new one, since the declarations
// hold the values of flags.
func rootCommand(env *environment) *command.Command {
	root := &command.Command{
		Name:  "xpsgen",
		Short: "carry, boot, test and describe the XPS BPF hook",
		Long: "xpsgen applies the kernel and iproute2 series of the hook, boots the patched kernel in a VM, and runs " +
			"the test suite in it. It generates Go bindings of the UAPI and writes the mails of the series. " +
			"Results go to stdout, progress and notices to stderr.",
		Flags: []command.Flag{
			{Name: "verbose", Letter: "v", To: command.Counter(&env.verbose), Help: "print more, for example the output of apt"},
			{Name: "quiet", Letter: "q", To: command.Bool(&env.quiet), Help: "print only results and errors, no progress"},
			{Name: "color", Arg: "WHEN", To: command.Choice(&env.color, "auto", "always", "never"),
				Help: "when to use colour on stderr; auto honours NO_COLOR"},
			{Name: "root", Arg: "DIR", Env: "XPSGEN_ROOT", To: command.String(&env.root),
				Help: "directory of the workbench; default the nearest workbench at or above the current directory, else, to read only, the one that contains xpsgen or the last one used"},
			{Name: "cache", Arg: "DIR", Env: "XPSGEN_CACHE", To: command.String(&env.cache),
				Help: "directory for sources and builds; default xpsgen in the user's cache directory"},
			{Name: "runs", Arg: "DIR", Env: "XPSGEN_RUNS", To: command.String(&env.runs),
				Help: "directory for the records of runs; default out/runs of the workbench"},
			{Name: "version", To: command.Bool(&env.version), Help: "print the version and exit"},
		},
		Examples: []command.Example{
			{Line: "vmtest", Note: "test the patched kernel"},
			{Line: "vmtest --run control/a24", Note: "one test"},
			{Line: "vm shell", Note: "look around in the guest"},
			{Line: "$ go test -exec 'xpsgen vm run --' ./bpf/xps", Note: "Go tests in the guest"},
			{Line: "doctor", Note: "list missing dependencies"},
		},
	}
	self := func() *command.Command { return root }
	root.Commands = []*command.Command{
		vmtestCommand(suiteCommands{env}),
		vmCommand(env),
		buildsCommand(suiteCommands{env}),
		mutantsCommand(suiteCommands{env}),
		mutateCommand(suiteCommands{env}),
		proveCommand(suiteCommands{env}),
		bisectCommand(suiteCommands{env}),
		peersCommand(env),
		benchCommand(suiteCommands{env}),
		matrixCommand(matrixCommands{env}),
		cellCommand(matrixCommands{env}),
		collectCommand(matrixCommands{env}),
		runsCommand(runsCommands{env}),
		reportCommand(runsCommands{env}),
		uapiCommand(uapiCommands{env}),
		seriesCommand(seriesCommands{env}),
		treeCommand(seriesCommands{env}),
		doctorCommand(env, self),
		depsCommand(env),
		cacheCommand(env),
		completionCommand(env),
		manCommand(env, self),
	}
	return root
}

// version names the source that this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && v == "devel":
			v += " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			v += " modified"
		}
	}
	return v + ", " + info.GoVersion
}

func manCommand(env *environment, root func() *command.Command) *command.Command {
	var markdown bool
	return &command.Command{
		Name:  "man",
		Short: "print the manual page",
		Flags: []command.Flag{{Name: "markdown", To: command.Bool(&markdown), Help: "print docs/commands.md instead"}},
		Examples: []command.Example{
			{Line: "man | man -l -", Note: "read it"},
			{Line: "man >/usr/local/share/man/man1/xpsgen.1", Note: "install it"},
		},
		Run: func(context.Context, []string) error {
			write := command.Man
			if markdown {
				write = command.Markdown
			}
			if err := write(env.stdout, root()); err != nil {
				return fmt.Errorf("print the manual page: %w", err)
			}
			return nil
		},
	}
}
