// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cache"
)

func cacheCommand(env *environment) *command.Command {
	return &command.Command{
		Name:     "cache",
		Short:    "show, prune and share the cache",
		Examples: []command.Example{{Line: "cache list"}, {Line: "cache prune --older 720h", Note: "remove entries not used for 30 days"}},
		Commands: []*command.Command{cacheListCommand(env), cachePruneCommand(env), cachePushCommand(env), cachePullCommand(env)},
	}
}

func cacheListCommand(env *environment) *command.Command {
	return &command.Command{
		Name:     "list",
		Short:    "show the contents of the cache",
		Long:     "Prints a line per kind of entry: number of entries, disk space, date of last use.",
		Examples: []command.Example{{Line: "cache list"}},
		Run: func(ctx context.Context, _ []string) error {
			dir, err := env.cacheDirectory()
			if err != nil {
				return err
			}
			all, err := cache.List(ctx, dir)
			if err != nil {
				return err
			}
			type kind struct {
				n     int
				bytes int64
				used  time.Time
			}
			kinds := make(map[string]*kind)
			var total int64
			for _, e := range all {
				k := kinds[e.Kind]
				if k == nil {
					k = &kind{}
					kinds[e.Kind] = k
				}
				k.n, k.bytes, total = k.n+1, k.bytes+e.Bytes, total+e.Bytes
				if e.Used.After(k.used) {
					k.used = e.Used
				}
			}
			w := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintln(w, "kind\tentries\tMiB\tlast used\t")
			for _, name := range slices.Sorted(maps.Keys(kinds)) {
				k := kinds[name]
				fmt.Fprintf(w, "%s\t%d\t%d\t%s\t\n", name, k.n, k.bytes>>20, k.used.Format(time.DateOnly))
			}
			fmt.Fprintf(w, "total\t%d\t%d\t\t\n", len(all), total>>20)
			if err := w.Flush(); err != nil {
				return fmt.Errorf("print the cache: %w", err)
			}
			return nil
		},
	}
}

func cachePruneCommand(env *environment) *command.Command {
	var o struct {
		older  time.Duration
		maxMiB int
		dry    bool
	}
	return &command.Command{
		Name:  "prune",
		Short: "remove old entries from the cache",
		Long: "Removes leftovers of interrupted runs, and the entries that exceed --older or --max-size, least recently used first. Keeps " +
			"entries used in the last hour, entries that a run has locked, and downloaded sources. Prints each removed entry.",
		Flags: []command.Flag{
			{Name: "older", Arg: "DURATION", To: command.Duration(&o.older), Help: "remove entries not used for this time"},
			{Name: "max-size", Arg: "MIB", To: command.Count(&o.maxMiB), Help: "remove entries until the cache takes at most this space, in MiB"},
			{Name: "dry-run", To: command.Bool(&o.dry), Help: "print what would be removed, and remove nothing"},
		},
		Examples: []command.Example{{Line: "cache prune"}, {Line: "cache prune --older 720h --max-size 8192"}},
		Run: func(ctx context.Context, _ []string) error {
			dir, err := env.cacheDirectory()
			if err != nil {
				return err
			}
			removed, err := cache.Prune(ctx, dir, cache.PruneOptions{Older: o.older, MaxBytes: int64(o.maxMiB) << 20, Dry: o.dry})
			for _, e := range removed {
				if _, perr := fmt.Fprintf(env.stdout, "%d MiB\t%s\n", e.Bytes>>20, e.Path); perr != nil {
					return fmt.Errorf("print the removed entries: %w", perr)
				}
			}
			return err
		},
	}
}
