// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cell"
)

// cellOptions are the options of cell.
type cellOptions struct {
	plan, out      string
	index, attempt int
}

func cellCommand(env matrixCommands) *command.Command {
	o := cellOptions{index: -1}
	return &command.Command{
		Name:  "cell",
		Short: "run one cell of the matrix and archive its results",
		Long: "Runs the command of the cell as a separate process. Then writes one archive, ID.tar.gz: the records of the runs, the output, the " +
			"exit code. The archive exists even if the command failed, was killed or was interrupted. stdout and stderr are those of the command.\n\n" +
			"The exit code is that of the command. If the command is a make target and fails, the exit code is 1. The cell also fails if the command exits with 0 but leaves no record of " +
			"a run that passed.",
		Args: []command.Arg{{Name: "ID", Optional: true, Values: func() []string { return nil },
			Help: "cell to run, as xpsgen matrix prints it; default cell --index of the plan"}},
		Flags: []command.Flag{
			{Name: "plan", Arg: "FILE", To: command.String(&o.plan), Help: "plan that contains the cell; only shards and --index need one"},
			{Name: "index", Arg: "N", Env: "JOB_COMPLETION_INDEX", To: command.Int(&o.index, 0, 1<<30),
				Help: "number of the cell in the plan, from 0, if no ID is given"},
			{Name: "attempt", Arg: "N", To: command.Count(&o.attempt), Help: "number of the attempt, from 1; default as in the plan"},
			{Name: "out", Letter: "o", Arg: "DIR", To: command.String(&o.out), Help: "directory for the archive; default out/cells of the workbench"},
		},
		Examples: []command.Example{
			{Line: "cell suite@net-next"},
			{Line: "cell --plan plan.json mutants@net-next,shard=2-of-8"},
			{Line: "cell --plan /plan/plan.json --out /results", Note: "in a pod of an Indexed Job"},
			{Line: "$ parallel -S a,b xpsgen cell --plan plan.json ::: $IDS", Note: "on two hosts"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "the cell failed"}, {Code: 69, Meaning: "the cell could not run, or there is no archive"}},
		Valid: func(args []string) error {
			if o.plan != "" && (len(args) > 0 || o.index >= 0) {
				return nil // the plan is read when the command runs
			}
			_, err := o.cell(args)
			return err
		},
		Run: func(ctx context.Context, args []string) error { return env.cell(ctx, &o, args) },
	}
}

// cell returns the chosen cell.
func (o *cellOptions) cell(args []string) (c *cell.Cell, err error) {
	switch {
	case len(args) == 0 && (o.plan == "" || o.index < 0):
		return nil, command.Usagef("name a cell, or give --plan and --index; xpsgen matrix lists the cells")
	case o.plan == "":
		c, err = cell.Parse(args[0])
		if err == nil && c.Shard != "" {
			return nil, command.Usagef("%s: a shard needs --plan, which lists its items", args[0])
		}
	default:
		var p *cell.Plan
		if p, err = cell.ReadPlan(o.plan); err != nil {
			return nil, planError(err)
		}
		if len(args) > 0 {
			c, err = p.Find(args[0])
		} else {
			c, err = p.At(o.index)
		}
	}
	if errors.Is(err, cell.ErrID) {
		return nil, command.Usagef("%v", err)
	}
	if err != nil {
		return nil, err
	}
	if o.attempt > 0 {
		c.Attempt = o.attempt
	}
	return c, nil
}

// planError turns an error about the file of --plan into a usage error.
func planError(err error) error {
	if errors.Is(err, cell.ErrPlan) || errors.Is(err, os.ErrNotExist) {
		return command.Usagef("--plan: %v", err)
	}
	return err
}

func (env matrixCommands) cell(ctx context.Context, o *cellOptions, args []string) error {
	c, err := o.cell(args)
	if err != nil {
		return err
	}
	root, cacheDir, err := env.locate()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find xpsgen: %w", err)
	}
	if o.out == "" {
		o.out = filepath.Join(root, "out", "cells")
	}
	out, err := filepath.Abs(o.out)
	if err != nil {
		return fmt.Errorf("find the directory of the archive: %w", err)
	}
	r, err := cell.Run(ctx, cell.RunOptions{Cell: c, Root: root, Cache: cacheDir, Program: program, Out: out, Stdout: env.results(), Stderr: env.stderr})
	if errors.Is(err, cell.ErrID) {
		return command.Usagef("%v", err)
	}
	if err != nil {
		return err
	}
	env.ui.Verdict(r.ExitCode == 0, fmt.Sprintf("cell %s: exit code %d, %s", c.ID(), r.ExitCode, r.Elapsed().Round(100*time.Millisecond)))
	for _, reason := range r.Reasons {
		env.ui.Printf("      %s", reason)
	}
	env.ui.Printf("      archive %s", relative(r.Archive))
	if r.ExitCode != 0 {
		return &statusError{code: r.ExitCode}
	}
	return nil
}
