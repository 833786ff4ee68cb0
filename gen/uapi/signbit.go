// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// C gives 1 << 31 the type int and the value -2147483648, although it means a
// set of bits. Arithmetic without overflow distinguishes such a number from
// -0x7fffffff - 1: the preprocessor computes with 64 bits on every target, and
// there the first is positive and the second negative. The same holds for 0xf
// << 28 and for 1 << 31 | 1. At 64 bits the preprocessor itself overflows, and
// says so.

// plainNumber matches expressions that cannot reach the sign bit.
var plainNumber = pattern(`^[(\s]*-\s*(?:0[xX][0-7][0-9a-fA-F]{0,7}|[0-9]{1,9})[)\s]*$`)

// candidate is a negative number that may be a set of bits.
type candidate struct {
	expr  string
	macro *macro // nil for an enumerator
	name  string
	enum  int
	size  int
}

// signBits finds the constants that are negative only because their bits reach
// the sign bit of their type. It returns their names.
func (a *analysis) signBits(ctx context.Context, cc *Compiler, roots *roots, values map[string]Value) (map[string]bool, error) {
	var list []candidate
	before := -1 // the enum of the candidate right above
	for i, e := range a.sc.enumerators {
		expr := e.expr
		if expr == "" && before == e.enum {
			expr = a.sc.enumerators[i-1].name + " + 1"
		}
		before = -1
		if expr != "" && values[e.name].Negative() && !plainNumber().MatchString(expr) {
			list = append(list, candidate{expr: expr, name: e.name, enum: e.enum, size: values[e.name].Size})
			before = e.enum
		}
	}
	for i, q := range a.questions {
		if q.reason == "" && q.value.Negative() && !plainNumber().MatchString(a.macros[i].body) {
			list = append(list, candidate{expr: q.name, macro: a.macros[i], name: q.name, size: q.value.Size})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	positive, err := a.positive(ctx, cc, roots, list, values)
	if err != nil {
		return nil, err
	}
	// An enum with negative numbers is signed, and so are all of its names.
	signed, mixed := make(map[int]bool), make(map[string]bool)
	for _, e := range a.sc.enumerators {
		if values[e.name].Negative() && !positive[e.name] {
			signed[e.enum] = true
		}
	}
	for _, e := range a.sc.enumerators {
		if positive[e.name] && signed[e.enum] {
			mixed[e.name] = true
			delete(positive, e.name)
		}
	}
	for _, c := range list {
		if c.macro == nil || !positive[c.name] {
			continue
		}
		a.walk(c.macro, map[string]bool{}, func(tok string) {
			if mixed[tok] {
				delete(positive, c.name)
			}
		})
	}
	return positive, nil
}

// overflowed matches the error of gcc and clang about a number of more than 64 bits.
var overflowed = pattern(`integer overflow in preprocessor expression`)

// unitMessage matches errors and warnings on a line of a question.
var unitMessage = pattern(`(?m)^` + unitFile + `:(\d+):(?:\d+:)? (?:error|warning): (.*)$`)

// positive has the preprocessor compute candidates and returns the names of
// those that are positive. An expression that it cannot compute, such as a cast, is not positive.
func (a *analysis) positive(ctx context.Context, cc *Compiler, roots *roots, list []candidate, values map[string]Value) (map[string]bool, error) {
	var b strings.Builder
	b.WriteString(a.in.include())
	for _, h := range a.borrowed {
		b.WriteString(includeLine(h))
	}
	exprs := make(map[string]string)
	for _, c := range list {
		if c.macro == nil {
			exprs[c.name] = c.expr
		}
	}
	for _, e := range a.sc.enumerators {
		v, ok := values[e.name]
		if !ok {
			continue
		}
		text := "(" + v.String() + ")"
		switch {
		case exprs[e.name] != "":
			text = "(" + exprs[e.name] + ")"
		case !v.Signed:
			text = v.String() + "ULL"
		}
		fmt.Fprintf(&b, "#undef %[1]s\n#define %[1]s %[2]s\n", e.name, text)
	}
	for i, c := range list {
		fmt.Fprintf(&b, "#line %d %q\n#if (%s) > 0\nxpsgen_positive %d\n#endif\n", i+1, unitFile, c.expr, i)
	}
	args := append([]string{"-E", "-P", "-pedantic", "-Wundef"}, messageFlags(a.clang)...)
	out, messages, err := cc.runIn(ctx, roots, b.String(), append(args, roots.warnArgs()...)...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w", a.in.Path, err)
	}
	found, unknown := make(map[string]bool), make(map[int]bool)
	for _, m := range unitMessage().FindAllStringSubmatch(messages, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > len(list) || unknown[n-1] {
			continue
		}
		if c := list[n-1]; !overflowed().MatchString(m[2]) {
			unknown[n-1] = true
		} else if c.size == 8 {
			found[c.name] = true
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if n, ok := strings.CutPrefix(line, "xpsgen_positive "); ok {
			if i, err := strconv.Atoi(strings.TrimSpace(n)); err == nil && i < len(list) {
				found[list[i].name] = true
			}
		}
	}
	for i := range unknown {
		delete(found, list[i].name)
	}
	return found, nil
}
