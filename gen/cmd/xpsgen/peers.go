// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/peers"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/runs"
)

// peersMemoryMiB is the memory of the guest: some tests make large maps.
const peersMemoryMiB = 2048

type peersOptions struct {
	sourceOptions
	machineOptions
	unpatched bool
}

func peersCommand(env *environment) *command.Command {
	var o peersOptions
	return &command.Command{
		Name:  "peers",
		Short: "run the tests of other Go libraries in the patched guest",
		Long: "Runs the tests of cilium/ebpf and mdlayher/netlink (the versions in go.mod) on a kernel with --config full. " +
			"vmtest/peers/peers.toml lists the tests that are known to fail, with the reason. The run fails if an unlisted test " +
			"fails, if a listed test passes, or if fewer tests pass than the list requires.\n\n" +
			"Writes KTAP to stdout. Keeps the run in out/runs/ID; the link out/peers/BASE names the last run.",
		Args: []command.Arg{{Name: "PACKAGE", Help: "import path of a package to test; default all", Optional: true, Repeat: true, Values: peerPackages}},
		Flags: append(append(o.sourceOptions.flags(env, false), o.machineOptions.flags()...),
			command.Flag{Name: "unpatched", To: command.Bool(&o.unpatched), Help: "run on the base kernel, as a control: the same tests must fail there"},
		),
		Examples: []command.Example{
			{Line: "peers"},
			{Line: "peers github.com/cilium/ebpf/link", Note: "one package"},
			{Line: "peers --unpatched", Note: "the control run"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "an unlisted test failed, a listed test passed, or too few tests passed"}},
		Needs: []string{"vmtest", "kselftest"},
		Run:   func(ctx context.Context, packages []string) error { return env.peers(ctx, &o, packages) },
	}
}

// peerPackages completes the arguments.
func peerPackages() []string {
	list, err := peers.Load()
	if err != nil {
		return nil
	}
	return list.ImportPaths()
}

func (env *environment) peers(ctx context.Context, o *peersOptions, packages []string) error {
	env.ui.Patient()
	list, err := peers.Load()
	if err != nil {
		return err
	}
	if err := list.Has(packages); err != nil {
		return command.Usagef("%v", err)
	}
	src, err := o.source(env)
	if err != nil {
		return err
	}
	src.Unpatched = o.unpatched
	src.Fragments = append([]string{fullFragment}, src.Fragments...)
	machine := o.machine()
	if machine.MemoryMiB == 0 {
		machine.MemoryMiB = peersMemoryMiB
	}
	// Build here to show the progress. Below go test it would be hidden.
	if _, err := run.PrepareGuest(ctx, run.GuestOptions{Source: src, Machine: machine}); err != nil {
		return err
	}
	exec, err := o.vmRun(&src, &machine)
	if err != nil {
		return err
	}
	rec, err := recordSource(runs.Peers, &src)
	if err != nil {
		return err
	}
	rec.selection, rec.link = strings.Join(packages, " "), filepath.Join("peers", src.Name())
	return env.recordKTAP(ctx, rec, env.results(), func(r *runs.Run, results io.Writer) error {
		got, err := peers.Run(ctx, peers.Options{
			Root: src.Root, Exec: exec, Only: packages, Logs: r.Dir(), KTAP: results, Progress: env.ui.Progress(),
		})
		if err != nil {
			return err
		}
		r.Record.Reasons = append(r.Record.Reasons, got.Problems...)
		env.ui.Verdict(len(got.Problems) == 0, fmt.Sprintf("%d passed, %d failed, %d skipped; %d problems",
			got.Passed, got.Failed, got.Skipped, len(got.Problems)))
		for _, p := range got.Problems {
			env.ui.Printf("      %s", p)
		}
		if len(got.Problems) > 0 {
			return &statusError{code: exitFailed}
		}
		return nil
	})
}
