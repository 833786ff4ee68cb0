// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options steer [Generate].
type Options struct {
	// Tree is a kernel source tree. Exactly one of Tree, Include and Headers
	// is set.
	Tree string
	// Include are directories of installed headers, see [SourceOptions].
	Include []string
	// IncludeFor are directories for one target each. A target that has linux/ there does
	// not see Include.
	IncludeFor map[string][]string
	// Headers returns the directory of installed headers for a target.
	Headers func(ctx context.Context, arch string) (dir string, err error)
	// Specs reads a netlink specification, see [SpecReader]. Nil takes the
	// tree's own; with Include there are none.
	Specs SpecReader
	// CacheDir keeps the installed headers of trees, see [SourceOptions].
	CacheDir string
	// Config selects what to generate. It is required.
	Config *Config
	// Stamp is written into every file. An empty Release is taken from the
	// headers.
	Stamp Stamp
	// Out is the directory of the Go package. Required by [Generate].
	Out string
	// KeepGoing leaves headers out that do not compile, instead of failing.
	KeepGoing bool
	// Check compares instead of writing, and fails with a [*DriftError].
	Check bool
	// CC is the compiler, see [CompilerFor].
	CC string
	// Arch lists the targets, as in GOARCH. Default: those of Config.
	Arch []string
	// Jobs is how many compilers run at once. Default: one per CPU.
	Jobs int
	// MakeLog receives the output of make headers. Nil drops it.
	MakeLog io.Writer
}

// Result is the result of [Generate].
type Result struct {
	// Packages are the models that were rendered, by target.
	Packages []*Package
	// Includes are the directories of headers, by target.
	Includes [][]string
	// LeftOut are the headers that are not in the package: with
	// [Options.KeepGoing] those that do not compile, and among the matches of
	// a pattern those that are known not to compile outside of the kernel.
	LeftOut []LeftOut
	// Refused is set with [Options.KeepGoing] if names clash, or if the package lacks names
	// that the configuration spells out.
	Refused error
	// NoAlias are the constants that the package of [Config.Alias] has with
	// another value. They have the value of the headers.
	NoAlias []Skip
	// Files are the names of the generated files within Out.
	Files []string
	// Rendered are those files, for [Verify].
	Rendered []File
	// Changed are the files that Generate wrote or removed.
	Changed []string
	// StaleStamp is set when Check found the package right but stamped with
	// another kernel or series.
	StaleStamp bool
	// Release is the kernel release in the stamp.
	Release string
	// HeadersTime is how long finding or installing the headers took,
	// AnalyseTime the compilers, RenderTime the rest.
	HeadersTime, AnalyseTime, RenderTime time.Duration
}

// Skipped returns the names that the configuration selects and the package lacks, each with
// the reason. They are in the order of headers and lines.
func (r *Result) Skipped() []Skip {
	var out []Skip
	seen := make(map[Skip]bool)
	add := func(list []Skip) {
		for _, s := range list {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	for i := range r.Packages[0].Headers {
		for _, p := range r.Packages {
			add(p.Headers[i].Skipped)
		}
	}
	add(r.Packages[0].Skipped)
	return out
}

// Constants returns how many names of constants the package has.
func (r *Result) Constants() int {
	seen := make(map[string]bool)
	for _, p := range r.Packages {
		for _, h := range p.Headers {
			for _, g := range h.Groups {
				for _, c := range g.Consts {
					seen[c.Name] = true
				}
			}
		}
	}
	return len(seen)
}

// archs returns the targets that opt asks for.
func (opt *Options) archs() []string {
	switch {
	case len(opt.Arch) > 0:
		return opt.Arch
	case len(opt.Config.Arch) > 0:
		return opt.Config.Arch
	}
	return []string{HostArch()}
}

// Generate writes, or with Check compares, the Go package that the configuration describes.
// After an error the package is as it was, unless a file could not be renamed or removed.
func Generate(ctx context.Context, opt Options) (*Result, error) {
	if opt.Out == "" {
		return nil, errOptions
	}
	res, err := Build(ctx, opt)
	if err != nil {
		return nil, err
	}
	// A late interrupt still changes no file.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	start := time.Now()
	if opt.Check {
		res.StaleStamp, err = checkFiles(opt.Out, res.Rendered)
	} else {
		res.Changed, err = writeFiles(opt.Out, res.Rendered)
	}
	res.RenderTime += time.Since(start)
	if err != nil {
		return nil, err
	}
	return res, nil
}

// errOptions: the caller left out a required option.
var errOptions = errors.New("uapi: configuration and output directory are required")

// Build is [Generate] without a directory: the package is in the result only.
func Build(ctx context.Context, opt Options) (res *Result, err error) {
	if opt.Config == nil {
		return nil, errOptions
	}
	start := time.Now()
	res = &Result{}
	for _, arch := range opt.archs() {
		src, oerr := opt.open(ctx, arch)
		if oerr != nil {
			return nil, oerr
		}
		defer func() {
			if cerr := src.Close(); cerr != nil && err == nil {
				res, err = nil, fmt.Errorf("uapi: %w", cerr)
			}
		}()
		res.Includes = append(res.Includes, src.Dirs)
		res.Release = cmp.Or(res.Release, src.Release)
	}
	res.HeadersTime = time.Since(start)

	start = time.Now()
	var left *leftHeaders
	if res.Packages, left, err = opt.analyse(ctx, res.Includes); err != nil {
		return nil, err
	}
	res.LeftOut, res.Refused = left.list, left.refused
	if res.NoAlias, err = aliasAll(ctx, opt.Config, res.Packages, cmp.Or(opt.Out, ".")); err != nil {
		return nil, err
	}
	specs, err := readSpecs(ctx, opt)
	if err != nil {
		return nil, err
	}
	if err := res.Packages[0].joinSpecs(opt.Config, specs); err != nil {
		return nil, err
	}
	res.AnalyseTime = time.Since(start)

	start = time.Now()
	stamp := opt.Stamp
	stamp.Release = cmp.Or(stamp.Release, res.Release)
	res.Release = stamp.Release
	if res.Rendered, err = RenderAll(res.Packages, stamp); err != nil {
		return nil, err
	}
	for _, f := range res.Rendered {
		res.Files = append(res.Files, f.Name)
	}
	res.RenderTime = time.Since(start)
	return res, nil
}

// open finds the headers for a target.
func (opt *Options) open(ctx context.Context, arch string) (*Source, error) {
	so := SourceOptions{Tree: opt.Tree, Include: IncludeDirs(arch, opt.Include, opt.IncludeFor), Arch: arch, CacheDir: opt.CacheDir, Log: opt.MakeLog}
	if opt.Headers != nil {
		if so.Tree != "" || len(so.Include) > 0 {
			return nil, errSource
		}
		if KernelArch(arch) == "" {
			return nil, fmt.Errorf("uapi: unknown architecture %q", arch)
		}
		dir, err := opt.Headers(ctx, arch)
		if err != nil {
			return nil, err
		}
		so.Include = []string{dir}
	}
	return Open(ctx, so)
}

// analyse asks the compilers for all targets and applies the configuration.
func (opt *Options) analyse(ctx context.Context, includes [][]string) ([]*Package, *leftHeaders, error) {
	cfg, known, err := opt.Config.expand(includes)
	if err != nil {
		return nil, nil, err
	}
	archs := opt.archs()
	all := make([][]*Header, len(archs))
	left := &leftHeaders{list: known}
	for k, arch := range archs {
		cc, err := CompilerFor(opt.CC, arch)
		if err != nil {
			return nil, nil, err
		}
		var errs []error
		if all[k], errs, err = cfg.analyse(ctx, cc, includes, k, opt.Jobs); err != nil {
			return nil, nil, err
		}
		for i, err := range errs {
			if err != nil {
				left.add(cfg.Headers[i].Path, arch, err)
			}
		}
	}
	if !opt.KeepGoing || left.missing {
		if err := joinErrors(left.errs); err != nil {
			return nil, nil, err
		}
	}
	if cfg, all = left.without(cfg, all); len(cfg.Headers) == 0 {
		return nil, nil, joinErrors(left.errs)
	}
	if len(archs) == 1 && len(opt.Arch) == 0 && len(opt.Config.Arch) == 0 {
		archs = []string{""}
	}
	ps, err := (&selection{cfg: cfg}).all(archs, all)
	if err != nil && opt.KeepGoing && selectable(err) {
		left.refused = err
		ps, err = (&selection{cfg: cfg, lenient: true}).all(archs, all)
	}
	if err != nil {
		return nil, nil, err
	}
	return ps, left, nil
}

// selectable reports whether an error allows a package without some names.
func selectable(err error) bool {
	_, lost := errors.AsType[*LostError](err)
	_, clash := errors.AsType[*ClashError](err)
	_, disagree := errors.AsType[*DisagreementError](err)
	return lost || clash || disagree
}

// leftHeaders collects the headers that could not be analysed.
type leftHeaders struct {
	list    []LeftOut
	errs    []error
	missing bool // a header that does not exist is among them
	refused error
}

func (l *leftHeaders) add(path, arch string, err error) {
	l.missing = l.missing || errors.Is(err, ErrNoHeader)
	for _, have := range l.list {
		if have.Header == path {
			return // on one target already
		}
	}
	l.errs = append(l.errs, err)
	reason := strings.TrimPrefix(err.Error(), path+": ")
	l.list = append(l.list, LeftOut{Header: path, Reason: reason})
}

// without returns the configuration and the headers, by target, without those
// that were left out.
func (l *leftHeaders) without(cfg *Config, all [][]*Header) (*Config, [][]*Header) {
	gone := make(map[string]bool)
	for _, h := range l.list {
		gone[h.Header] = true
	}
	out := *cfg
	out.Headers, out.origin = nil, nil
	kept := make([][]*Header, len(all))
	for i, h := range cfg.Headers {
		if gone[h.Path] {
			continue
		}
		out.Headers, out.origin = append(out.Headers, h), append(out.origin, cfg.origin[i])
		for k := range all {
			kept[k] = append(kept[k], all[k][i])
		}
	}
	return &out, kept
}

// analyse analyses the headers of the configuration for the k-th target. If only other
// targets have a header, its result is an empty Header.
func (c *Config) analyse(ctx context.Context, cc *Compiler, includes [][]string, k, jobs int) ([]*Header, []error, error) {
	out, failed := make([]*Header, len(c.Headers)), make([]error, len(c.Headers))
	var (
		inputs []Input
		index  []int
	)
	for i, h := range c.Headers {
		elsewhere := slices.ContainsFunc(includes, func(dirs []string) bool { return !missing(dirs, h.Path) })
		if missing(includes[k], h.Path) && elsewhere {
			out[i] = &Header{Path: h.Path}
			continue
		}
		with := h.With
		if with == nil {
			with = Prerequisites(h.Path)
		}
		inputs = append(inputs, Input{Path: h.Path, With: with})
		index = append(index, i)
	}
	headers, errs, err := AnalyseEach(ctx, cc, includes[k], inputs, jobs)
	if err != nil {
		return nil, nil, err
	}
	for n, h := range headers {
		out[index[n]], failed[index[n]] = h, errs[n]
	}
	return out, failed, nil
}
