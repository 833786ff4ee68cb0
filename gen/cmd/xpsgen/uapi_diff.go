// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/uapi"
)

// committed is the word for the package as it is, without regard to headers.
const committed = "committed"

func uapiDiffCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "compare two trees: exit 1 if a value changed",
		ArgsUsage: "A B [HEADER]...",
		Description: "A and B are each a base of the workbench with its patches (6.12), the same\n" +
			"without them (6.12:unpatched), a directory of a kernel tree or of installed\n" +
			"headers, a directory of a Go package, or \"committed\": the package as it is.\n" +
			"Compared is what the configuration selects, or HEADERs whole, or with --all\n" +
			"everything.\n\n" +
			"Lines begin with + added, - removed, ! changed (or a member that moved),\n" +
			"~ grown, m limits such as IFLA_MAX, which are not held to be changes.\n\n" +
			"Examples:\n" +
			"  xpsgen uapi diff --all net-next:unpatched net-next   what the series adds\n" +
			"  xpsgen uapi diff committed net-next                  did a rebase take our number?\n" +
			"  xpsgen uapi diff 6.12 ~/src/linux linux/if_link.h\n" +
			"  xpsgen uapi diff --all --common \"$(go list -f {{.Dir}} golang.org/x/sys/unix)\" net-next",
		Flags: append(headerFlags(),
			&cli.BoolFlag{Name: "all", Usage: "every header there is"},
			&cli.BoolFlag{Name: "common", Usage: "print only names that both have"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		),
		Action: env.uapiDiff,
	}
}

func (env *environment) uapiDiff(c *cli.Context) error {
	if c.Args().Len() < 2 {
		return &usageError{text: "name two things to compare", command: c.Command.HelpName}
	}
	if c.String("tree") != "" || len(c.StringSlice("include")) > 0 || c.IsSet("base") {
		return &usageError{text: "name what to compare as A and B; --base, --tree and --include are for the other commands", command: c.Command.HelpName}
	}
	j, err := env.uapiJob(c)
	if err != nil {
		return err
	}
	words, headers := c.Args().Slice()[:2], c.Args().Slice()[2:]
	if (words[0] == committed || words[1] == committed) && (len(headers) > 0 || c.Bool("all")) {
		return &usageError{text: "the committed package has only what the configuration selects: no HEADER, no --all", command: c.Command.HelpName}
	}
	var snapshots [2]*uapi.Snapshot
	for i, word := range words {
		if snapshots[i], err = env.snapshot(c, j, word, headers); err != nil {
			return err
		}
	}
	d := uapi.Diff(snapshots[0], snapshots[1])
	both := 0
	for name := range snapshots[0].Symbols {
		if _, ok := snapshots[1].Symbols[name]; ok {
			both++
		}
	}
	text := fmt.Sprintf("%s; %d in both", d, both)
	if c.Bool("common") {
		d = d.Common()
	}
	if c.Bool("json") {
		err = d.WriteJSON(env.stdout)
	} else {
		err = d.WriteText(env.stdout)
	}
	if err != nil {
		return fmt.Errorf("print the difference: %w", err)
	}
	env.ui.Verdict(len(d.Changed) == 0, text)
	if len(d.Changed) > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
}

// snapshot takes what one word of the command line names.
func (env *environment) snapshot(c *cli.Context, j *uapiJob, word string, headers []string) (s *uapi.Snapshot, err error) {
	arch, err := j.oneArch()
	if err != nil {
		return nil, err
	}
	if word == committed {
		return uapi.PackageSnapshot(c.Context, committed, j.out, arch)
	}
	if files, err := filepath.Glob(filepath.Join(word, "*.go")); err == nil && len(files) > 0 {
		return uapi.GoSnapshot(word, word, arch)
	}
	src, name, err := j.openSpec(c.Context, word, arch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	defer env.ui.Progress().Step("read the headers of "+name, "")(&err)
	all, _, err := j.surveyOf(c, src, arch, headers)
	if err != nil {
		return nil, err
	}
	return uapi.TakeSnapshot(name, all), nil
}

// uapiCheckOther holds the package against a base that it was not made from:
// names that both have must be worth the same, and no more is promised.
func (env *environment) uapiCheckOther(c *cli.Context, j *uapiJob, stamped string) error {
	arch, err := j.oneArch()
	if err != nil {
		return err
	}
	ours, err := uapi.PackageSnapshot(c.Context, committed, j.out, arch)
	if err != nil {
		return err
	}
	src, name, err := openBase(c.Context, j.src, arch)
	if err != nil {
		return err
	}
	defer src.Close()
	var paths []string
	for _, h := range j.config.Headers {
		if src.Has(h.Path) {
			paths = append(paths, h.Path)
		}
	}
	cc, err := j.cc()
	if err != nil {
		return err
	}
	headers, _, err := uapi.Survey(c.Context, uapi.SurveyOptions{Include: src.Dirs, CC: cc, Arch: arch, Jobs: j.jobs, Paths: paths})
	if err != nil {
		return err
	}
	d := uapi.Diff(ours, uapi.TakeSnapshot(name, headers))
	only := &uapi.Difference{Old: d.Old, New: d.New, Changed: d.Changed}
	if err := only.WriteText(env.stdout); err != nil {
		return fmt.Errorf("print the difference: %w", err)
	}
	env.ui.Verdict(len(d.Changed) == 0, fmt.Sprintf("%s was made from %s; of its names %s lacks %d and has %d with another value",
		relative(j.out), stamped, name, len(d.Removed), len(d.Changed)))
	if len(d.Changed) > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
}

// uapiCheckAll checks the package against every base: in full against its own,
// by value against the others.
func (env *environment) uapiCheckAll(c *cli.Context) error {
	names, _, err := env.bases(c)
	if err != nil {
		return err
	}
	failed := false
	for _, name := range names {
		if err := c.Set("base", name); err != nil {
			return fmt.Errorf("base %s: %w", name, err)
		}
		err := env.uapi(c)
		var status *statusError
		switch {
		case errors.As(err, &status):
			failed = true
		case err != nil:
			return err
		}
	}
	if failed {
		return &statusError{code: exitFailed}
	}
	return nil
}
