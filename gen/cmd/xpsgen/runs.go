// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/runs"
)

func runsCommand(env runsCommands) *command.Command {
	return &command.Command{
		Name:  "runs",
		Short: "list, show, compare and remove recorded runs",
		Long: "Every run of the suite, the checks, the mutants, the benchmarks and so on is recorded in out/runs/ID, with hashes " +
			"of its inputs. To name a run, use its ID, a unique part of the ID, a directory, or \"last\".",
		Examples: []command.Example{
			{Line: "runs list"},
			{Line: "runs show out/net-next", Note: "the last run on net-next"},
			{Line: "runs prune --keep 50 --dry-run"},
		},
		Commands: []*command.Command{
			runsListCommand(env), runsShowCommand(env), runsDiffCommand(env), runsPruneCommand(env), runsNIPACommand(env),
		},
	}
}

// runNames completes the name of a run.
func (env runsCommands) runNames() []string {
	root, _, err := env.locate()
	if err != nil {
		return nil
	}
	all, err := env.store(root).List()
	if err != nil {
		return nil
	}
	names := []string{"last"}
	for _, r := range all {
		names = append(names, r.ID)
	}
	return names
}

func kindNames() []string {
	var all []string
	for _, k := range runs.Kinds() {
		all = append(all, string(k))
	}
	return all
}

// listOptions are the options of runs list.
type listOptions struct {
	kind  string
	limit int
	json  bool
}

func runsListCommand(env runsCommands) *command.Command {
	var o listOptions
	return &command.Command{
		Name:  "list",
		Short: "list the runs, newest first",
		Long:  "Marks stale runs, whose inputs have changed since, and partial runs, which ran only some of the tests.",
		Flags: []command.Flag{
			{Name: "kind", Arg: "KIND", To: command.Choice(&o.kind, kindNames()...), Help: "list only runs of this kind"},
			{Name: "limit", Arg: "N", To: command.Count(&o.limit), Help: "list the N newest runs; default all"},
			{Name: "json", To: command.Bool(&o.json), Help: "print the records as JSON"},
		},
		Examples: []command.Example{
			{Line: "runs list"},
			{Line: "runs list --kind suite --limit 10"},
		},
		Run: func(ctx context.Context, _ []string) error { return env.listRuns(ctx, &o) },
	}
}

// listed is a record and the state of its inputs.
type listed struct {
	*runs.Record
	Stale []string `json:"stale,omitempty"`
}

func (env runsCommands) listRuns(ctx context.Context, o *listOptions) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	store := env.store(root)
	all, err := store.List()
	if err != nil {
		return err
	}
	list := []listed{}
	look := runs.NewLooker(root)
	for _, r := range all {
		if o.kind != "" && string(r.Kind) != o.kind {
			continue
		}
		if o.limit > 0 && len(list) == o.limit {
			break
		}
		l := listed{Record: r}
		if l.Stale, err = look.Stale(ctx, r); errors.Is(err, runs.ErrGone) {
			l.Stale, err = []string{err.Error()}, nil
		}
		if err != nil {
			return err
		}
		list = append(list, l)
	}
	if o.json {
		data, err := json.MarshalIndent(list, "", "\t")
		if err != nil {
			return fmt.Errorf("print the runs: %w", err)
		}
		_, err = fmt.Fprintf(env.stdout, "%s\n", data)
		return err
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTATE\tPASSED\tTIME\tMARKS")
	for _, l := range list {
		passed, elapsed := "-", "-"
		if l.Counts.Planned > 0 {
			passed = fmt.Sprintf("%d/%d", l.Counts.Pass, l.Counts.Planned)
		}
		if d := l.Elapsed(); d > 0 {
			elapsed = d.Round(100 * time.Millisecond).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.State, passed, elapsed, l.marks())
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the runs: %w", err)
	}
	return nil
}

// marks returns the reasons why a run does not count.
func (l *listed) marks() string {
	var marks []string
	if len(l.Stale) > 0 {
		marks = append(marks, "stale")
	}
	if l.Partial() {
		marks = append(marks, "partial: "+l.Selection)
	}
	return strings.Join(marks, "; ")
}

func runsShowCommand(env runsCommands) *command.Command {
	return &command.Command{
		Name:  "show",
		Short: "show one run: inputs, versions, verdict and failed tests",
		Args:  []command.Arg{{Name: "RUN", Optional: true, Values: env.runNames, Help: "run to show; default the last one"}},
		Examples: []command.Example{
			{Line: "runs show"},
			{Line: "runs show out/net-next"},
		},
		Run: func(ctx context.Context, names []string) error {
			return env.showRun(ctx, append(names, "last")[0])
		},
	}
}

func (env runsCommands) showRun(ctx context.Context, name string) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	r, err := env.namedRun(root, name)
	if err != nil {
		return err
	}
	stale, err := runs.NewLooker(root).Stale(ctx, r)
	if errors.Is(err, runs.ErrGone) {
		stale, err = []string{err.Error()}, nil
	}
	if err != nil {
		return err
	}
	report, err := r.Report()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	line := func(name string, format string, a ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, a...))
	}
	line("run", "%s", r.ID)
	line("state", "%s", r.State)
	for _, reason := range r.Reasons {
		line("reason", "%s", reason)
	}
	if r.Partial() {
		line("partial", "%s", r.Selection)
	}
	for _, s := range stale {
		line("stale", "%s", s)
	}
	if r.Counts.Planned > 0 {
		line("results", "%s of %d", r.Counts, r.Counts.Planned)
	}
	line("command", "%s", strings.Join(r.Command, " "))
	line("started", "%s", r.Started.Format(time.RFC3339))
	if d := r.Elapsed(); d > 0 {
		line("took", "%s", d.Round(100*time.Millisecond))
	}
	if r.Seed != 0 {
		line("seed", "%d", r.Seed)
	}
	if r.Commit != "" {
		dirty := ""
		if r.Dirty {
			dirty = " with local changes"
		}
		line("workbench", "%s%s", r.Commit, dirty)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		line(name, "%s", r.Versions[name])
	}
	line("directory", "%s", relative(r.Dir))
	for _, in := range r.Inputs.Lines() {
		line("input", "%s", in)
	}
	for _, t := range report.Flat() {
		if t.Status.String() == "fail" {
			line("failed", "%s", strings.TrimSuffix(t.Name+": "+t.Reason, ": "))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the run: %w", err)
	}
	return nil
}

// namedRun finds a run. An unknown name is a usage error.
func (env runsCommands) namedRun(root, name string) (*runs.Record, error) {
	r, err := env.store(root).Find(name)
	if errors.Is(err, runs.ErrUnknown) {
		return nil, command.Usagef("%v", err)
	}
	return r, err
}

func runsDiffCommand(env runsCommands) *command.Command {
	return &command.Command{
		Name:  "diff",
		Short: "compare the inputs and the results of two runs",
		Args: []command.Arg{
			{Name: "OLD", Values: env.runNames, Help: "run to compare"},
			{Name: "NEW", Values: env.runNames, Help: "run to compare it with"},
		},
		Examples: []command.Example{{Line: "runs diff 20261129-205411 last"}},
		Exits: []command.Exit{
			{Code: 0, Meaning: "neither inputs nor results differ"},
			{Code: 1, Meaning: "inputs or results differ"},
		},
		Run: func(_ context.Context, names []string) error { return env.diffRuns(names[0], names[1]) },
	}
}

func (env runsCommands) diffRuns(older, newer string) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	var pair [2]*runs.Record
	for i, name := range []string{older, newer} {
		if pair[i], err = env.namedRun(root, name); err != nil {
			return err
		}
	}
	lines, err := runs.Diff(pair[0], pair[1])
	if err != nil {
		return err
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(env.stdout, l); err != nil {
			return fmt.Errorf("print the differences: %w", err)
		}
	}
	if len(lines) > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
}

// pruneOptions are the options of runs prune.
type pruneOptions struct {
	olderThan, size string
	keep            int
	dryRun          bool

	limits runs.PruneOptions
}

func runsPruneCommand(env runsCommands) *command.Command {
	var o pruneOptions
	return &command.Command{
		Name:  "prune",
		Short: "remove old runs",
		Long: "Removes the runs that exceed any of the limits, the oldest first. Keeps the runs that the matrix of the report shows, the runs " +
			"that out/BASE and other links in out/ name, and runs in progress.",
		Flags: []command.Flag{
			{Name: "older-than", Arg: "AGE", To: command.String(&o.olderThan), Help: "remove runs older than AGE: 36h, 30d"},
			{Name: "keep", Arg: "N", To: command.Count(&o.keep), Help: "keep the N newest runs"},
			{Name: "size", Arg: "BYTES", To: command.String(&o.size), Help: "remove runs until they take at most this space: 200M, 1G"},
			{Name: "dry-run", To: command.Bool(&o.dryRun), Help: "print what would be removed, and remove nothing"},
		},
		Examples: []command.Example{
			{Line: "runs prune --keep 50 --dry-run"},
			{Line: "runs prune --older-than 30d --size 500M"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "series.toml has a mistake"}},
		Valid: func([]string) error { return o.valid() },
		Run:   func(ctx context.Context, _ []string) error { return env.pruneRuns(ctx, &o) },
	}
}

// valid reads the limits.
func (o *pruneOptions) valid() error {
	o.limits = runs.PruneOptions{Keep: o.keep, DryRun: o.dryRun}
	var ok bool
	if o.limits.OlderThan, ok = parseAge(o.olderThan); !ok {
		return command.Usagef("--older-than %s: want a number of hours or days, such as 36h or 30d", o.olderThan)
	}
	if o.limits.Bytes, ok = parseSize(o.size); !ok {
		return command.Usagef("--size %s: want a number of bytes, such as 200M or 1G", o.size)
	}
	if o.limits.OlderThan == 0 && o.limits.Keep == 0 && o.limits.Bytes == 0 {
		return command.Usagef("name a limit: --older-than, --keep or --size")
	}
	return nil
}

func (env runsCommands) pruneRuns(ctx context.Context, o *pruneOptions) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	store := env.store(root)
	all, err := store.List()
	if err != nil {
		return err
	}
	picture, err := runs.NewPicture(ctx, root, all)
	if err != nil {
		return err
	}
	gone, err := store.Prune(picture, filepath.Join(root, "out"), o.limits)
	var total int64
	for _, g := range gone {
		total += g.Bytes
		if _, err := fmt.Fprintf(env.stdout, "%s\t%.1f MB\n", g.ID, float64(g.Bytes)/1e6); err != nil {
			return fmt.Errorf("print the runs: %w", err)
		}
	}
	verb := "removed"
	if o.dryRun {
		verb = "would remove"
	}
	env.ui.Printf("      %s %d of %d runs, %.1f MB", verb, len(gone), len(all), float64(total)/1e6)
	return err
}

// parseAge parses a duration, which may be in days. Empty means 0.
func parseAge(s string) (time.Duration, bool) {
	if s == "" {
		return 0, true
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

// parseSize parses a number of bytes with an optional suffix K, M or G. Empty means 0.
func parseSize(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	unit := int64(1)
	for i, suffix := range []string{"K", "M", "G"} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, int64(1)<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n * unit, err == nil && n > 0 && n < 1<<33
}
