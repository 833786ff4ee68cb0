// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A LeftOut is a header that is not part of a proof.
type LeftOut struct {
	Header, Reason string
	// Known tells those of [Incompatible] from the rest, which are failures.
	Known bool
}

// TreeResult is what [VerifyHeaders] proved.
type TreeResult struct {
	VerifyResult
	// Headers is how many headers took part, Names how many names they were
	// found to define by other means than ours.
	Headers, Names int
	// Aggregates is how many structs and unions they define.
	Aggregates int
	// Lost are names that have a value but are not in the model.
	Lost []Skip
	// LeftOut are the headers that could not take part.
	LeftOut []LeftOut
}

// Failed tells whether something is not as it should be.
func (r *TreeResult) Failed() bool {
	unknown := false
	for _, l := range r.LeftOut {
		unknown = unknown || !l.Known
	}
	return unknown || len(r.Failures)+len(r.Undecided)+len(r.Lost) > 0
}

// VerifyHeaders generates Go for headers, each by itself and with everything in
// it, and has the compilers confirm all that [Verify] does; what Go has no name
// for is confirmed from the model. Besides, it looks for names that a header
// defines in the preprocessor's list of macros and in debug information, and
// for each that the model does not have asks whether it has a value.
//
// The headers are analysed by the first compiler. paths of nil means all below
// opt.Include.
func VerifyHeaders(ctx context.Context, paths []string, opt VerifyOptions) (res *TreeResult, err error) {
	ccs, err := opt.compilers()
	if err != nil {
		return nil, err
	}
	if paths == nil {
		if paths, err = ListHeaders(opt.Include); err != nil {
			return nil, err
		}
	}
	roots, remove, err := withRoots(opt.Include)
	if err != nil {
		return nil, err
	}
	defer remove(&err)
	res = &TreeResult{}
	var inputs []Input
	for _, p := range paths {
		if reason := Incompatible(p); reason != "" {
			res.LeftOut = append(res.LeftOut, LeftOut{p, reason, true})
			continue
		}
		inputs = append(inputs, Input{Path: p, With: Prerequisites(p)})
	}
	headers, errs, err := AnalyseEach(ctx, ccs[0].Compiler, opt.Include, inputs, opt.Jobs)
	if err != nil {
		return nil, err
	}
	jobs := opt.Jobs
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	t := &treeVerifier{res: res, roots: roots, ccs: ccs, arch: opt.Arch}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i, h := range headers {
		if errs[i] != nil {
			if errors.Is(errs[i], ErrNoHeader) {
				return nil, errs[i]
			}
			reason := strings.TrimPrefix(errs[i].Error(), inputs[i].Path+": ")
			t.mu.Lock()
			res.LeftOut = append(res.LeftOut, LeftOut{inputs[i].Path, reason, false})
			t.mu.Unlock()
			continue
		}
		g.Go(func() error { return t.header(ctx, h) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	res.sort()
	sortBy(res.LeftOut, func(l LeftOut) string { return l.Header })
	sortBy(res.Lost, Skip.String)
	return res, nil
}

// treeVerifier is the work of [VerifyHeaders].
type treeVerifier struct {
	roots *roots
	ccs   []*verifyCompiler
	arch  string

	mu  sync.Mutex
	res *TreeResult
}

// header generates one header and has all compilers judge it.
func (t *treeVerifier) header(ctx context.Context, h *Header) error {
	cfg := &Config{Package: "uapi", Headers: []HeaderConfig{everything(h)}}
	ps, err := (&selection{cfg: cfg, lenient: true}).all([]string{t.arch}, [][]*Header{{h}})
	if err != nil {
		return err
	}
	p := ps[0]
	files, err := RenderAll(ps, Stamp{})
	if err != nil {
		return err
	}
	arch := t.arch
	if arch == "" {
		arch = HostArch()
	}
	code, err := check(files, arch, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", h.Path, err)
	}
	v := newVerifier(code, p)
	v.header(p.Headers[0], arrange(p)[0])
	v.model(h, p.Headers[0])
	for _, cc := range t.ccs {
		failures, undecided, err := v.ask(ctx, cc, t.roots, h)
		var ce *CompileError
		t.mu.Lock()
		if errors.As(err, &ce) {
			t.res.LeftOut = append(t.res.LeftOut, LeftOut{h.Path, cc.name + ": " + strings.TrimPrefix(err.Error(), h.Path+": "), false})
			err = nil
		}
		t.res.Failures = append(t.res.Failures, failures...)
		t.res.Undecided = append(t.res.Undecided, undecided...)
		t.mu.Unlock()
		if err != nil {
			return err
		}
	}
	found, lost, err := lostNames(ctx, t.ccs[0], t.roots, h)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.res.add(v)
	t.res.Headers++
	t.res.Names += found
	t.res.Aggregates += len(h.Aggregates)
	t.res.Lost = append(t.res.Lost, lost...)
	return nil
}

// everything selects all that a header has.
func everything(h *Header) HeaderConfig {
	hc := HeaderConfig{Path: h.Path, With: h.With}
	if len(h.Aggregates) > 0 {
		hc.Structs = []string{"*"}
	}
	if len(h.Typedefs) > 0 {
		hc.Typedefs = []string{"*"}
	}
	return hc
}
