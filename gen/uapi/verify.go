// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// VerifyOptions steer [Verify].
type VerifyOptions struct {
	// Include is the directory of installed headers that the package was
	// made from. Required.
	Include string
	// Compilers are asked one after the other, each in the form of
	// [Compiler]. Default gcc.
	Compilers []string
	// Arch is the target in Go's spelling. Default amd64.
	Arch string
	// Jobs is how many compilers run at once. Default: one a processor.
	Jobs int
}

// VerifyResult says what [Verify] proved.
type VerifyResult struct {
	// Constants, Sizes and Offsets count assertions, for one compiler.
	Constants, Sizes, Offsets int
	// Failures are the assertions that did not hold.
	Failures []VerifyFailure
	// Undecided are those that a compiler does not regard as a constant,
	// such as offsets taken from a null pointer for clang.
	Undecided []VerifyFailure
}

// A VerifyFailure is a generated fact that a compiler denies.
type VerifyFailure struct {
	// Compiler is the command, Header the path as included.
	Compiler, Header string
	// Assertion is the C that was refused, Message what the compiler said.
	Assertion, Message string
}

// String returns one line for a report.
func (f VerifyFailure) String() string {
	return f.Compiler + ": " + f.Header + ": " + f.Assertion + ": " + f.Message
}

// Verify takes constants, sizes and offsets back out of generated Go and has C
// compilers assert each of them. It goes by the text of files alone, with Go's
// own type checker, so that an error of the generator cannot hide itself. p is
// the model the files came from: it tells what the names are in C.
func Verify(ctx context.Context, p *Package, files []File, opt VerifyOptions) (*VerifyResult, error) {
	root, err := filepath.Abs(opt.Include)
	if err != nil {
		return nil, fmt.Errorf("uapi: %w", err)
	}
	arch := opt.Arch
	if arch == "" {
		arch = "amd64"
	}
	scope, sizes, err := check(files, arch)
	if err != nil {
		return nil, err
	}
	ccs := opt.Compilers
	if len(ccs) == 0 {
		ccs = []string{"gcc"}
	}
	jobs := opt.Jobs
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	res := &VerifyResult{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	layouts := arrange(p)
	for i, h := range p.Headers {
		v := &verifier{scope: scope, sizes: sizes}
		v.header(h, layouts[i])
		res.Constants += v.constants
		res.Sizes += v.sizesOf
		res.Offsets += v.offsets
		for _, cc := range ccs {
			g.Go(func() error {
				failures, err := v.ask(ctx, cc, root, h.Path)
				mu.Lock()
				defer mu.Unlock()
				for _, f := range failures {
					if notConstant.MatchString(f.Message) {
						res.Undecided = append(res.Undecided, f)
					} else {
						res.Failures = append(res.Failures, f)
					}
				}
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, list := range [][]VerifyFailure{res.Failures, res.Undecided} {
		slices.SortFunc(list, func(a, b VerifyFailure) int { return strings.Compare(a.String(), b.String()) })
	}
	return res, nil
}

// notConstant matches what gcc and clang say when they cannot evaluate.
var notConstant = regexp.MustCompile(`not an integral constant expression|is not constant`)

// check type checks generated files. Imports are not resolved: what they are
// used for has no part in layouts, except unsafe, which go/types knows.
func check(files []File, arch string) (*types.Scope, types.Sizes, error) {
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range files {
		if strings.HasSuffix(f.Name, "_test.go") {
			continue
		}
		a, err := parser.ParseFile(fset, f.Name, f.Content, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, fmt.Errorf("verify: %w", err)
		}
		parsed = append(parsed, a)
	}
	conf := types.Config{IgnoreFuncBodies: true, Importer: onlyStructs{}, Sizes: types.SizesFor("gc", arch)}
	if conf.Sizes == nil {
		return nil, nil, fmt.Errorf("verify: Go knows no sizes for %q", arch)
	}
	pkg, err := conf.Check("uapi", fset, parsed, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("verify: %w", err)
	}
	return pkg.Scope(), conf.Sizes, nil
}

// onlyStructs imports stand-ins for what generated code imports.
type onlyStructs struct{}

func (onlyStructs) Import(name string) (*types.Package, error) {
	switch name {
	case "unsafe":
		return types.Unsafe, nil
	case "structs":
		pkg := types.NewPackage(name, name)
		obj := types.NewTypeName(token.NoPos, pkg, "HostLayout", nil)
		types.NewNamed(obj, types.NewStruct(nil, nil), nil)
		pkg.Scope().Insert(obj)
		pkg.MarkComplete()
		return pkg, nil
	case "encoding/binary":
		pkg := types.NewPackage(name, "binary")
		pkg.MarkComplete()
		return pkg, nil
	}
	return nil, errors.New("generated code imports " + name)
}

// verifier collects the assertions about one header.
type verifier struct {
	scope      *types.Scope
	sizes      types.Sizes
	assertions []string

	constants, sizesOf, offsets int
}

func (v *verifier) assert(format string, args ...any) {
	v.assertions = append(v.assertions, fmt.Sprintf(format, args...))
}

func (v *verifier) header(h *Header, layouts []*goStruct) {
	for _, g := range h.Groups {
		for _, c := range g.Consts {
			v.constants++
			v.constant(c.Name)
		}
	}
	for _, g := range layouts {
		v.record(g, g.c.CName())
	}
}

// constant asserts a constant as Go has it. Go writes flags without their
// sign, so it is the bits that must agree, and no bit may be too many.
func (v *verifier) constant(name string) {
	c, ok := v.scope.Lookup(name).(*types.Const)
	if !ok {
		v.assert("0 /* %s is not in the package */", name)
		return
	}
	switch val := c.Val(); val.Kind() {
	case constant.String:
		s := constant.StringVal(val)
		v.assert("sizeof(%s) == %d && !__builtin_memcmp(%s, %s, %d)", name, len(s)+1, name, cString(s), len(s)+1)
	default:
		if constant.Sign(val) < 0 {
			v.assert("(%s) < 0 && (%s) == %sLL", name, name, strings.Replace(val.ExactString(), "-9223372036854775808", "-9223372036854775807LL-1", 1))
			return
		}
		n := val.ExactString()
		v.assert("(%[1]s) == (__typeof__(%[1]s))%[2]sULL && (sizeof(%[1]s) >= 8 || %[2]sULL >> (8 * sizeof(%[1]s) %% 64) == 0)", name, n)
	}
}

// cString quotes a string for C.
func cString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		fmt.Fprintf(&b, "\\%03o", s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// record asserts size and offsets of a type, and of those nested in it. c is
// the type in C.
func (v *verifier) record(g *goStruct, c string) {
	obj, ok := v.scope.Lookup(g.name).(*types.TypeName)
	if !ok {
		v.assert("0 /* type %s is not in the package */", g.name)
		return
	}
	st := obj.Type().Underlying().(*types.Struct)
	v.sizesOf++
	v.assert("sizeof(%s) == %d", c, v.sizes.Sizeof(obj.Type()))
	var fields []*types.Var
	for f := range st.Fields() {
		fields = append(fields, f)
	}
	offsets := make(map[string]int64)
	for i, off := range v.sizes.Offsetsof(fields) {
		offsets[fields[i].Name()] = off
	}
	for _, f := range g.fields {
		if f.c != "" {
			v.member(c, f.c, offsets[f.name])
		}
	}
	for _, a := range g.accessors {
		if a.bits == 0 {
			v.member(c, a.c, offsets[a.raw]+a.offset)
		}
	}
	for _, n := range g.nested {
		v.record(n, "__typeof__((("+c+" *)0)->"+n.member+")")
	}
}

func (v *verifier) member(c, name string, offset int64) {
	v.offsets++
	v.assert("__builtin_offsetof(%s, %s) == %d", c, name, offset)
}

// ask has one compiler assert everything.
func (v *verifier) ask(ctx context.Context, command, root, header string) (failures []VerifyFailure, err error) {
	if len(v.assertions) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "xpsgen-verify-")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", header, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	libc := filepath.Join(dir, "libc")
	if err := unpackLibc(libc); err != nil {
		return nil, fmt.Errorf("%s: %w", header, err)
	}
	roots := []string{root, libc}
	var b strings.Builder
	b.WriteString(includeLine(header))
	for _, extra := range []string{"linux/ioctl.h", "asm/ioctls.h"} {
		if _, err := os.Stat(filepath.Join(root, extra)); err == nil {
			b.WriteString(includeLine(extra))
		}
	}
	for i, a := range v.assertions {
		fmt.Fprintf(&b, "#line %d %q\n_Static_assert(%s, \"differs\");\n", i+1, unitFile, a)
	}
	cc := &Compiler{command}
	flags := (&unit{clang: strings.Contains(command, "clang")}).flags()
	messages, err := cc.compile(ctx, roots, b.String(), filepath.Join(dir, "unit.o"), flags...)
	if err == nil {
		return nil, nil
	}
	for _, m := range unitError.FindAllStringSubmatch(messages, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= len(v.assertions) {
			failures = append(failures, VerifyFailure{command, header, v.assertions[n-1], m[2]})
		}
	}
	if failures == nil {
		return nil, compileError(header, roots, messages, err)
	}
	return failures, nil
}
