// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/uapi"
)

// verifyOptions are the options of uapi verify.
type verifyOptions struct {
	headerOptions
	surveyOptions
	json bool
}

func uapiVerifyCommand(env uapiCommands) *command.Command {
	var o verifyOptions
	return &command.Command{
		Name:  "verify",
		Short: "check the generated Go with C compilers",
		Long: "Reads every constant, size, offset and bit offset from the Go files and compiles a _Static_assert for each. With --all or HEADER, " +
			"it instead generates and verifies Go for all names of each header. It then also reports the macros with a value (cc -E -dM) and the types " +
			"(debug information) that the Go code lacks.\n\n" +
			"With --all or HEADER, it also compares compilers and targets. All compilers must give the same Go code. If C gives a constant the same " +
			"value on two targets, Go must do so, too.",
		Args: []command.Arg{headerArg()},
		Flags: append(o.headerOptions.flags(env, true), o.allFlag(),
			command.Flag{Name: "json", To: command.Bool(&o.json), Help: "print JSON"},
		),
		Examples: []command.Example{
			{Line: "uapi verify --cc gcc,clang"},
			{Line: "uapi verify --all --cc gcc,clang"},
			{Line: "uapi verify --all --cc clang --arch arm64,s390x"},
			{Line: "uapi verify --include /usr/include linux/if_link.h"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a value or layout that differs from C, packages that differ, a missing name, or a header that unexpectedly does not compile"}},
		Needs: []string{"headers"},
		Valid: func(args []string) error {
			if err := o.headerOptions.valid(env); err != nil {
				return err
			}
			return o.surveyOptions.valid(o.job, args)
		},
		Run: func(ctx context.Context, _ []string) error { return env.uapiVerify(ctx, &o) },
	}
}

func (env uapiCommands) uapiVerify(ctx context.Context, o *verifyOptions) error {
	j := o.job
	archs := j.archs
	if len(archs) == 0 && j.config != nil {
		archs = j.config.Arch
	}
	if len(archs) == 0 {
		archs = []string{uapi.HostArch()}
	}
	failed := false
	results := make(map[string]any)
	var inOrder []*uapi.TreeResult
	for _, arch := range archs {
		r, name, err := env.verifyOne(ctx, j, arch, o.headers, o.all)
		if err != nil {
			return err
		}
		results[arch], inOrder = r, append(inOrder, r)
		failed = failed || r.Failed()
		if !o.json {
			if err := env.printVerified(r); err != nil {
				return err
			}
		}
		env.ui.Verdict(!r.Failed(), verifySummary(name, arch, strings.Join(j.ccs, " and "), r))
	}
	if compared, differ := uapi.CompareTargets(inOrder); compared > 0 {
		if o.json {
			results["targets"] = differ
		} else if err := env.printDisagreements(differ); err != nil {
			return err
		}
		failed = failed || len(differ) > 0
		env.ui.Verdict(len(differ) == 0, fmt.Sprintf("%d targets, compared in pairs: of %d constants with equal values in C, %d differ in Go", len(inOrder), compared, len(differ)))
	}
	if o.json {
		if err := env.printJSON(results); err != nil {
			return err
		}
	}
	if failed {
		return &statusError{code: exitFailed}
	}
	return nil
}

// verifyOne verifies for one target.
func (env uapiCommands) verifyOne(ctx context.Context, j *uapiJob, arch string, headers []string, all bool) (r *uapi.TreeResult, name string, err error) {
	src, name, err := j.openHeaders(ctx, arch)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	defer env.ui.Progress().Step("verify "+name+" for "+arch, "")(&err)
	opt := uapi.VerifyOptions{Include: src.Dirs, Compilers: j.ccs, Arch: arch, Jobs: j.jobs}
	if all || len(headers) > 0 {
		if all {
			headers = nil
		}
		r, err = uapi.VerifyHeaders(ctx, headers, opt)
		return r, name, err
	}
	files, err := uapi.ReadPackage(j.out)
	if err != nil {
		return nil, "", err
	}
	gen, err := j.options(ctx)
	if len(j.ccs) > 1 {
		one := *j
		one.ccs = j.ccs[:1]
		gen, err = one.options(ctx)
	}
	if err != nil {
		return nil, "", err
	}
	built, err := uapi.Build(ctx, gen)
	if err != nil {
		return nil, "", err
	}
	for _, p := range built.Packages {
		if p.Arch == "" || p.Arch == arch {
			got, err := uapi.Verify(ctx, p, files, opt)
			if err != nil {
				return nil, "", err
			}
			return &uapi.TreeResult{VerifyResult: *got, Headers: len(p.Headers)}, name, nil
		}
	}
	return nil, "", command.Usagef("--arch: the package was not generated for %s", arch)
}

// printVerified lists the findings on stdout.
func (env uapiCommands) printVerified(r *uapi.TreeResult) error {
	var b strings.Builder
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "mismatch: %s\n", f)
	}
	for _, f := range r.Undecided {
		fmt.Fprintf(&b, "undecided: %s\n", f)
	}
	for _, s := range r.Lost {
		fmt.Fprintf(&b, "lost: %s\n", s)
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(&b, "left out: %s: %s\n", l.Header, l.Reason)
	}
	if _, err := fmt.Fprint(env.stdout, b.String()); err != nil {
		return fmt.Errorf("print the findings: %w", err)
	}
	return env.printDisagreements(r.Disagreements)
}

// printDisagreements lists the differences between two packages on stdout.
func (env *environment) printDisagreements(list []uapi.Disagreement) error {
	for _, d := range list {
		if _, err := fmt.Fprintf(env.stdout, "differs: %s\n", d); err != nil {
			return fmt.Errorf("print the findings: %w", err)
		}
	}
	return nil
}

func verifySummary(name, arch, ccs string, r *uapi.TreeResult) string {
	if ccs == "" {
		ccs = "the default compiler"
	}
	text := fmt.Sprintf("%s for %s by %s: %d mismatches of %d constants, %d sizes, %d offsets, %d bit offsets in %d headers",
		name, arch, ccs, len(r.Failures)+len(r.Undecided), r.Constants, r.Sizes, r.Offsets, r.BitOffsets, r.Headers)
	if r.Names > 0 {
		text += fmt.Sprintf("; %d structs and unions; of %d macros and types that the compiler reports, the package lacks %d; %d headers left out", r.Aggregates, r.Names, len(r.Lost), len(r.LeftOut))
	}
	if r.Compared > 0 {
		text += fmt.Sprintf("; the compilers' packages differ in %d of %d names", len(r.Disagreements), r.Compared)
	}
	return text
}
