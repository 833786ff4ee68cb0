// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/uapi"
)

func uapiVerifyCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "have C compilers confirm what the Go says",
		ArgsUsage: "[HEADER]...",
		Description: "Takes every constant, size, offset and bit offset back out of the package as it\n" +
			"is and has each compiler confirm it with _Static_assert. With --all, or HEADERs,\n" +
			"it generates each header by itself, whole, and confirms that; and it looks for\n" +
			"names in cc -E -dM and in debug information that have a value and were lost.\n" +
			"It also compares packages: those of several compilers must be the same; those of\n" +
			"several targets must have the same constant where C has.\n\n" +
			"Exit 1 on a mismatch, a difference, a lost name, or a header that does not\n" +
			"compile and is not known for it.\n\n" +
			"Examples:\n" +
			"  xpsgen uapi verify --cc gcc,clang\n" +
			"  xpsgen uapi verify --all --cc gcc,clang\n" +
			"  xpsgen uapi verify --all --cc clang --arch arm64,s390x\n" +
			"  xpsgen uapi verify --include /usr/include linux/if_link.h",
		Flags: append(headerFlags(),
			&cli.BoolFlag{Name: "all", Usage: "every header there is"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		),
		Action: env.uapiVerify,
	}
}

func (env *environment) uapiVerify(c *cli.Context) error {
	j, err := env.uapiJob(c)
	if err != nil {
		return err
	}
	archs := j.archs
	if len(archs) == 0 && j.config != nil {
		archs = j.config.Arch
	}
	if len(archs) == 0 {
		archs = []string{uapi.HostArch()}
	}
	headers := c.Args().Slice()
	if len(headers) == 0 && !c.Bool("all") && j.config == nil {
		return j.noConfig(c)
	}
	if c.Bool("all") && len(headers) > 0 {
		return &usageError{text: "--all and a HEADER exclude each other", command: c.Command.HelpName}
	}
	failed := false
	results := make(map[string]any)
	var inOrder []*uapi.TreeResult
	for _, arch := range archs {
		r, name, err := env.verifyOne(c.Context, j, arch, headers, c.Bool("all"))
		if err != nil {
			return err
		}
		results[arch], inOrder = r, append(inOrder, r)
		failed = failed || r.Failed()
		if !c.Bool("json") {
			if err := env.printVerified(r); err != nil {
				return err
			}
		}
		env.ui.Verdict(!r.Failed(), verifySummary(name, arch, strings.Join(j.ccs, " and "), r))
	}
	if compared, differ := uapi.CompareTargets(inOrder); compared > 0 {
		if c.Bool("json") {
			results["targets"] = differ
		} else if err := env.printDisagreements(differ); err != nil {
			return err
		}
		failed = failed || len(differ) > 0
		env.ui.Verdict(len(differ) == 0, fmt.Sprintf("%d targets, each with each: %d of %d constants that C has equal differ in Go", len(inOrder), len(differ), compared))
	}
	if c.Bool("json") {
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
func (env *environment) verifyOne(ctx context.Context, j *uapiJob, arch string, headers []string, all bool) (r *uapi.TreeResult, name string, err error) {
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
	return nil, "", &usageError{text: fmt.Sprintf("--arch: the package is not made for %s", arch), command: "xpsgen uapi verify"}
}

// printVerified lists what was found, on stdout.
func (env *environment) printVerified(r *uapi.TreeResult) error {
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

// printDisagreements lists what two packages have differently, on stdout.
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
		text += fmt.Sprintf("; %d structs and unions; of %d names found otherwise %d lost; %d headers left out", r.Aggregates, r.Names, len(r.Lost), len(r.LeftOut))
	}
	if r.Compared > 0 {
		text += fmt.Sprintf("; the compilers' packages differ in %d of %d names", len(r.Disagreements), r.Compared)
	}
	return text
}
