// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"os/exec"
	"strconv"
	"strings"
)

// enumBody matches the members of enums in preprocessed text.
var enumBody = pattern(`\benum\b[^{};()]*\{([^{}]*)\}`)

// setsOfBits returns the denied assertions in which Go is right nevertheless.
// In them, Go has an unsigned number, and C has a negative one only because its
// bits reach the sign bit of its type. Two conditions hold: the bits are the same,
// and arithmetic without overflow gives Go's number.
func (q *inquiry) setsOfBits(ctx context.Context, denied []int) (map[int]bool, error) {
	right := make(map[int]bool)
	var b strings.Builder
	b.WriteString(q.prologue())
	asked := 0
	for _, n := range denied {
		if a := q.v.assertions[n]; a.value != nil && constant.Sign(a.value) > 0 {
			fmt.Fprintf(&b, "\nxpsgen_expr %d %s\n", n, a.name)
			asked++
		}
	}
	if asked == 0 {
		return right, nil
	}
	out, messages, err := q.cc.runIn(ctx, q.roots, b.String(), append([]string{"-E", "-P"}, q.roots.args()...)...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w", q.h.Path, err)
	} else if err != nil {
		return nil, compileError(q.h.Path, q.roots, messages, err)
	}
	names := make(map[string]string)
	for _, m := range enumBody().FindAllStringSubmatch(out, -1) {
		last := ""
		for _, member := range splitMembers(m[1]) {
			name, expr, ok := strings.Cut(member, "=")
			if name = strings.TrimSpace(name); !ok {
				expr = "0"
				if last != "" {
					expr = last + " + 1"
				}
			}
			names[name], last = expr, name
		}
	}
	for line := range strings.Lines(out) {
		num, expr, ok := strings.Cut(strings.TrimPrefix(line, "xpsgen_expr "), " ")
		if !ok || !strings.HasPrefix(line, "xpsgen_expr ") {
			continue
		}
		n, err := strconv.Atoi(num)
		if err != nil || n < 0 || n >= len(q.v.assertions) {
			continue
		}
		if v, err := exact(expr, names, 0); err == nil && constant.Compare(v, token.EQL, q.v.assertions[n].value) {
			right[n] = true
		}
	}
	return right, q.sameBits(ctx, right)
}

// sameBits keeps in right only the values with the same bits in C.
func (q *inquiry) sameBits(ctx context.Context, right map[int]bool) error {
	if len(right) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString(q.prologue())
	for n := range right {
		a := q.v.assertions[n]
		text := fmt.Sprintf("(%[1]s) < 0 && (%[1]s) == (__typeof__(%[1]s))%[2]sULL && (sizeof(%[1]s) == 8 || %[2]sULL >> 32 == 0)", a.name, a.value.ExactString())
		fmt.Fprintf(&b, "#line %d %q\n_Static_assert(%s, \"differs\");\n", n+1, unitFile, text)
	}
	messages, err := q.cc.compile(ctx, q.roots, b.String(), q.dir+"/sign.o", append(q.flags, "-fsyntax-only")...)
	if err == nil {
		return nil
	}
	denied := unitError().FindAllStringSubmatch(messages, -1)
	if len(denied) == 0 {
		return compileError(q.h.Path, q.roots, messages, err)
	}
	for _, m := range denied {
		if n, err := strconv.Atoi(m[1]); err == nil {
			delete(right, n-1)
		}
	}
	return nil
}

// splitMembers splits the members of an enum at commas outside of brackets.
func splitMembers(body string) []string {
	var (
		out   []string
		depth int
		start int
	)
	for i, c := range body {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, body[start:i])
				start = i + 1
			}
		}
	}
	if strings.TrimSpace(body[start:]) != "" {
		out = append(out, body[start:])
	}
	return out
}
