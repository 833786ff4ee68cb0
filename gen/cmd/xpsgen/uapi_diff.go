// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/uapi"
)

// committed names the package in the repository.
const committed = "committed"

// diffOptions are the options of uapi diff.
type diffOptions struct {
	headerOptions
	surveyOptions
	common, json bool
}

func uapiDiffCommand(env uapiCommands) *command.Command {
	var o diffOptions
	return &command.Command{
		Name:  "diff",
		Short: "compare the UAPI of two trees",
		Long: "A and B are each one of\n\n" +
			"  6.12              a base of the workbench, with its patches\n" +
			"  6.12:unpatched    the base without patches\n" +
			"  DIR               a kernel tree, installed headers, or a Go package\n" +
			"  committed         the package in the repository\n\n" +
			"Compares the names that the configuration selects. With HEADER it compares all names of these headers. With --all " +
			"it compares all headers. The first character of a line is\n\n" +
			"  +  added\n" +
			"  -  removed\n" +
			"  !  changed value, or moved member\n" +
			"  ~  struct grew\n" +
			"  m  limit such as IFLA_MAX (not a change)",
		Args: []command.Arg{
			{Name: "A", Help: "base, BASE:unpatched, directory or committed", Values: env.comparable},
			{Name: "B", Help: "base, BASE:unpatched, directory or committed", Values: env.comparable},
			headerArg(),
		},
		Flags: append(o.packageFlags(), o.ccFlag(), o.allFlag(),
			command.Flag{Name: "common", To: command.Bool(&o.common), Help: "print only names that both trees have"},
			command.Flag{Name: "json", To: command.Bool(&o.json), Help: "print JSON"},
		),
		Examples: []command.Example{
			{Line: "uapi diff --all net-next:unpatched net-next", Note: "what the series adds"},
			{Line: "uapi diff committed net-next", Note: "the values that a rebase changed"},
			{Line: "uapi diff 6.12 ~/src/linux linux/if_link.h"},
			{Line: "uapi diff --all --common vendor/golang.org/x/sys/unix net-next"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a value changed, a member moved or is gone, or a type shrank"}},
		Needs: []string{"headers"},
		Valid: func(args []string) (err error) {
			if (args[0] == committed || args[1] == committed) && (len(args) > 2 || o.all) {
				return command.Usagef("the committed package has only the names that the configuration selects: give no HEADER and no --all")
			}
			if o.job, err = env.uapiJob(&o.headerOptions, nil); err != nil {
				return err
			}
			o.headers = args[2:]
			if o.all && len(o.headers) > 0 {
				return command.Usagef("--all and a HEADER are mutually exclusive")
			}
			return nil
		},
		Run: func(ctx context.Context, args []string) error { return env.uapiDiff(ctx, &o, args[0], args[1]) },
	}
}

// comparable completes A and B, apart from directories.
func (env uapiCommands) comparable() []string {
	words := []string{committed}
	for _, b := range env.kernelBases(false) {
		words = append(words, b, b+":unpatched")
	}
	return words
}

func (env uapiCommands) uapiDiff(ctx context.Context, o *diffOptions, a, b string) (err error) {
	var snapshots [2]*uapi.Snapshot
	for i, word := range []string{a, b} {
		if snapshots[i], err = env.snapshot(ctx, o, word); err != nil {
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
	if o.common {
		d = d.Common()
	}
	if o.json {
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

// snapshot takes a snapshot of the headers or package that a word names.
func (env uapiCommands) snapshot(ctx context.Context, o *diffOptions, word string) (s *uapi.Snapshot, err error) {
	j := o.job
	arch, err := j.oneArch()
	if err != nil {
		return nil, err
	}
	if word == committed {
		return uapi.PackageSnapshot(ctx, committed, j.out, arch)
	}
	if files, err := filepath.Glob(filepath.Join(word, "*.go")); err == nil && len(files) > 0 {
		return uapi.GoSnapshot(word, word, arch)
	}
	src, name, err := j.openSpec(ctx, word, arch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	defer env.ui.Progress().Step("read the headers of "+name, "")(&err)
	all, _, err := j.surveyOf(ctx, &o.surveyOptions, src, arch)
	if err != nil {
		return nil, err
	}
	return uapi.TakeSnapshot(name, all), nil
}

// uapiCheckOther compares the package with a base that it was not generated from. Names that
// both have must have the same value.
func (env uapiCommands) uapiCheckOther(ctx context.Context, j *uapiJob, stamped string) error {
	arch, err := j.oneArch()
	if err != nil {
		return err
	}
	ours, err := uapi.PackageSnapshot(ctx, committed, j.out, arch)
	if err != nil {
		return err
	}
	src, name, err := openBase(ctx, j.src, arch)
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
	headers, _, err := uapi.Survey(ctx, uapi.SurveyOptions{Include: src.Dirs, CC: cc, Arch: arch, Jobs: j.jobs, Paths: paths})
	if err != nil {
		return err
	}
	d := uapi.Diff(ours, uapi.TakeSnapshot(name, headers))
	only := &uapi.Difference{Old: d.Old, New: d.New, Changed: d.Changed}
	if err := only.WriteText(env.stdout); err != nil {
		return fmt.Errorf("print the difference: %w", err)
	}
	env.ui.Verdict(len(d.Changed) == 0, fmt.Sprintf("%s was generated from %s; %s lacks %d of its names and has another value for %d",
		relative(j.out), stamped, name, len(d.Removed), len(d.Changed)))
	if len(d.Changed) > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
}

// uapiCheckAll compares the package with every base. It compares everything
// with the package's own base, and only values with the others.
func (env uapiCommands) uapiCheckAll(ctx context.Context, o *uapiOptions) error {
	names, _, err := o.bases(env.environment)
	if err != nil {
		return err
	}
	return env.eachBase(ctx, names, func(base string) error {
		one := *o
		one.base = base
		if err := one.valid(env); err != nil {
			return err
		}
		return env.uapi(ctx, &one)
	})
}
