// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/uapi"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/workbench"
)

// uapiOptions are the options of uapi.
type uapiOptions struct {
	headerOptions
	keepGoing, check bool
}

func uapiCommand(env uapiCommands) *command.Command {
	var o uapiOptions
	return &command.Command{
		Name:  "uapi",
		Short: "generate Go constants and types from kernel headers",
		Long: "Generates the package that ./uapi.toml describes. In a workbench, it uses the patched base that the package was last generated from. " +
			"Elsewhere it uses the headers in /usr/include. The C compiler computes every value and layout.\n\n" +
			"Lists the names that it leaves out, with the reason. If a header has more than five, it prints their number and the first one; -v lists all. It fails if it leaves out a name that the configuration gives without a *.",
		Flags: append(o.flags(env, true),
			command.Flag{Name: "keep-going", Letter: "k", To: command.Bool(&o.keepGoing), Help: "skip headers that do not compile, list them, and exit with 1 unless all are known not to compile"},
			command.Flag{Name: "check", To: command.Bool(&o.check), Help: "write nothing; print a diff and exit with 1 if the package differs from the headers"},
		),
		Examples: []command.Example{
			{Line: "uapi", Note: "regenerate the package"},
			{Line: "uapi --check", Note: "compare the package with the headers"},
			{Line: "uapi init", Note: "write a configuration to start from"},
			{Line: "uapi --include /usr/include --arch amd64,arm64"},
			{Line: "uapi --include arm64=/opt/sdk/usr/include --arch arm64"},
			{Line: "uapi --keep-going", Note: "skip headers that do not compile"},
			{Line: "uapi list --name 'IFLA_XPS*'", Note: "list names and values"},
			{Line: "uapi diff net-next:unpatched net-next"},
			{Line: "uapi verify --cc gcc,clang", Note: "check with two compilers"},
			{Line: "uapi syzlang", Note: "generate descriptions for syzkaller"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a header does not compile, a selected name could not be generated, or (with --check) the package differs"}},
		Needs: []string{"headers"},
		Commands: []*command.Command{
			uapiInitCommand(env), uapiIncludeCommand(env), uapiListCommand(env), uapiDiffCommand(env), uapiVerifyCommand(env), uapiSyzlangCommand(env),
		},
		Valid: func([]string) error { return o.valid(env) },
		Run:   func(ctx context.Context, _ []string) error { return env.uapi(ctx, &o) },
	}
}

// valid checks the flags and reads the configuration.
func (o *uapiOptions) valid(env uapiCommands) (err error) {
	if o.check && o.base == prepare.AllBases {
		o.base = ""
		defer func() { o.base = prepare.AllBases }()
	}
	if err := o.headerOptions.valid(env); err != nil {
		return err
	}
	if o.job.config == nil {
		return errNoConfig()
	}
	return nil
}

// headerOptions choose headers and how they are read.
type headerOptions struct {
	sourceOptions
	tree, file, out   string
	include, arch, cc []string
	// job is their result.
	job *uapiJob
}

// flags choose headers; compiles says that the command takes compilers.
func (o *headerOptions) flags(env uapiCommands, compiles bool) []command.Flag {
	base := o.baseFlag(env.environment, false)
	base.Help = "kernel base of series.toml; default that of the package, else the first"
	flags := append([]command.Flag{
		base,
		o.kernelFlag(),
		{Name: "tree", Arg: "DIR", To: command.String(&o.tree), Help: "kernel source to use unpatched, instead of the patched base"},
		{Name: "include", Arg: "[ARCH=]DIR", To: command.Strings(&o.include), Help: "installed headers to use instead of the patched base, for one ARCH or all"},
	}, o.packageFlags()...)
	if compiles {
		flags = append(flags, o.ccFlag())
	}
	return flags
}

// packageFlags choose the package and its targets.
func (o *headerOptions) packageFlags() []command.Flag {
	return []command.Flag{
		{Name: "file", Arg: "FILE", To: command.String(&o.file), Help: "configuration file; default uapi.toml, else uapi/uapi.toml of the workbench"},
		{Name: "out", Arg: "DIR", To: command.String(&o.out), Help: "directory of the package; default from the configuration"},
		{Name: "arch", Arg: "ARCH,...", To: command.Commas(&o.arch, uapi.Arches()...), Help: "target architectures, as in GOARCH; default from the configuration, else this machine's"},
		o.jobsFlag(),
	}
}

func (o *headerOptions) ccFlag() command.Flag {
	return command.Flag{Name: "cc", Arg: "COMPILER,...", Env: "XPSGEN_CC", To: command.Commas(&o.cc), Help: "C compiler; default gcc, or clang for a foreign ARCH"}
}

// valid checks the flags and reads the configuration.
func (o *headerOptions) valid(env uapiCommands) (err error) {
	o.job, err = env.uapiJob(o, []string{systemInclude})
	return err
}

// uapiJob is the parsed form of the flags of all uapi commands.
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

// given reports whether the headers come from directories, and not from a base.
func (j *uapiJob) given() bool {
	return j.tree != "" || len(j.include)+len(j.includeFor) > 0
}

// errNoConfig is the error of a command that needs a configuration.
func errNoConfig() error {
	return command.Usagef("no uapi.toml here: name a configuration with --file, or write one with: xpsgen uapi init")
}

// uapiJob reads the flags and the configuration. Outside of a workbench the
// headers are in the directories include if the flags name none.
func (env uapiCommands) uapiJob(o *headerOptions, include []string) (*uapiJob, error) {
	j := &uapiJob{
		tree: o.tree, includeFor: make(map[string][]string), file: o.file,
		archs: o.arch, ccs: o.cc, jobs: cmp.Or(o.jobs, runtime.NumCPU()),
	}
	for _, value := range o.include {
		arch, dir, err := uapi.SplitInclude(value)
		if err != nil {
			return nil, command.Usagef("--include %q: %v", value, err)
		}
		if arch == "" {
			j.include = append(j.include, dir)
		} else {
			j.includeFor[arch] = append(j.includeFor[arch], dir)
		}
	}
	if j.tree != "" && len(j.include)+len(j.includeFor) > 0 {
		return nil, command.Usagef("--tree and --include are mutually exclusive")
	}
	if j.given() && o.kernel != "" {
		return nil, command.Usagef("--kernel is a tree to patch; it excludes --tree and --include")
	}
	if err := env.uapiSource(o, j, include); err != nil {
		return nil, err
	}
	if j.file == "" {
		return j, nil
	}
	var err error
	if j.config, err = uapi.LoadConfig(j.file); err != nil {
		return nil, err
	}
	if j.out = o.out; j.out == "" {
		j.out = filepath.Dir(j.file)
	}
	// A package keeps its base until --base names another.
	if o.base == "" && !j.given() {
		if stamped := uapi.StampedBase(j.out); stamped != "" {
			if _, err := prepare.Bases(j.src.Root, stamped); err == nil {
				j.src.Base = stamped
			}
		}
	}
	return j, nil
}

// uapiSource finds the configuration and the headers. It uses only a workbench that the
// user names or that has the current directory, since the command writes to it.
func (env uapiCommands) uapiSource(o *headerOptions, j *uapiJob, include []string) error {
	root, err := workbench.Nearest(env.root)
	switch {
	case err == nil:
		if j.src, err = o.source(env.environment); err != nil {
			return err
		}
		j.src.Root = root
	case env.root != "" || o.kernel != "" || o.base != "":
		return err
	default:
		if j.src.Cache, err = env.checkedCache(); err != nil {
			return err
		}
		if !j.given() {
			j.include = include
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

// systemInclude is the directory of headers outside of a workbench.
const systemInclude = "/usr/include"

// isFile reports whether name is a file.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// cc returns the compiler for generating. Several are an error.
func (j *uapiJob) cc() (string, error) {
	if len(j.ccs) > 1 {
		return "", command.Usagef("--cc: one compiler generates; several are for verify")
	}
	return strings.Join(j.ccs, ""), nil
}

// options returns the options of the library for the requested headers.
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

func (env uapiCommands) uapi(ctx context.Context, o *uapiOptions) error {
	// A run is short and needs little memory. With the default setting, garbage
	// collection takes an eighth of its CPU time.
	debug.SetGCPercent(400)
	if o.check && o.base == prepare.AllBases {
		return env.uapiCheckAll(ctx, o)
	}
	j := o.job
	if o.check && o.base != "" && !j.given() {
		if stamped := uapi.StampedBase(j.out); stamped != "" && stamped != j.src.Base {
			return env.uapiCheckOther(ctx, j, stamped)
		}
	}
	opt, err := j.options(ctx)
	if err != nil {
		return err
	}
	opt.Out, opt.Check, opt.KeepGoing = j.out, o.check, o.keepGoing
	result, err := uapi.Generate(ctx, opt)
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
	return env.uapiSummary(result, j.out, o.check)
}

// uapiVerdict reports whether err is about the headers.
func uapiVerdict(err error) bool {
	var (
		differs  *uapi.DisagreementError
		specs    *uapi.SpecError
		compiles *uapi.CompileError
		foreign  *uapi.ForeignError
		lost     *uapi.LostError
		clash    *uapi.ClashError
	)
	return errors.Is(err, errDescriptions) || errors.As(err, &foreign) || errors.As(err, &lost) || errors.As(err, &clash) || errors.As(err, &differs) || errors.As(err, &specs) || errors.As(err, &compiles)
}

// uapiUsage reports whether err is about the configuration or the command line.
func uapiUsage(err error) bool {
	var config *uapi.ConfigError
	return errors.As(err, &config) || errors.Is(err, uapi.ErrNoHeader)
}

// maxLost is the maximum number of names of a header that are listed without -v.
const maxLost = 5

// uapiSummary prints the names and headers that were left out, and then the
// counts or the result of --check. It returns an error if a header that should
// compile does not.
func (env uapiCommands) uapiSummary(r *uapi.Result, out string, check bool) error {
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
	for _, s := range r.NoAlias {
		env.ui.Printf("no alias: %s", s)
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
	if check {
		text := fmt.Sprintf("%s: %d constants match the headers of %s", relative(out), r.Constants(), r.Release)
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

// isDirectory reports whether name is a directory.
func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
