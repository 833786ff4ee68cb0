// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A LeftOut is a header that was left out, with the reason.
type LeftOut struct {
	Header, Reason string
	// Known is set for the headers of [Incompatible]. Others are failures.
	Known bool
}

// TreeResult is the result of [VerifyHeaders].
type TreeResult struct {
	VerifyResult
	// Headers is the number of headers that took part. Names is the number of names that
	// they define according to the preprocessor and the debug information.
	Headers, Names int
	// Aggregates is how many structs and unions they define.
	Aggregates int
	// Lost are names that have a value but are not in the model.
	Lost []Skip
	// LeftOut are the headers that could not take part.
	LeftOut []LeftOut
	// Compared counts the names of the first compiler's package that were compared with
	// the packages of the others. Disagreements are the differences.
	Compared      int
	Disagreements []Disagreement

	facts *factSet // for [CompareTargets]
}

// Failed reports whether a check failed.
func (r *TreeResult) Failed() bool {
	unknown := false
	for _, l := range r.LeftOut {
		unknown = unknown || !l.Known
	}
	return unknown || len(r.Failures)+len(r.Undecided)+len(r.Lost)+len(r.Disagreements) > 0
}

// VerifyHeaders generates Go for each header alone, with all its definitions. The compilers
// confirm the same facts as for [Verify]. Facts about names that Go lacks come from the
// model. VerifyHeaders also reads the names that a header defines from the preprocessor's
// list of macros and from debug information. A name with a value is lost if the model lacks
// it.
//
// The result is the package that the first compiler gives. The packages of the other
// compilers must have the same names, values and layouts.
//
// A nil paths means all headers below opt.Include.
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
	t := &treeVerifier{res: res, roots: roots, ccs: ccs, arch: cmp.Or(opt.Arch, HostArch()), jobs: opt.Jobs}
	if t.jobs <= 0 {
		t.jobs = runtime.NumCPU()
	}
	if err := t.compareCompilers(ctx, inputs, headers, opt); err != nil {
		return nil, err
	}
	claims := make([]*claim, len(headers))
	err = t.each(ctx, len(headers), func(ctx context.Context, i int) error {
		if errors.Is(errs[i], ErrNoHeader) {
			return errs[i]
		}
		if errs[i] != nil {
			t.leaveOut(inputs[i].Path, strings.TrimPrefix(errs[i].Error(), inputs[i].Path+": "))
			return nil
		}
		var err error
		claims[i], err = t.claim(headers[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	claims = keep(claims, func(c *claim) bool { return c != nil })
	for _, cc := range ccs {
		if err := t.confirm(ctx, cc, claims); err != nil {
			return nil, err
		}
	}
	if err := t.each(ctx, len(claims), func(ctx context.Context, i int) error { return t.lost(ctx, claims[i].h) }); err != nil {
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
	jobs  int

	mu  sync.Mutex
	res *TreeResult
}

// each calls work for n indexes, up to t.jobs at once.
func (t *treeVerifier) each(ctx context.Context, n int, work func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(t.jobs)
	for i := range n {
		g.Go(func() error { return work(ctx, i) })
	}
	return g.Wait()
}

func (t *treeVerifier) leaveOut(header, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.res.LeftOut = append(t.res.LeftOut, LeftOut{header, reason, false})
}

// claim has the values in the Go code of a header.
type claim struct {
	h *Header
	v *verifier
}

// claim generates one header and reads the values back from the Go code.
func (t *treeVerifier) claim(h *Header) (*claim, error) {
	cfg := &Config{Package: "uapi", Headers: []HeaderConfig{everything(h)}}
	ps, err := (&selection{cfg: cfg, lenient: true}).all([]string{t.arch}, [][]*Header{{h}})
	if err != nil {
		return nil, err
	}
	p := ps[0]
	files, err := RenderAll(ps, Stamp{})
	if err != nil {
		return nil, err
	}
	code, err := check(files, t.arch, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.Path, err)
	}
	v := newVerifier(code, p)
	v.header(p.Headers[0], arrange(p)[0])
	v.model(h, p.Headers[0])
	t.mu.Lock()
	defer t.mu.Unlock()
	t.res.add(v)
	t.res.Headers++
	t.res.Aggregates += len(h.Aggregates)
	return &claim{h, v}, nil
}

// lost looks for names of a header that the model does not have.
func (t *treeVerifier) lost(ctx context.Context, h *Header) error {
	found, lost, err := lostNames(ctx, t.ccs[0], t.roots, h)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.res.Names += found
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
