// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/uapi"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/workbench"
)

func uapiCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "uapi",
		Usage: "generate Go constants and types from kernel headers",
		Description: "Generates the package that ./uapi.toml describes. In a workbench the headers\n" +
			"are those of the patched base that the package was last made from; elsewhere\n" +
			"they are in /usr/include. The C compiler gives every value and layout.\n\n" +
			"Names that are left out are listed with the reason; a name that the\n" +
			"configuration spells out is never left out: that is an error.\n\n" +
			"Examples:\n" +
			"  xpsgen uapi                            regenerate the package\n" +
			"  xpsgen uapi --check                    is it what the headers say?\n" +
			"  xpsgen uapi init                       write a configuration to start from\n" +
			"  xpsgen uapi --include /usr/include --arch amd64,arm64\n" +
			"  xpsgen uapi --include arm64=/opt/sdk/usr/include --arch arm64\n" +
			"  xpsgen uapi --keep-going               generate what compiles, list the rest\n" +
			"  xpsgen uapi list --name 'IFLA_XPS*'    names, values, places\n" +
			"  xpsgen uapi diff net-next:unpatched net-next\n" +
			"  xpsgen uapi verify --cc gcc,clang      have two compilers confirm it",
		Flags: append(headerFlags(),
			&cli.BoolFlag{Name: "keep-going", Aliases: []string{"k"}, Usage: "leave headers out that do not compile, and list them; still exit 1"},
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
		&cli.StringSliceFlag{Name: "include", Usage: "`[ARCH=]DIR` of installed headers, for one ARCH or all, instead of the patched base; may be repeated"},
		&cli.StringFlag{Name: "file", Usage: "configuration `FILE`; default uapi.toml, else uapi/uapi.toml of the workbench"},
		&cli.StringFlag{Name: "out", Usage: "`DIR` of the package; default that of the configuration file"},
		&cli.StringSliceFlag{Name: "arch", Usage: "`ARCH` in Go's spelling, or several with commas; default those of the configuration, else this machine's"},
		&cli.StringSliceFlag{Name: "cc", EnvVars: []string{"XPSGEN_CC"}, Usage: "C `COMPILER`; default gcc, clang for a foreign ARCH"},
	)
}

// uapiJob is what the flags of all uapi commands amount to.
type uapiJob struct {
	src        prepare.Source
	file       string
	config     *uapi.Config // nil if there is none and the command needs none
	tree       string
	include    []string
	includeFor map[string][]string
	archs      []string
	ccs        []string
	jobs       int
	out        string
}

// given tells whether the user names headers, or there is no base.
func (j *uapiJob) given() bool {
	return j.tree != "" || len(j.include)+len(j.includeFor) > 0
}

// noConfig is the error of a command that needs a configuration.
func (j *uapiJob) noConfig(c *cli.Context) error {
	return &usageError{
		text:    "no uapi.toml here: name a configuration with --file, or write one with: xpsgen uapi init",
		command: c.Command.HelpName,
	}
}

// uapiJob reads the flags and the configuration.
func (env *environment) uapiJob(c *cli.Context) (*uapiJob, error) {
	j := &uapiJob{
		tree: c.String("tree"), includeFor: make(map[string][]string), file: c.String("file"),
		archs: c.StringSlice("arch"), ccs: c.StringSlice("cc"), jobs: c.Int("jobs"),
	}
	usage := func(format string, args ...any) error {
		return &usageError{text: fmt.Sprintf(format, args...), command: c.Command.HelpName}
	}
	for _, value := range c.StringSlice("include") {
		arch, dir, err := uapi.SplitInclude(value)
		if err != nil {
			return nil, usage("--include %q: %v", value, err)
		}
		if arch == "" {
			j.include = append(j.include, dir)
		} else {
			j.includeFor[arch] = append(j.includeFor[arch], dir)
		}
	}
	if j.tree != "" && len(j.include)+len(j.includeFor) > 0 {
		return nil, usage("--tree and --include exclude each other")
	}
	if j.given() && c.String("kernel") != "" {
		return nil, usage("--kernel is a tree to patch; it excludes --tree and --include")
	}
	for _, a := range j.archs {
		if uapi.KernelArch(a) == "" {
			return nil, usage("--arch: unknown architecture %q: want one of %s", a, strings.Join(uapi.Arches(), ", "))
		}
	}
	if err := env.uapiSource(c, j); err != nil {
		return nil, err
	}
	if j.file == "" {
		return j, nil
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

// uapiSource finds the configuration and the headers. Only a workbench that the
// user stands in or names counts, since the command writes into it.
func (env *environment) uapiSource(c *cli.Context, j *uapiJob) error {
	root, err := workbench.Nearest(c.String("root"))
	switch {
	case err == nil:
		if j.src, err = env.source(c); err != nil {
			return err
		}
		j.src.Root = root
	case c.String("root") != "" || c.String("kernel") != "" || c.IsSet("base"):
		return err
	default:
		if j.src.Cache, err = env.cacheDir(c); err != nil {
			return err
		}
		if !j.given() && c.Command.Name != "diff" {
			j.include = []string{systemInclude}
		}
	}
	switch {
	case j.file != "":
	case isFile("uapi.toml"):
		j.file = "uapi.toml"
	case root != "":
		j.file = filepath.Join(root, "uapi", "uapi.toml")
	}
	return nil
}

// systemInclude is where headers are outside of a workbench.
const systemInclude = "/usr/include"

// isFile tells whether name is a file.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
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
		Tree: j.tree, Include: j.include, IncludeFor: j.includeFor, CacheDir: filepath.Join(j.src.Cache, "headers"),
		Config: j.config, CC: cc, Arch: j.archs, Jobs: j.jobs,
	}
	if !j.given() {
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
	if j.config == nil {
		return j.noConfig(c)
	}
	if c.Bool("check") && c.IsSet("base") && !j.given() {
		if stamped := uapi.StampedBase(j.out); stamped != "" && stamped != j.src.Base {
			return env.uapiCheckOther(c, j, stamped)
		}
	}
	opt, err := j.options(c.Context)
	if err != nil {
		return err
	}
	opt.Out, opt.Check, opt.KeepGoing = j.out, c.Bool("check"), c.Bool("keep-going")
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
	return env.uapiSummary(c, result, j.out)
}

// uapiVerdict tells errors that say something about the headers.
func uapiVerdict(err error) bool {
	var (
		differs  *uapi.DisagreementError
		specs    *uapi.SpecError
		compiles *uapi.CompileError
		foreign  *uapi.ForeignError
		lost     *uapi.LostError
		clash    *uapi.ClashError
	)
	return errors.As(err, &foreign) || errors.As(err, &lost) || errors.As(err, &clash) || errors.As(err, &differs) || errors.As(err, &specs) || errors.As(err, &compiles)
}

// uapiUsage tells errors that are in what the user wrote.
func uapiUsage(err error) bool {
	var config *uapi.ConfigError
	return errors.As(err, &config) || errors.Is(err, uapi.ErrNoHeader)
}

// maxLost is how many names of a header are listed one by one without -v.
const maxLost = 5

// uapiSummary says what was done, and what was not: names without a form in Go,
// and headers that do not compile. Headers that should have compiled make the
// command fail.
func (env *environment) uapiSummary(c *cli.Context, r *uapi.Result, out string) error {
	lost := 0
	byHeader := make(map[string]int)
	for _, s := range r.Skipped() {
		if !s.Trivial() {
			lost++
			byHeader[s.Pos.File]++
		}
	}
	said := make(map[string]bool)
	for _, s := range r.Skipped() {
		many := byHeader[s.Pos.File]
		switch {
		case env.verbose > 0 || !s.Trivial() && many <= maxLost:
			env.ui.Printf("left out: %s", s)
		case !s.Trivial() && !said[s.Pos.File]:
			said[s.Pos.File] = true
			env.ui.Printf("left out: %s: %d names, the first %s: %s (xpsgen uapi list --left-out %s lists them)", s.Pos.File, many, s.Name, s.Reason, s.Pos.File)
		}
	}
	failed := 0
	for _, l := range r.LeftOut {
		if !l.Known {
			failed++
		}
	}
	if len(r.LeftOut) > 0 {
		var b strings.Builder
		w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "HEADER\tREASON")
		for _, l := range r.LeftOut {
			fmt.Fprintf(w, "%s\t%s\n", l.Header, l.Reason)
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("print the headers left out: %w", err)
		}
		env.ui.Important(strings.TrimRight(b.String(), "\n"))
	}
	if c.Bool("check") {
		text := fmt.Sprintf("%s: %d constants as the headers of %s say", relative(out), r.Constants(), r.Release)
		if r.StaleStamp {
			text += " (stamped with another series; make uapi renews that)"
		}
		env.ui.Verdict(failed == 0 && r.Refused == nil, text)
	} else {
		text := fmt.Sprintf("%s: %d constants", relative(out), r.Constants())
		if r.Release != "" {
			text += " from " + r.Release
		}
		text += fmt.Sprintf(", %d of %d files changed, %d names left out", len(r.Changed), len(r.Files), lost)
		if len(r.LeftOut) > 0 {
			text += fmt.Sprintf(", %d headers left out", len(r.LeftOut))
		}
		env.ui.Printf("%s", text)
	}
	if r.Refused != nil {
		return r.Refused
	}
	if failed > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
}

// isDirectory tells whether name is one.
func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
