// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// maxBatch bounds how many headers share a translation unit.
const maxBatch = 24

// An Input is a header to analyse.
type Input struct {
	// Path is the header as a program includes it: "linux/if_link.h".
	Path string
	// With are headers to include first, for a header that is not
	// self-contained.
	With []string

	supplied int // how often supply extended With
}

// Analyse asks the compiler about one header below the directories dirs, which
// are searched in order. It returns an error wrapping [ErrNoHeader] or
// [ErrNoCompiler], or a [*CompileError].
func Analyse(ctx context.Context, cc *Compiler, dirs []string, in Input) (*Header, error) {
	all, err := AnalyseAll(ctx, cc, dirs, []Input{in}, 1)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// AnalyseAll is [Analyse] for several headers, with at most jobs compilers at once; 0 means
// one per CPU. If headers cannot be analysed, the error joins the errors of all of them, in
// the order of inputs.
//
// The result for a header does not depend on the other headers. Headers share a
// translation unit only if neither declares a name that the other uses.
func AnalyseAll(ctx context.Context, cc *Compiler, dirs []string, inputs []Input, jobs int) ([]*Header, error) {
	headers, errs, err := AnalyseEach(ctx, cc, dirs, inputs, jobs)
	if err == nil {
		err = joinErrors(errs)
	}
	if err != nil {
		return nil, err
	}
	return headers, nil
}

// joinErrors is [errors.Join], but returns a single error unchanged.
func joinErrors(errs []error) error {
	errs = keep(errs, func(err error) bool { return err != nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// AnalyseEach is [AnalyseAll], but continues after a header that cannot be analysed. For
// each input it returns a header or an error. err is set if there are no results at all,
// for example because there is no compiler.
func AnalyseEach(ctx context.Context, cc *Compiler, dirs []string, inputs []Input, jobs int) (headers []*Header, errs []error, err error) {
	roots, remove, err := withRoots(dirs)
	if err != nil {
		return nil, nil, err
	}
	defer remove(&err)
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	dir, err := os.MkdirTemp("", "xpsgen-uapi-")
	if err != nil {
		return nil, nil, fmt.Errorf("uapi: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &run{
		cc: cc, roots: roots, dir: dir, jobs: jobs,
		names: newInterner(), words: make(map[string]map[string]bool),
		declarers: make(map[string]string), tops: make(map[string]bool),
		errs: make([]error, len(inputs)), work: make([]*analysis, len(inputs)),
	}
	for _, in := range inputs {
		if top, _, below := strings.Cut(in.Path, "/"); below {
			r.tops[top] = true
		}
	}
	if err := r.preprocess(ctx, inputs); err != nil {
		return nil, nil, err
	}
	if err := r.compile(ctx); err != nil {
		return nil, nil, err
	}
	headers = make([]*Header, len(inputs))
	for i, a := range r.work {
		if r.errs[i] == nil {
			headers[i] = a.h
		}
	}
	return headers, r.errs, nil
}

// run is the work on all headers of one call.
type run struct {
	cc    *Compiler
	roots *roots
	dir   string
	jobs  int
	work  []*analysis // by input
	errs  []error     // by input
	names *interner

	mu        sync.Mutex
	words     map[string]map[string]bool // by file
	units     int
	texts     map[string]string // of all kernel headers, once they are needed
	declarers map[string]string // the header that declares a name, or ""
	tops      map[string]bool   // directories of the inputs
}

// fatal reports whether err ends the whole run and not only one header.
func fatal(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, ErrNoCompiler)
}

// preprocess runs the first of the two steps, with one compiler per header.
func (r *run) preprocess(ctx context.Context, inputs []Input) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.jobs)
	for i, in := range inputs {
		g.Go(func() error {
			a, err := r.begin(ctx, in, len(inputs) > 1, false)
			if _, refused := errors.AsType[*CompileError](err); refused {
				// It may need a real C library.
				if b, berr := r.begin(ctx, in, len(inputs) > 1, true); berr == nil {
					a, err = b, nil
				}
			}
			if err != nil && fatal(ctx, err) {
				return err
			}
			if a != nil {
				a.index = i
			}
			r.work[i], r.errs[i] = a, err
			return nil
		})
	}
	return g.Wait()
}

// compile runs the second step, batch by batch.
func (r *run) compile(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.jobs)
	for _, b := range r.pack() {
		g.Go(func() error { return r.batch(ctx, b) })
	}
	return g.Wait()
}

// pack puts headers into batches, each into the first where it fits.
func (r *run) pack() [][]*analysis {
	type open struct {
		members []*analysis
		print   *footprint
	}
	var (
		batches []*open
		out     [][]*analysis
		todo    []*analysis
	)
	for i, a := range r.work {
		if r.errs[i] == nil {
			todo = append(todo, a)
		}
	}
	limit := min(maxBatch, max(1, (len(todo)+r.jobs-1)/r.jobs))
next:
	for _, a := range todo {
		if a.print != nil {
			for _, b := range batches {
				if len(b.members) < limit && b.members[0].roots.system == a.roots.system && slices.Equal(b.members[0].borrowed, a.borrowed) && !b.print.clashes(a.print) {
					b.members = append(b.members, a)
					b.print.join(a.print)
					continue next
				}
			}
		}
		b := &open{members: []*analysis{a}, print: &footprint{declared: &bitset{}, mentioned: &bitset{}, meaning: make(map[string]string)}}
		if a.print != nil {
			b.print.join(a.print)
		}
		batches = append(batches, b)
	}
	for _, b := range batches {
		out = append(out, b.members)
	}
	// Start the longest first, so that a short one ends last.
	slices.SortStableFunc(out, func(x, y []*analysis) int { return questions(y) - questions(x) })
	return out
}

func questions(batch []*analysis) int {
	n := 0
	for _, a := range batch {
		n += len(a.questions)
	}
	return n
}

// batch compiles headers in one unit. If that fails, it compiles each half.
func (r *run) batch(ctx context.Context, members []*analysis) error {
	r.mu.Lock()
	object := filepath.Join(r.dir, fmt.Sprintf("unit%d.o", r.units))
	r.units++
	r.mu.Unlock()
	u := newUnit(members, object)
	err := u.build(ctx, r.cc)
	if err == nil {
		err = u.answer(ctx, r.cc)
	}
	switch {
	case err == nil:
		for _, a := range members {
			if err := r.complete(ctx, a); err != nil {
				return err
			}
			if err := r.fullWidth(ctx, a); err != nil {
				if fatal(ctx, err) {
					return err
				}
				r.errs[a.index] = err
			}
		}
		return nil
	case fatal(ctx, err):
		return err
	case len(members) == 1 && r.supply(ctx, members[0], err):
		return r.batch(ctx, members)
	case len(members) == 1 && !members[0].roots.system:
		b, berr := r.begin(ctx, members[0].in, false, true)
		if berr != nil {
			r.errs[members[0].index] = err
			return nil
		}
		b.index = members[0].index
		r.work[b.index] = b
		if berr := r.batch(ctx, []*analysis{b}); berr != nil {
			return berr
		}
		if r.errs[b.index] != nil {
			r.errs[b.index] = err
		}
		return nil
	case len(members) == 1:
		r.errs[members[0].index] = err
		return nil
	}
	for _, a := range members {
		a.again()
	}
	half := len(members) / 2
	if err := r.batch(ctx, members[:half]); err != nil {
		return err
	}
	return r.batch(ctx, members[half:])
}

// footprintOf returns the footprint, which decides whether a header can share a unit.
func (r *run) footprintOf(sc *scanned) *footprint {
	declared, mentioned := make(map[string]bool), make(map[string]bool)
	meaning := make(map[string]string)
	for name, m := range sc.macros {
		if m.builtin {
			continue
		}
		declared[name] = true
		// The file is a part, because two headers may have the same guard.
		meaning[name] = m.file + " " + m.params + " " + m.body
	}
	for name, file := range sc.declared {
		declared[name] = true
		meaning[name] = "in " + file
	}
	for file := range sc.files {
		for w := range r.wordsOf(file) {
			mentioned[w] = true
		}
	}
	return &footprint{r.names.all(declared), r.names.all(mentioned), meaning}
}

// wordsOf returns the identifiers in the text of a file, which it reads once.
func (r *run) wordsOf(file string) map[string]bool {
	r.mu.Lock()
	set, ok := r.words[file]
	r.mu.Unlock()
	if ok {
		return set
	}
	set = make(map[string]bool)
	if text, err := os.ReadFile(file); err == nil {
		words(string(text), set)
	}
	r.mu.Lock()
	r.words[file] = set
	r.mu.Unlock()
	return set
}
