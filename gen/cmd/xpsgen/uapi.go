// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/uapi"
	"xpsgen/vmtest/prepare"
)

func uapiCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "uapi",
		Usage: "generate Go constants and types from kernel headers",
		Description: "By default package uapi of the workbench, from the patched base it was last\n" +
			"made from. The C compiler answers for every value and layout; what cannot be\n" +
			"expressed is listed with -v.\n\n" +
			"Examples:\n" +
			"  xpsgen uapi                            regenerate package uapi\n" +
			"  xpsgen uapi --check                    is it what the headers say?\n" +
			"  xpsgen uapi init                       a configuration of your own, then\n" +
			"  xpsgen uapi --file uapi.toml --include /usr/include --arch amd64,arm64\n" +
			"  xpsgen uapi list --name 'IFLA_XPS*'    names, values, places\n" +
			"  xpsgen uapi diff net-next:unpatched net-next\n" +
			"  xpsgen uapi verify --cc gcc,clang      have two compilers confirm it",
		Flags: append(headerFlags(),
			&cli.BoolFlag{Name: "check", Usage: "compare instead of writing: exit 1 and a diff if the package is not what the headers say"},
		),
		Subcommands: []*cli.Command{uapiInitCommand(env), uapiIncludeCommand(env), uapiListCommand(env), uapiDiffCommand(env), uapiVerifyCommand(env)},
		Action:      env.uapi,
	}
}

// headerFlags choose headers and how they are read.
func headerFlags() []cli.Flag {
	var flags []cli.Flag
	for _, f := range sourceFlags() {
		switch f.Names()[0] {
		case "base", "kernel", "jobs":
			flags = append(flags, f)
		}
	}
	return append(flags,
		&cli.StringFlag{Name: "tree", Usage: "kernel source `DIR` as it is, instead of the patched base"},
		&cli.StringFlag{Name: "include", Usage: "`DIR` of installed headers instead of the patched base"},
		&cli.StringFlag{Name: "file", Usage: "configuration `FILE`; default uapi/uapi.toml of the workbench"},
		&cli.StringFlag{Name: "out", Usage: "`DIR` of the package; default that of the configuration file"},
		&cli.StringSliceFlag{Name: "arch", Usage: "`ARCH` in Go's spelling, or several with commas; default those of the configuration, else amd64"},
		&cli.StringSliceFlag{Name: "cc", EnvVars: []string{"XPSGEN_CC"}, Usage: "C `COMPILER`; default gcc, clang for a foreign ARCH"},
	)
}

// uapiJob is what the flags of all uapi commands amount to.
type uapiJob struct {
	src     prepare.Source
	file    string
	config  *uapi.Config
	tree    string
	include string
	archs   []string
	ccs     []string
	jobs    int
	out     string
}

// uapiJob reads the flags and the configuration.
func (env *environment) uapiJob(c *cli.Context) (*uapiJob, error) {
	j := &uapiJob{
		tree: c.String("tree"), include: c.String("include"), file: c.String("file"),
		archs: c.StringSlice("arch"), ccs: c.StringSlice("cc"), jobs: c.Int("jobs"),
	}
	usage := func(format string, args ...any) error {
		return &usageError{text: fmt.Sprintf(format, args...), command: c.Command.HelpName}
	}
	if j.tree != "" && j.include != "" {
		return nil, usage("--tree and --include exclude each other")
	}
	for _, dir := range []string{j.tree, j.include} {
		if dir != "" && c.String("kernel") != "" {
			return nil, usage("--kernel is a tree to patch; it excludes --tree and --include")
		}
	}
	for _, a := range j.archs {
		if uapi.KernelArch(a) == "" {
			return nil, usage("--arch: unknown architecture %q: want one of %s", a, strings.Join(uapi.Arches(), ", "))
		}
	}
	if err := env.uapiSource(c, j); err != nil {
		return nil, err
	}
	var err error
	if j.config, err = uapi.LoadConfig(j.file); err != nil {
		return nil, err
	}
	if j.out = c.String("out"); j.out == "" {
		j.out = filepath.Dir(j.file)
	}
	// A package stays with its base until it is told otherwise.
	if stamped := uapi.StampedBase(j.out); stamped != "" && !c.IsSet("base") {
		if _, err := prepare.Bases(j.src.Root, stamped); err == nil {
			j.src.Base = stamped
		}
	}
	return j, nil
}

// uapiSource finds the workbench. Who brings headers and a configuration needs
// none.
func (env *environment) uapiSource(c *cli.Context, j *uapiJob) error {
	src, err := env.source(c)
	if err != nil {
		var usage *usageError
		own := j.file != "" && (j.tree != "" || j.include != "" || c.Command.Name == "diff")
		if !own || errors.As(err, &usage) {
			return err
		}
		if src.Cache, err = env.cacheDir(c); err != nil {
			return err
		}
	}
	j.src = src
	if j.file == "" {
		j.file = filepath.Join(src.Root, "uapi", "uapi.toml")
	}
	return nil
}

// cc returns the one compiler that generating takes.
func (j *uapiJob) cc() (string, error) {
	if len(j.ccs) > 1 {
		return "", &usageError{text: "--cc: one compiler generates; several are for verify", command: "xpsgen uapi"}
	}
	return strings.Join(j.ccs, ""), nil
}

// options are those of the library for the headers that were asked for.
func (j *uapiJob) options(ctx context.Context) (uapi.Options, error) {
	cc, err := j.cc()
	if err != nil {
		return uapi.Options{}, err
	}
	opt := uapi.Options{
		Tree: j.tree, Include: j.include, CacheDir: filepath.Join(j.src.Cache, "headers"),
		Config: j.config, CC: cc, Arch: j.archs, Jobs: j.jobs,
	}
	if j.tree == "" && j.include == "" {
		h, err := prepare.Headers(ctx, j.src)
		if err != nil {
			return opt, err
		}
		opt.Headers = headersOf(j.src, h)
		opt.Specs = headerSpecs(h)
		opt.Stamp = uapi.Stamp{Release: h.Release, Base: h.Base, Series: h.Series, SeriesHash: h.SeriesHash}
	}
	return opt, nil
}

func (env *environment) uapi(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if c.Bool("check") && c.String("base") == prepare.AllBases {
		return env.uapiCheckAll(c)
	}
	j, err := env.uapiJob(c)
	if err != nil {
		return err
	}
	if c.Bool("check") && c.IsSet("base") && j.tree == "" && j.include == "" {
		if stamped := uapi.StampedBase(j.out); stamped != "" && stamped != j.src.Base {
			return env.uapiCheckOther(c, j, stamped)
		}
	}
	opt, err := j.options(c.Context)
	if err != nil {
		return err
	}
	opt.Out, opt.Check = j.out, c.Bool("check")
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
	env.uapiSummary(c, result, j.out)
	return nil
}

// uapiVerdict tells errors that say something about the headers.
func uapiVerdict(err error) bool {
	var (
		differs  *uapi.DisagreementError
		specs    *uapi.SpecError
		compiles *uapi.CompileError
	)
	return errors.As(err, &differs) || errors.As(err, &specs) || errors.As(err, &compiles)
}

// uapiUsage tells errors that are in what the user wrote.
func uapiUsage(err error) bool {
	var config *uapi.ConfigError
	return errors.As(err, &config) || errors.Is(err, uapi.ErrNoHeader)
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

// isDirectory tells whether name is one.
func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
