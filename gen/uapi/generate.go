// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options steer [Generate].
type Options struct {
	// Tree is a kernel source tree. Exactly one of Tree and Include is set.
	Tree string
	// Include is a directory of installed headers.
	Include string
	// Specs reads a netlink specification, see [SpecReader]. Nil takes the
	// tree's own; with Include there are none.
	Specs SpecReader
	// CacheDir keeps the installed headers of trees, see [SourceOptions].
	CacheDir string
	// Config says what to generate. Required.
	Config *Config
	// Stamp is written into every file. An empty Release is taken from the
	// headers.
	Stamp Stamp
	// Out is the directory of the Go package. Required.
	Out string
	// Check compares instead of writing, and fails with a [*DriftError].
	Check bool
	// CC is the compiler, see [Compiler]. Default gcc for amd64, clang with
	// a --target for any other Arch.
	CC string
	// Arch is the target in Go's spelling. Default amd64.
	Arch string
	// Jobs is how many compilers run at once. Default: one a processor.
	Jobs int
	// Log receives one debug record a stage and a header. Nil is silent.
	Log *slog.Logger
	// MakeLog receives the output of make headers. Nil drops it.
	MakeLog io.Writer
}

// Result is what [Generate] found and did.
type Result struct {
	// Package is the model that was rendered.
	Package *Package
	// Files are the names of the generated files within Out.
	Files []string
	// Rendered are those files, for [Verify].
	Rendered []File
	// Changed are those that Generate wrote or removed.
	Changed []string
	// StaleStamp is set when Check found the package right but stamped with
	// another kernel or series.
	StaleStamp bool
	// Release is the kernel's, as stamped.
	Release string
	// HeadersTime is how long finding or installing the headers took,
	// AnalyseTime the compilers, RenderTime the rest.
	HeadersTime, AnalyseTime, RenderTime time.Duration
}

// Skipped returns what is not in the package although the configuration asks
// for it, with the reason, in the order of headers and lines.
func (r *Result) Skipped() []Skip {
	var out []Skip
	for _, h := range r.Package.Headers {
		out = append(out, h.Skipped...)
	}
	return append(out, r.Package.Skipped...)
}

// Constants returns how many constants the package has.
func (r *Result) Constants() int {
	n := 0
	for _, h := range r.Package.Headers {
		for _, g := range h.Groups {
			n += len(g.Consts)
		}
	}
	return n
}

// target is the --target of clang for an architecture.
var target = map[string]string{
	"amd64": "x86_64-linux-gnu", "386": "i386-linux-gnu", "arm64": "aarch64-linux-gnu",
	"arm": "arm-linux-gnueabi", "riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
}

// compilerFor returns the compiler that opt asks for.
func compilerFor(opt Options) *Compiler {
	switch {
	case opt.CC != "":
		return &Compiler{opt.CC}
	case (opt.Arch == "" || opt.Arch == "amd64") && runtime.GOARCH == "amd64":
		return &Compiler{"gcc"}
	case opt.Arch == "":
		return &Compiler{"clang --target=" + target["amd64"]}
	}
	return &Compiler{"clang --target=" + target[opt.Arch]}
}

// Generate writes, or with Check compares, the Go package that the
// configuration describes. On any error the package is as it was.
func Generate(ctx context.Context, opt Options) (res *Result, err error) {
	if opt.Config == nil || opt.Out == "" {
		return nil, errors.New("uapi: configuration and output directory are required")
	}
	log := opt.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	start := time.Now()
	src, err := Open(ctx, SourceOptions{
		Tree: opt.Tree, Include: opt.Include, Arch: opt.Arch, CacheDir: opt.CacheDir, Log: opt.MakeLog,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := src.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("uapi: %w", cerr)
		}
	}()
	res = &Result{HeadersTime: time.Since(start)}
	log.Debug("headers", "dir", src.Include, "release", src.Release, "elapsed", res.HeadersTime)

	start = time.Now()
	headers, err := AnalyseAll(ctx, compilerFor(opt), src.Include, opt.Config.paths(), opt.Jobs)
	if err != nil {
		return nil, err
	}
	res.AnalyseTime = time.Since(start)
	log.Debug("analysed", "headers", len(headers), "elapsed", res.AnalyseTime)

	start = time.Now()
	if res.Package, err = Select(opt.Config, headers); err != nil {
		return nil, err
	}
	specs, err := readSpecs(ctx, opt)
	if err != nil {
		return nil, err
	}
	if err := res.Package.joinSpecs(opt.Config, specs); err != nil {
		return nil, err
	}
	stamp := opt.Stamp
	if stamp.Release == "" {
		stamp.Release = src.Release
	}
	res.Release = stamp.Release
	files, err := Render(res.Package, stamp)
	if err != nil {
		return nil, err
	}
	res.Rendered = files
	for _, f := range files {
		res.Files = append(res.Files, f.Name)
	}
	if opt.Check {
		res.StaleStamp, err = checkFiles(opt.Out, files)
	} else {
		res.Changed, err = writeFiles(opt.Out, files)
	}
	res.RenderTime = time.Since(start)
	log.Debug("rendered", "files", len(files), "elapsed", res.RenderTime)
	if err != nil {
		return nil, err
	}
	return res, nil
}

// paths returns the headers of the configuration.
func (c *Config) paths() []string {
	var out []string
	for _, h := range c.Headers {
		out = append(out, h.Path)
	}
	return out
}

// AnalyseAll runs [Analyse] over several headers, jobs at a time; 0 means one
// a processor. The first error ends it. Results are in the order of paths.
func AnalyseAll(ctx context.Context, cc *Compiler, root string, paths []string, jobs int) ([]*Header, error) {
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	out := make([]*Header, len(paths))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i, p := range paths {
		g.Go(func() (err error) {
			out[i], err = Analyse(ctx, cc, root, p)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}
