// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/uapi"
)

func uapiListCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list names with kind, value or size, and place",
		ArgsUsage: "[HEADER]...",
		Description: "Without a HEADER it lists what the configuration selects; a HEADER is listed\n" +
			"whole. Types have their size for a value.\n\n" +
			"Examples:\n" +
			"  xpsgen uapi list --name 'IFLA_XPS*'\n" +
			"  xpsgen uapi list --json linux/if_link.h\n" +
			"  xpsgen uapi list --left-out linux/atm.h      what has no value, and why",
		Flags: append(headerFlags(),
			&cli.BoolFlag{Name: "all", Usage: "every header there is"},
			&cli.StringSliceFlag{Name: "name", Usage: "only names that match `PATTERN`; may be repeated"},
			&cli.BoolFlag{Name: "left-out", Usage: "list what is left out, with the reason, instead"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		),
		Action: env.uapiList,
	}
}

// leftOut is a name without a value in JSON.
type leftOut struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
}

func (env *environment) uapiList(c *cli.Context) error {
	j, err := env.uapiJob(c)
	if err != nil {
		return err
	}
	for _, p := range c.StringSlice("name") {
		if _, err := path.Match(p, ""); err != nil {
			return &usageError{text: fmt.Sprintf("--name: bad pattern %q", p), command: c.Command.HelpName}
		}
	}
	headers, left, err := j.survey(c, c.Args().Slice())
	if err != nil {
		return err
	}
	wanted := func(name string) bool {
		patterns := c.StringSlice("name")
		for _, p := range patterns {
			if ok, err := path.Match(p, name); err == nil && ok {
				return true
			}
		}
		return len(patterns) == 0
	}
	symbols, without := []uapi.Symbol{}, []leftOut{}
	for _, h := range headers {
		for _, s := range h.Symbols() {
			if wanted(s.Name) {
				symbols = append(symbols, s)
			}
		}
		for _, s := range h.Skipped {
			if wanted(s.Name) {
				without = append(without, leftOut{s.Name, s.Pos.File, s.Pos.Line, s.Reason})
			}
		}
	}
	for _, l := range left {
		without = append(without, leftOut{"", l.Header, 0, l.Reason})
	}
	switch {
	case c.Bool("json") && c.Bool("left-out"):
		return env.printJSON(without)
	case c.Bool("json"):
		return env.printJSON(symbols)
	case c.Bool("left-out"):
		return env.printTable(without, func(l leftOut) string {
			return fmt.Sprintf("%s\t%s\t%s", l.Name, l.Reason, fmt.Sprintf("%s:%d", l.File, l.Line))
		})
	}
	return env.printSymbols(symbols)
}

func (env *environment) printSymbols(list []uapi.Symbol) error {
	w := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s:%d\n", s.Name, s.Kind, s.Value, s.File, s.Line)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the list: %w", err)
	}
	return nil
}

func (env *environment) printTable(list []leftOut, line func(leftOut) string) error {
	w := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	for _, l := range list {
		fmt.Fprintln(w, line(l))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the list: %w", err)
	}
	return nil
}

func (env *environment) printJSON(v any) error {
	e := json.NewEncoder(env.stdout)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// survey returns the headers that the flags and arguments ask for.
func (j *uapiJob) survey(c *cli.Context, paths []string) ([]*uapi.Header, []uapi.LeftOut, error) {
	arch, err := j.oneArch()
	if err != nil {
		return nil, nil, err
	}
	src, _, err := j.openHeaders(c.Context, arch)
	if err != nil {
		return nil, nil, err
	}
	headers, left, err := j.surveyOf(c, src, arch, paths)
	if cerr := src.Close(); err == nil {
		err = cerr
	}
	return headers, left, err
}

// surveyOf is survey of headers that are open.
func (j *uapiJob) surveyOf(c *cli.Context, src *uapi.Source, arch string, paths []string) ([]*uapi.Header, []uapi.LeftOut, error) {
	if c.Bool("all") && len(paths) > 0 {
		return nil, nil, &usageError{text: "--all and a HEADER exclude each other", command: c.Command.HelpName}
	}
	for _, p := range paths {
		if strings.HasPrefix(p, "-") {
			return nil, nil, &usageError{text: fmt.Sprintf("unexpected argument %q: flags stand before arguments", p), command: c.Command.HelpName}
		}
	}
	cc, err := j.cc()
	if err != nil {
		return nil, nil, err
	}
	opt := uapi.SurveyOptions{Include: src.Dirs, CC: cc, Arch: arch, Jobs: j.jobs, Paths: paths}
	if !c.Bool("all") && len(paths) == 0 {
		if j.config == nil {
			return nil, nil, j.noConfig(c)
		}
		opt.Config = j.config
	}
	return uapi.Survey(c.Context, opt)
}

// oneArch returns the target of a command that takes one.
func (j *uapiJob) oneArch() (string, error) {
	switch {
	case len(j.archs) > 1:
		return "", &usageError{text: "--arch: one at a time here", command: "xpsgen uapi"}
	case len(j.archs) == 1:
		return j.archs[0], nil
	case j.config != nil && len(j.config.Arch) > 0:
		return j.config.Arch[0], nil
	}
	return uapi.HostArch(), nil
}
