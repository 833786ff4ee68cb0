// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"text/tabwriter"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/uapi"
)

// uapiListOptions are the options of uapi list.
type uapiListOptions struct {
	headerOptions
	surveyOptions
	names         []string
	leftOut, json bool
}

func uapiListCommand(env uapiCommands) *command.Command {
	var o uapiListOptions
	return &command.Command{
		Name:  "list",
		Short: "list names with kind, value or size, and location",
		Long: "Lists the names that the configuration selects. With HEADER, lists all names of that header. The value of a type " +
			"is its size.",
		Args: []command.Arg{headerArg()},
		Flags: append(o.headerOptions.flags(env, true), o.allFlag(),
			command.Flag{Name: "name", Arg: "PATTERN", To: command.Strings(&o.names), Help: "list only names that match"},
			command.Flag{Name: "left-out", To: command.Bool(&o.leftOut), Help: "list only the names that are left out, with the reason"},
			command.Flag{Name: "json", To: command.Bool(&o.json), Help: "print JSON"},
		),
		Examples: []command.Example{
			{Line: "uapi list --name 'IFLA_XPS*'"},
			{Line: "uapi list --json linux/if_link.h"},
			{Line: "uapi list --left-out linux/atm.h", Note: "names without a value, and why"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a header does not compile, or a patch does not apply"}},
		Needs: []string{"headers"},
		Valid: func(args []string) error { return o.valid(env, args) },
		Run:   func(ctx context.Context, _ []string) error { return env.uapiList(ctx, &o) },
	}
}

func (o *uapiListOptions) valid(env uapiCommands, args []string) error {
	for _, p := range o.names {
		if _, err := path.Match(p, ""); err != nil {
			return command.Usagef("--name: bad pattern %q", p)
		}
	}
	if err := o.headerOptions.valid(env); err != nil {
		return err
	}
	return o.surveyOptions.valid(o.job, args)
}

// surveyOptions choose the headers: all, the headers in the arguments, or the headers of
// the configuration.
type surveyOptions struct {
	all     bool
	headers []string
}

func (o *surveyOptions) allFlag() command.Flag {
	return command.Flag{Name: "all", To: command.Bool(&o.all), Help: "use all headers"}
}

// headerArg names headers to look at.
func headerArg() command.Arg {
	return command.Arg{Name: "HEADER", Optional: true, Repeat: true, Help: "header, such as linux/if_link.h; default those of the configuration"}
}

// valid takes the headers that the user names.
func (o *surveyOptions) valid(j *uapiJob, headers []string) error {
	o.headers = headers
	switch {
	case o.all && len(headers) > 0:
		return command.Usagef("--all and a HEADER are mutually exclusive")
	case !o.all && len(headers) == 0 && j.config == nil:
		return errNoConfig()
	}
	return nil
}

// leftOut is the JSON form of a name without a value.
type leftOut struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
}

func (env uapiCommands) uapiList(ctx context.Context, o *uapiListOptions) error {
	headers, left, err := o.job.survey(ctx, &o.surveyOptions)
	if err != nil {
		return err
	}
	wanted := func(name string) bool {
		for _, p := range o.names {
			if ok, err := path.Match(p, name); err == nil && ok {
				return true
			}
		}
		return len(o.names) == 0
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
	case o.json && o.leftOut:
		return env.printJSON(without)
	case o.json:
		return env.printJSON(symbols)
	case o.leftOut:
		return env.printTable(without, func(l leftOut) string {
			return fmt.Sprintf("%s\t%s\t%s", l.Name, l.Reason, fmt.Sprintf("%s:%d", l.File, l.Line))
		})
	}
	return env.printSymbols(symbols)
}

func (env uapiCommands) printSymbols(list []uapi.Symbol) error {
	w := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s:%d\n", s.Name, s.Kind, s.Value, s.File, s.Line)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the list: %w", err)
	}
	return nil
}

func (env uapiCommands) printTable(list []leftOut, line func(leftOut) string) error {
	w := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	for _, l := range list {
		fmt.Fprintln(w, line(l))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the list: %w", err)
	}
	return nil
}

func (env *console) printJSON(v any) error {
	e := json.NewEncoder(env.stdout)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// survey returns the headers that o chooses.
func (j *uapiJob) survey(ctx context.Context, o *surveyOptions) ([]*uapi.Header, []uapi.LeftOut, error) {
	arch, err := j.oneArch()
	if err != nil {
		return nil, nil, err
	}
	src, _, err := j.openHeaders(ctx, arch)
	if err != nil {
		return nil, nil, err
	}
	headers, left, err := j.surveyOf(ctx, o, src, arch)
	if cerr := src.Close(); err == nil {
		err = cerr
	}
	return headers, left, err
}

// surveyOf is survey for open headers.
func (j *uapiJob) surveyOf(ctx context.Context, o *surveyOptions, src *uapi.Source, arch string) ([]*uapi.Header, []uapi.LeftOut, error) {
	cc, err := j.cc()
	if err != nil {
		return nil, nil, err
	}
	opt := uapi.SurveyOptions{Include: src.Dirs, CC: cc, Arch: arch, Jobs: j.jobs, Paths: o.headers}
	if !o.all && len(o.headers) == 0 {
		opt.Config = j.config
	}
	return uapi.Survey(ctx, opt)
}

// oneArch returns the target of a command that takes one.
func (j *uapiJob) oneArch() (string, error) {
	switch {
	case len(j.archs) > 1:
		return "", command.Usagef("--arch: this command takes one architecture")
	case len(j.archs) == 1:
		return j.archs[0], nil
	case j.config != nil && len(j.config.Arch) > 0:
		return j.config.Arch[0], nil
	}
	return uapi.HostArch(), nil
}
