// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/uapi"
	"xpsgen/vmtest"
)

func uapiCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "uapi",
		Usage: "generate Go constants and types from kernel headers",
		Description: "By default package uapi of the workbench, from the patched base. The C compiler\n" +
			"answers for every value and layout; what cannot be expressed is listed with -v.\n\n" +
			"Examples:\n" +
			"  xpsgen uapi\n" +
			"  xpsgen uapi --check\n" +
			"  xpsgen uapi --file my.toml --include /usr/include --out ./myuapi",
		Flags: append(sourceFlags(),
			&cli.StringFlag{Name: "file", Usage: "configuration `FILE`; default uapi/uapi.toml of the workbench"},
			&cli.StringFlag{Name: "tree", Usage: "kernel source `DIR` instead of the patched base"},
			&cli.StringFlag{Name: "include", Usage: "`DIR` of installed headers instead of the patched base"},
			&cli.StringFlag{Name: "arch", Value: "amd64", Usage: "`ARCH` in Go's spelling"},
			&cli.StringFlag{Name: "cc", EnvVars: []string{"XPSGEN_CC"}, Usage: "C `COMPILER`; default gcc, clang for a foreign ARCH"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` of the package; default that of the configuration file"},
			&cli.BoolFlag{Name: "check", Usage: "compare instead of writing: exit 1 and a diff if the package is not what the headers say"},
		),
		Action: env.uapi,
	}
}

func (env *environment) uapi(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if c.String("tree") != "" && c.String("include") != "" {
		return &usageError{text: "--tree and --include exclude each other", command: "xpsgen uapi"}
	}
	src, err := env.source(c)
	if err != nil {
		return err
	}
	file := c.String("file")
	if file == "" {
		file = filepath.Join(src.Root, "uapi", "uapi.toml")
	}
	config, err := uapi.LoadConfig(file)
	if err != nil {
		return err
	}
	opt := uapi.Options{
		Tree:     c.String("tree"),
		Include:  c.String("include"),
		CacheDir: filepath.Join(src.Cache, "headers"),
		Config:   config,
		Out:      c.String("out"),
		Check:    c.Bool("check"),
		CC:       c.String("cc"),
		Jobs:     c.Int("jobs"),
	}
	if opt.Out == "" {
		opt.Out = filepath.Dir(file)
	}
	if opt.Tree == "" && opt.Include == "" {
		headers, err := vmtest.Headers(c.Context, src)
		if err != nil {
			return err
		}
		opt.Include = headers.Include
		opt.Specs = headerSpecs(headers)
		opt.Stamp = uapi.Stamp{
			Release:    headers.Release,
			Base:       headers.Base,
			Series:     headers.Series,
			SeriesHash: headers.SeriesHash,
		}
	}
	result, err := uapi.Generate(c.Context, opt)
	var drift *uapi.DriftError
	if errors.As(err, &drift) {
		if _, err := fmt.Fprint(env.stdout, drift.Diff); err != nil {
			return fmt.Errorf("print the difference: %w", err)
		}
		env.ui.Error(drift.Error() + "; run make uapi and commit the result")
		return &statusError{code: exitFailed}
	}
	if err != nil {
		return err
	}
	env.uapiSummary(c, result, opt.Out)
	return nil
}

func (env *environment) uapiSummary(c *cli.Context, r *uapi.Result, out string) {
	if env.verbose > 0 {
		for _, s := range r.Skipped() {
			env.ui.Printf("left out: %s", s)
		}
	}
	if c.Bool("check") {
		text := fmt.Sprintf("%s: %d constants as the headers of %s say", relative(out), r.Constants(), r.Release)
		if r.StaleStamp {
			text += " (stamped with another series; make uapi renews that)"
		}
		env.ui.Verdict(true, text)
		return
	}
	env.ui.Printf("%s: %d constants from %s, %d of %d files changed, %d names left out (-v names them)",
		relative(out), r.Constants(), r.Release, len(r.Changed), len(r.Files), len(r.Skipped()))
}

// headerSpecs reads the netlink specifications of the tree that headers are
// of. NB: git tells a file that is not there from other trouble by its words
// only, so any failure counts as the former.
func headerSpecs(h *vmtest.HeadersResult) uapi.SpecReader {
	return func(ctx context.Context, name string) ([]byte, error) {
		text, err := h.Show(ctx, uapi.SpecDir+"/"+name+".yaml")
		if err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return text, err
	}
}
