// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/report"
	"xpsgen/vmtest/verdict"
)

func reportCommand(env *environment) *command.Command {
	var output string
	return &command.Command{
		Name:  "report",
		Short: "write what the last runs found as one page of HTML",
		Long: "The page has verdict, tests, versions, splats, times, counts and tables of each results directory, " +
			"by default of all in out/. It is one file that needs nothing else.",
		Args: []command.Arg{{Name: "DIR", Optional: true, Repeat: true, Help: "results directories; default all in out/"}},
		Flags: []command.Flag{{Name: "output", Letter: "o", Arg: "FILE", To: command.String(&output),
			Help: "file to write; - is stdout; default out/report.html in the workbench"}},
		Examples: []command.Example{
			{Line: "report"},
			{Line: "report -o /tmp/xps.html out/net-next", Note: "one run, to another file"},
		},
		Run: func(_ context.Context, dirs []string) error {
			root, _, err := env.locate()
			if err != nil {
				return err
			}
			d, err := reportData(root, dirs)
			if err != nil {
				return err
			}
			var page strings.Builder
			if err := report.Write(&page, d); err != nil {
				return err
			}
			file := output
			switch file {
			case "-":
				_, err := env.stdout.Write([]byte(page.String()))
				if err != nil {
					return fmt.Errorf("print the report: %w", err)
				}
				return nil
			case "":
				file = filepath.Join(root, "out", "report.html")
			}
			if err := cache.WriteFile(file, []byte(page.String()), 0o644); err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			env.ui.Verdict(true, "report in "+file)
			return nil
		},
	}
}

// reportData reads what runs have left behind, in the directories named or in
// all under out/.
func reportData(root string, dirs []string) (report.Data, error) {
	var d report.Data
	all := len(dirs) == 0
	if all {
		found, err := filepath.Glob(filepath.Join(root, "out", "*", verdict.JSONFile))
		if err != nil {
			return d, fmt.Errorf("look for results: %w", err)
		}
		for _, f := range found {
			dirs = append(dirs, filepath.Dir(f))
		}
	}
	for _, dir := range dirs {
		r, err := verdict.Read(dir)
		if err != nil {
			return d, err
		}
		d.Runs = append(d.Runs, report.Run{Name: filepath.Base(dir), Results: r})
	}
	found, err := filepath.Glob(filepath.Join(filepath.Dir(benchFile(root, "any")), "*.json"))
	if err != nil {
		return d, fmt.Errorf("look for results: %w", err)
	}
	for _, f := range found {
		r, err := bench.Load(f)
		if err != nil {
			return d, err
		}
		d.Bench = append(d.Bench, r)
	}
	d.Boots, err = boots.Read(bootsFile(root))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	d.Builds, err = prepare.ReadBuilds(buildsFile(root))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if len(d.Runs) == 0 && len(d.Bench) == 0 && len(d.Boots) == 0 && len(d.Builds) == 0 {
		return d, fmt.Errorf("%w in %s: make vmtest, make bench or make bench-vm leaves some", verdict.ErrNoResults, filepath.Join(root, "out"))
	}
	return d, nil
}
