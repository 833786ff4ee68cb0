// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// VerifyOptions steer [Verify].
type VerifyOptions struct {
	// Include are the directories of installed headers that the package was
	// generated from, as [Source] has them. Required.
	Include []string
	// Compilers are the compilers to ask, each a command for [CompilerFor]. Default: the
	// one for an empty command.
	Compilers []string
	// Arch is the target, as in GOARCH. Default [HostArch].
	Arch string
	// Jobs is how many compilers run at once. Default: one per CPU.
	Jobs int
}

// compilers returns the compilers to ask, by command.
func (opt *VerifyOptions) compilers() ([]*verifyCompiler, error) {
	commands := opt.Compilers
	if len(commands) == 0 {
		commands = []string{""}
	}
	var out []*verifyCompiler
	for _, command := range commands {
		cc, err := CompilerFor(command, cmp.Or(opt.Arch, HostArch()))
		if err != nil {
			return nil, err
		}
		name := cmp.Or(command, cc.Command)
		out = append(out, &verifyCompiler{Compiler: cc, name: name, clang: strings.Contains(cc.Command, "clang")})
	}
	return out, nil
}

// verifyCompiler is a compiler that is asked to confirm.
type verifyCompiler struct {
	*Compiler
	name  string
	clang bool
}

// VerifyResult is the result of [Verify].
type VerifyResult struct {
	// Constants, Sizes, Offsets and BitOffsets count assertions, for one
	// compiler.
	Constants, Sizes, Offsets, BitOffsets int
	// Failures are the assertions that did not hold.
	Failures []VerifyFailure
	// Undecided are the names that a compiler cannot evaluate.
	Undecided []VerifyFailure
}

// A VerifyFailure is a generated fact that a compiler rejects.
type VerifyFailure struct {
	// Compiler is the command. Header is the path as included.
	Compiler, Header string
	// Assertion is the C that the compiler refused. Message is its error.
	Assertion, Message string
}

// String returns one line for a report.
func (f VerifyFailure) String() string {
	return f.Compiler + ": " + f.Header + ": " + f.Assertion + ": " + f.Message
}

// add counts the facts of one header.
func (r *VerifyResult) add(v *verifier) {
	r.Constants += v.constants
	r.Sizes += v.sizesOf
	r.Offsets += v.offsets
	r.BitOffsets += len(v.bits)
}

// sort sorts the findings. The compilers report them in any order.
func (r *VerifyResult) sort() {
	for _, list := range [][]VerifyFailure{r.Failures, r.Undecided} {
		slices.SortFunc(list, func(a, b VerifyFailure) int { return strings.Compare(a.String(), b.String()) })
	}
}

// Verify reads constants, sizes, offsets and bit offsets from generated Go, and has C
// compilers confirm each of them. It reads only the text of the files, with Go's own type
// checker, so that it cannot repeat an error of the generator. p is the model that the
// files came from. It has the names in C.
func Verify(ctx context.Context, p *Package, files []File, opt VerifyOptions) (res *VerifyResult, err error) {
	ccs, err := opt.compilers()
	if err != nil {
		return nil, err
	}
	code, err := check(files, cmp.Or(opt.Arch, HostArch()), p.alias)
	if err != nil {
		return nil, err
	}
	jobs := opt.Jobs
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	roots, remove, err := withRoots(opt.Include)
	if err != nil {
		return nil, err
	}
	defer remove(&err)
	res = &VerifyResult{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	layouts := arrange(p)
	for i, h := range p.Headers {
		v := newVerifier(code, p)
		v.header(h, layouts[i])
		res.add(v)
		for _, cc := range ccs {
			g.Go(func() error {
				failures, undecided, err := v.ask(ctx, cc, roots, h, false)
				mu.Lock()
				defer mu.Unlock()
				res.Failures = append(res.Failures, failures...)
				res.Undecided = append(res.Undecided, undecided...)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	res.sort()
	return res, nil
}
