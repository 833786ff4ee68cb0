// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"context"
	"debug/dwarf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func sortBy[T any](list []T, key func(T) string) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

// defineLine matches a definition in the text of a header. dumpedLine matches one in the
// output of cc -E -dM, if the macro is object-like and not empty.
var (
	defineLine = pattern(`(?m)^[ \t]*#[ \t]*define[ \t]+(\w+)(.*)$`)
	dumpedLine = pattern(`(?m)^#define (\w+) (\S.*)$`)
)

// lostNames finds the names that a header defines, without the code that generated the
// model. It reads the macros that are defined at the header's end, and the debug
// information about the header. It returns the number of names, and those with a value or a
// layout that the model lacks.
func lostNames(ctx context.Context, cc *verifyCompiler, roots *roots, h *Header) (found int, lost []Skip, err error) {
	dir, err := os.MkdirTemp("", "xpsgen-names-")
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", h.Path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	have := make(map[string]bool)
	for _, g := range h.Groups {
		for _, c := range g.Consts {
			have[c.Name] = true
		}
	}
	for _, a := range h.Aggregates {
		have[a.CName()] = true
	}

	if roots, err = roots.forHeader(ctx, cc.Compiler, h.Path, h.system); err != nil {
		return 0, nil, err
	}
	q := &inquiry{h: h, cc: cc, roots: roots, dir: dir, flags: messageFlags(cc.clang)}
	macros, err := q.dumpedMacros(ctx)
	if err != nil {
		return 0, nil, err
	}
	found = len(macros)
	macros = keep(macros, func(name string) bool { return !have[name] })
	if macros, err = q.evaluating(ctx, macros); err != nil {
		return 0, nil, err
	}
	if macros, err = q.own(ctx, macros); err != nil {
		return 0, nil, err
	}
	for _, m := range macros {
		lost = append(lost, Skip{m, Pos{File: h.Path}, "a macro with a value"})
	}
	described, err := q.described(ctx)
	if err != nil {
		return 0, nil, err
	}
	found += len(described)
	for _, name := range described {
		if !have[name] {
			lost = append(lost, Skip{name, Pos{File: h.Path}, "in debug information"})
		}
	}
	return found, lost, nil
}

// dumpedMacros returns the macros that the text of the header defines and that cc -E -dM
// prints.
func (q *inquiry) dumpedMacros(ctx context.Context) ([]string, error) {
	file, err := q.roots.find(q.h.Path)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.h.Path, err)
	}
	in := &Input{Path: q.h.Path, With: q.h.With}
	out, errs, err := q.cc.runIn(ctx, q.roots, in.include(), append([]string{"-E", "-dM"}, q.roots.args()...)...)
	if err != nil {
		return nil, compileError(q.h.Path, q.roots, errs, err)
	}
	inForce := make(map[string]string)
	for _, m := range dumpedLine().FindAllStringSubmatch(out, -1) {
		inForce[m[1]] = m[2]
	}
	var names []string
	for _, m := range defineLine().FindAllStringSubmatch(string(text), -1) {
		// A number that differs from the final definition is a fallback, for
		// a name that another header defines.
		_, err := strconv.ParseInt(strings.TrimSpace(m[2]), 0, 64)
		if body, ok := inForce[m[1]]; ok && (err != nil || strings.TrimSpace(m[2]) == body) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// own returns the names whose final definition is in the header. Another header may define
// the same name with the same value.
func (q *inquiry) own(ctx context.Context, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	text, err := q.cc.preprocess(ctx, q.roots, Input{Path: q.h.Path, With: q.h.With})
	if err != nil {
		return nil, err
	}
	sc, err := scan(text, q.roots.relative)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.h.Path, err)
	}
	return keep(names, func(name string) bool {
		m := sc.macros[name]
		return m == nil || m.pos.File == q.h.Path
	}), nil
}

// evaluating returns the names that are integer constants: the compiler
// accepts an enumerator with their value. Each such name is compiled again alone,
// since an unbalanced macro can hide the ones after it.
func (q *inquiry) evaluating(ctx context.Context, names []string) ([]string, error) {
	some, err := q.enumerable(ctx, names)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range some {
		alone, err := q.enumerable(ctx, []string{name})
		if err != nil {
			return nil, err
		}
		out = append(out, alone...)
	}
	return out, nil
}

// enumerable returns the names that compile.
func (q *inquiry) enumerable(ctx context.Context, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var b strings.Builder
	b.WriteString(q.prologue())
	for i, name := range names {
		// One function each, so that the compiler reports an unknown
		// identifier every time.
		fmt.Fprintf(&b, "#line %d %q\nvoid xpsgen_f%d(void) { enum { xpsgen_e = ((%s) | 0) != 0 }; }\n", i+1, unitFile, i, name)
	}
	messages, err := q.cc.compile(ctx, q.roots, b.String(), filepath.Join(q.dir, "names.o"), append(q.flags, "-fsyntax-only")...)
	if err == nil {
		return names, nil
	}
	bad := make(map[int]bool)
	for _, m := range unitError().FindAllStringSubmatch(messages, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			bad[n-1] = true
		}
	}
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &exit):
		return nil, fmt.Errorf("%s: %w", q.h.Path, err)
	case len(names) == 1:
		return nil, nil // wherever the compiler sees the error
	}
	var out []string
	for i, name := range names {
		if !bad[i] {
			out = append(out, name)
		}
	}
	return out, nil
}

// described returns the enumerators, and the structs and unions as C writes
// them, that debug information says the header defines.
func (q *inquiry) described(ctx context.Context) ([]string, error) {
	in := &Input{Path: q.h.Path, With: q.h.With}
	object := filepath.Join(q.dir, "debug.o")
	flags := append(debugFlags(q.cc.clang), q.flags...)
	messages, err := q.cc.compile(ctx, q.roots, in.include()+"const char xpsgen_end = 1;\n", object, flags...)
	if err != nil {
		return nil, compileError(q.h.Path, q.roots, messages, err)
	}
	_, f, err := symbolBytes(object)
	if err != nil {
		return nil, fmt.Errorf("%s: object file: %w", q.h.Path, err)
	}
	d, err := f.DWARF()
	if err != nil {
		return nil, fmt.Errorf("%s: read debug information: %w", q.h.Path, err)
	}
	r := &recordReader{d: d, roots: q.roots}
	var (
		names  []string
		inside bool // an enum of the header
		reader = d.Reader()
	)
	for {
		e, err := reader.Next()
		if err != nil {
			return nil, fmt.Errorf("%s: read debug information: %w", q.h.Path, err)
		}
		if e == nil {
			slices.Sort(names)
			return slices.Compact(names), nil
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		declaration, _ := e.Val(dwarf.AttrDeclaration).(bool)
		switch e.Tag {
		case dwarf.TagCompileUnit:
			if err := r.lineTable(e); err != nil {
				return nil, fmt.Errorf("%s: read debug information: %w", q.h.Path, err)
			}
		case dwarf.TagEnumerationType:
			inside = r.declared(e).File == q.h.Path
		case dwarf.TagEnumerator:
			if inside {
				names = append(names, name)
			}
		case dwarf.TagStructType, dwarf.TagUnionType:
			if name != "" && !declaration && r.declared(e).File == q.h.Path {
				names = append(names, map[dwarf.Tag]string{dwarf.TagStructType: "struct ", dwarf.TagUnionType: "union "}[e.Tag]+name)
			}
		}
	}
}
