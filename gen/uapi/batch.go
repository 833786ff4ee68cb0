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
	// With are headers to include before it, for one that is not complete
	// by itself.
	With []string
}

// Analyse asks the compiler about one header below the include root. It
// returns an error wrapping [ErrNoHeader] or [ErrNoCompiler], or a
// [*CompileError].
func Analyse(ctx context.Context, cc *Compiler, root string, in Input) (*Header, error) {
	all, err := AnalyseAll(ctx, cc, root, []Input{in}, 1)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// AnalyseAll is [Analyse] for several headers, with so many compilers at once;
// 0 means one a processor. The first header, in the order of inputs, that
// cannot be analysed is the error.
//
// Each header gets the answers that it would get by itself. Headers share
// translation units only where neither knows a name that matters to the other.
func AnalyseAll(ctx context.Context, cc *Compiler, root string, inputs []Input, jobs int) ([]*Header, error) {
	headers, errs, err := AnalyseEach(ctx, cc, root, inputs, jobs)
	if err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return headers, nil
}

// AnalyseEach is [AnalyseAll] that goes on after a header that cannot be
// analysed: for each input there is either a header or an error. err is set
// when the work as a whole could not be done.
func AnalyseEach(ctx context.Context, cc *Compiler, root string, inputs []Input, jobs int) (headers []*Header, errs []error, err error) {
	if root, err = filepath.Abs(root); err != nil {
		return nil, nil, fmt.Errorf("uapi: %w", err)
	}
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	dir, err := os.MkdirTemp("", "xpsgen-uapi-")
	if err != nil {
		return nil, nil, fmt.Errorf("uapi: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	libc := filepath.Join(dir, "libc")
	if err := unpackLibc(libc); err != nil {
		return nil, nil, fmt.Errorf("uapi: %w", err)
	}
	r := &run{
		cc: cc, roots: []string{root, libc}, dir: dir, jobs: jobs,
		names: newInterner(), words: make(map[string]map[string]bool),
		errs: make([]error, len(inputs)), work: make([]*analysis, len(inputs)),
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
	roots []string
	dir   string
	jobs  int
	work  []*analysis // by input
	errs  []error     // by input
	names *interner

	mu    sync.Mutex
	words map[string]map[string]bool // by file
	units int
}

// fatal tells errors of the whole from those of one header.
func fatal(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, ErrNoCompiler)
}

// preprocess runs the first of the two steps for each header by itself.
func (r *run) preprocess(ctx context.Context, inputs []Input) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.jobs)
	for i, in := range inputs {
		g.Go(func() error {
			a, err := r.begin(ctx, in, len(inputs) > 1)
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
				if len(b.members) < limit && slices.Equal(b.members[0].borrowed, a.borrowed) && !b.print.clashes(a.print) {
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
	// The longest first, so that the last to end is a short one.
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

// batch compiles headers in one unit. If that fails they are tried apart.
func (r *run) batch(ctx context.Context, members []*analysis) error {
	r.mu.Lock()
	object := filepath.Join(r.dir, fmt.Sprintf("unit%d.o", r.units))
	r.units++
	r.mu.Unlock()
	u := newUnit(members, r.roots, object)
	err := u.build(ctx, r.cc)
	if err == nil {
		err = u.answer()
	}
	switch {
	case err == nil:
		return nil
	case fatal(ctx, err):
		return err
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

// footprintOf says what a header may do to others in its unit.
func (r *run) footprintOf(sc *scanned) *footprint {
	declared, mentioned := make(map[string]bool), make(map[string]bool)
	meaning := make(map[string]string)
	for name, m := range sc.macros {
		if m.builtin {
			continue
		}
		declared[name] = true
		// NB: two headers may have the same guard.
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

// relative returns the path of a file below the include root, or "".
func (r *run) relative(file string) string {
	rel, ok := strings.CutPrefix(file, r.roots[0]+string(filepath.Separator))
	if !ok {
		return ""
	}
	return filepath.ToSlash(rel)
}
