// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/matrix"
	"xpsgen/vmtest/matrix/kubernetes"
)

// matrixCommands plan, run and collect cells.
type matrixCommands struct{ *environment }

// sampleSeed is the default of --seed. It is constant, so that all plans of one
// commit choose the same mutants.
const sampleSeed = 607120647

// maxJobs is the maximum number of jobs that GitHub Actions makes of a matrix.
const maxJobs = 256

// matrixOptions are the options of matrix.
type matrixOptions struct {
	plan       matrix.Options
	json       bool
	simulate   []string
	workers    []int
	kubernetes string
	image      string
	parallel   int
}

func matrixCommand(env matrixCommands) *command.Command {
	o := matrixOptions{plan: matrix.Options{For: matrix.ForPR, MaxCost: 10 * time.Minute}, image: "xpsgen", parallel: 20}
	return &command.Command{
		Name:  "matrix",
		Short: "plan the cells of the test matrix",
		Long: "A cell is work that one machine does alone: the suite on one base, the checks of one series, one patch of a bisection, a shard of " +
			"the mutants. Prints the cells with the estimated time of each, or writes them as JSON: the plan that xpsgen cell and " +
			"xpsgen collect read.\n\n" +
			"The plan pr covers make test. The plan nightly adds the other configurations, all patches and all mutants. The plan all " +
			"adds make test-long, except its targets act, engines, nipa and syz.\n\n" +
			"An estimate comes from the last five runs in out/runs that passed. It is the upper quartile of their times for checks, and the lower quartile for " +
			"other cells. Without such runs, the estimate is a default. A cell of tests or mutants that would take longer than --cell-time is split into shards of equal cost.",
		Flags: []command.Flag{
			{Name: "for", Arg: "PURPOSE", To: command.Choice(&o.plan.For, matrix.Purposes()...), Help: "which tests to plan"},
			{Name: "kind", Arg: "KIND", To: command.Choices(&o.plan.Kinds, cell.Kinds()...), Help: "only cells of this kind"},
			{Name: "base", Arg: "NAME", To: command.Strings(&o.plan.Bases), Values: func() []string { return env.kernelBases(false) },
				Help: "only cells on this base"},
			{Name: "series", Arg: "KEY", To: command.Strings(&o.plan.Series), Values: env.seriesKeys,
				Help: "only cells of this series; the name all selects cells of the whole stack"},
			{Name: "config", Arg: "NAME", To: command.Strings(&o.plan.Configs),
				Help: "only cells with these Kconfig fragments, joined by +; the name default selects cells without fragments"},
			{Name: "arch", Arg: "ARCH", To: command.Choices(&o.plan.Arches, arch.Names()...), Help: "only cells with a guest of this architecture"},
			{Name: "cell-time", Arg: "DURATION", To: command.Duration(&o.plan.MaxCost), Help: "split cells that would take longer"},
			{Name: "seed", Arg: "N", Env: "XPSGEN_SEED", To: command.Int64(&o.plan.Seed),
				Help: fmt.Sprintf("seed that chooses the sample of mutants for a pull request; default %d", sampleSeed)},
			{Name: "json", To: command.Bool(&o.json), Help: "print the plan as one line of JSON, for fromJSON of GitHub Actions"},
			{Name: "simulate", Arg: "WORKERS", To: command.Commas(&o.simulate), Help: "print how long the plan takes on each of these numbers of workers, such as 1,4,20"},
			{Name: "kubernetes", Arg: "DIR", To: command.String(&o.kubernetes),
				Help: "write an Indexed Job of Kubernetes, its plan and the Containerfile of its image to DIR"},
			{Name: "image", Arg: "IMAGE", To: command.String(&o.image), Help: "image of the Job"},
			{Name: "parallel", Arg: "N", To: command.Count(&o.parallel), Help: "number of pods of the Job at a time"},
		},
		Examples: []command.Example{
			{Line: "matrix", Note: "the cells of make test"},
			{Line: "matrix --for nightly --kind mutants --cell-time 5m"},
			{Line: "matrix --for all --simulate 1,4,20,100"},
			{Line: "matrix --json >plan.json", Note: "a plan for cell and collect"},
			{Line: "matrix --for nightly --kubernetes job", Note: "then kubectl apply -f job/job.yaml"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "series.toml has a mistake"}},
		Valid: func([]string) error { return o.valid() },
		Run:   func(ctx context.Context, _ []string) error { return env.matrix(ctx, &o) },
	}
}

func (o *matrixOptions) valid() error {
	for _, text := range o.simulate {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1e6 {
			return command.Usagef("--simulate %s: want numbers of workers from 1 to 1000000", text)
		}
		o.workers = append(o.workers, n)
	}
	modes := 0
	for _, on := range []bool{o.json, len(o.simulate) > 0, o.kubernetes != ""} {
		if on {
			modes++
		}
	}
	if modes > 1 {
		return command.Usagef("--json, --simulate and --kubernetes are mutually exclusive")
	}
	if o.plan.Seed == 0 {
		o.plan.Seed = sampleSeed
	}
	return nil
}

func (env matrixCommands) matrix(ctx context.Context, o *matrixOptions) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	o.plan.Root = root
	if o.plan.Records, err = env.store(root).List(); err != nil {
		return err
	}
	p, err := matrix.New(ctx, o.plan)
	if errors.Is(err, matrix.ErrEmpty) {
		return command.Usagef("%v", err)
	}
	if err != nil {
		return err
	}
	switch {
	case o.json:
		if len(p.Cells) > maxJobs {
			env.ui.Important(fmt.Sprintf("note  %d cells: GitHub Actions makes at most %d jobs of a matrix (a longer --cell-time, or a filter)", len(p.Cells), maxJobs))
		}
		return p.Write(env.stdout)
	case len(o.workers) > 0:
		return env.printSimulation(p, o.workers)
	case o.kubernetes != "":
		return env.writeKubernetes(p, o)
	}
	return env.printPlan(p)
}

func (env matrixCommands) printPlan(p *cell.Plan) error {
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CELL\tTIME\tFROM\tKERNEL")
	var total float64
	for _, c := range p.Cells {
		total += c.CostSeconds
		kernel := "-"
		if c.Cache != "" {
			kernel = c.Cache
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, duration(c.CostSeconds), c.CostFrom, kernel)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the plan: %w", err)
	}
	env.ui.Printf("      %d cells for %s, %s on one machine with a warm cache", len(p.Cells), p.For, duration(total))
	return nil
}

func (env matrixCommands) printSimulation(p *cell.Plan, workers []int) error {
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "WORKERS\tWARM\tSPEEDUP\tEFFICIENCY\tCOLD\tSPEEDUP\t")
	one := matrix.Simulate(p, 1)
	for _, n := range workers {
		s := matrix.Simulate(p, n)
		fmt.Fprintf(w, "%d\t%s\t%.1f\t%.0f %%\t%s\t%.1f\t\n", n, duration(s.Warm), one.Warm/s.Warm, 100*one.Warm/s.Warm/float64(n),
			duration(s.Cold), one.Cold/s.Cold)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the simulation: %w", err)
	}
	measured := 0
	for _, c := range p.Cells {
		if c.CostFrom != matrix.FromDefault {
			measured++
		}
	}
	env.ui.Printf("      %d cells, %d of them measured; the longest takes %s", len(p.Cells), measured, duration(one.Longest))
	return nil
}

// duration formats seconds: "14s", "2m17s".
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// writeKubernetes writes the files of an Indexed Job.
func (env matrixCommands) writeKubernetes(p *cell.Plan, o *matrixOptions) error {
	if err := os.MkdirAll(o.kubernetes, 0o755); err != nil {
		return fmt.Errorf("write the Job: %w", err)
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"plan.json", p.Write},
		{"job.yaml", func(w io.Writer) error {
			return kubernetes.Write(w, p, kubernetes.Options{Name: "xpsgen", Image: o.image, Parallel: o.parallel})
		}},
		{"Containerfile", func(w io.Writer) error {
			_, err := w.Write(kubernetes.Containerfile)
			return err
		}},
	} {
		name := filepath.Join(o.kubernetes, file.name)
		if err := writeWith(name, func(f *os.File) error { return file.write(f) }); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	env.ui.Printf("      Job of %d pods in %s", len(p.Cells), relative(o.kubernetes))
	return nil
}
