// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"go/constant"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// notConstant matches the error of gcc and clang about an expression that they cannot evaluate.
var notConstant = pattern(`not an integral constant expression|is not constant`)

// inquiry is the work of one compiler on the claims about one header.
type inquiry struct {
	v     *verifier
	cc    *verifyCompiler
	h     *Header
	roots *roots
	dir   string
	flags []string
}

// ask has one compiler check all claims. held says that the compiler has confirmed the
// assertions already.
func (v *verifier) ask(ctx context.Context, cc *verifyCompiler, roots *roots, h *Header, held bool) (failures, undecided []VerifyFailure, err error) {
	open := v.floats()
	if held && len(open)+len(v.bits) == 0 || len(v.assertions)+len(v.bits) == 0 {
		return nil, nil, nil
	}
	dir, err := os.MkdirTemp("", "xpsgen-verify-")
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", h.Path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if roots, err = roots.forHeader(ctx, cc.Compiler, h.Path, h.system); err != nil {
		return nil, nil, err
	}
	q := &inquiry{v: v, cc: cc, h: h, roots: roots, dir: dir, flags: messageFlags(cc.clang)}
	if !held {
		if failures, err = q.assertions(ctx, open); err != nil {
			return nil, nil, err
		}
	}
	more, undecided, err := q.images(ctx, open)
	return append(failures, more...), undecided, err
}

// float reports whether the claim is about a floating-point number.
func (a *assertion) float() bool { return a.value != nil && a.value.Kind() == constant.Float }

// floats returns the claims about floating-point numbers, by number. They are not constant
// expressions in C.
func (v *verifier) floats() map[int]string {
	open := make(map[int]string)
	for i, a := range v.assertions {
		if a.float() {
			open[i] = "a floating-point number"
		}
	}
	return open
}

// prologue returns the lines that include the headers of the claims.
func (q *inquiry) prologue() string {
	text := (&Input{Path: q.h.Path, With: q.h.With}).include()
	for _, extra := range q.h.borrowed {
		text += includeLine(extra)
	}
	return text
}

// undefine removes macros with the names of members.
func (v *verifier) undefine(b *strings.Builder) {
	seen := make(map[string]bool)
	for _, m := range v.members {
		if !seen[m] {
			seen[m] = true
			b.WriteString("#undef " + m + "\n")
		}
	}
}

func (q *inquiry) fail(assertion, message string) VerifyFailure {
	return VerifyFailure{q.cc.name, q.h.Path, assertion, message}
}

// write writes the assertions. Their lines count from first.
func (v *verifier) write(b *strings.Builder, first int) {
	write := func(member bool) {
		for i, a := range v.assertions {
			if a.member == member && !a.float() {
				fmt.Fprintf(b, "#line %d %q\n_Static_assert(%s, \"differs\");\n", first+i, unitFile, a.text)
			}
		}
	}
	write(false)
	v.undefine(b)
	write(true)
}

// assertions returns the claims that do not hold. It adds to open, by number,
// those that are not constant expressions.
func (q *inquiry) assertions(ctx context.Context, open map[int]string) (failures []VerifyFailure, err error) {
	var b strings.Builder
	b.WriteString(q.prologue())
	q.v.write(&b, 1)
	messages, err := q.cc.compile(ctx, q.roots, b.String(), filepath.Join(q.dir, "unit.o"), append(q.flags, "-fsyntax-only")...)
	if err == nil {
		return nil, nil
	}
	denied := make(map[int]string)
	found := false
	for _, m := range unitError().FindAllStringSubmatch(messages, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > len(q.v.assertions) {
			continue
		}
		found = true
		if notConstant().MatchString(m[2]) {
			open[n-1] = m[2]
		} else {
			denied[n-1] = m[2]
		}
	}
	right, err2 := q.setsOfBits(ctx, sortedInts(denied))
	if err2 != nil {
		return nil, err2
	}
	for _, n := range sortedInts(denied) {
		if !right[n] {
			failures = append(failures, q.fail(q.v.assertions[n].text, denied[n]))
		}
	}
	if !found {
		return nil, compileError(q.h.Path, q.roots, messages, err)
	}
	return failures, nil
}

// images has the compiler lay out bit-fields, and the values that are not constant
// expressions. Then it compares them.
func (q *inquiry) images(ctx context.Context, open map[int]string) (failures, undecided []VerifyFailure, err error) {
	if len(q.v.bits)+len(open) == 0 {
		return nil, nil, nil
	}
	for {
		failures, again, err := q.compare(ctx, open, &undecided)
		if err != nil || !again {
			return failures, undecided, err
		}
	}
}

// compare compiles and reads the images. If a claim does not compile, it moves the claim
// from open to undecided, and sets again.
func (q *inquiry) compare(ctx context.Context, open map[int]string, undecided *[]VerifyFailure) (failures []VerifyFailure, again bool, err error) {
	const section = `__attribute__((section("xpsgen_%s"), used))`
	var b strings.Builder
	b.WriteString(q.prologue())
	for n := range open {
		if a := q.v.assertions[n]; a.float() {
			fmt.Fprintf(&b, "#line %d %q\nconst double xpsgen_v%d[] "+section+" = { (%s) };\n", len(q.v.bits)+n+1, unitFile, n, "floats", a.name)
		} else if a.value != nil {
			fmt.Fprintf(&b, "#line %d %q\nconst unsigned long long xpsgen_v%d[] "+section+" = { (unsigned long long)(%s), sizeof(%s) };\n",
				len(q.v.bits)+n+1, unitFile, n, "values", a.name, a.name)
		}
	}
	q.v.undefine(&b)
	for i, f := range q.v.bits {
		fmt.Fprintf(&b, "#line %d %q\nconst %s xpsgen_b%d "+section+" = { .%s = -1 };\n", i+1, unitFile, f.c, i, "bits", f.member)
	}
	object := filepath.Join(q.dir, "unit.o")
	messages, err := q.cc.compile(ctx, q.roots, b.String(), object, append(q.flags, "-O0")...)
	if err != nil {
		moved := false
		for _, m := range unitError().FindAllStringSubmatch(messages, -1) {
			n, err := strconv.Atoi(m[1])
			if n -= len(q.v.bits) + 1; err == nil && open[n] != "" {
				*undecided = append(*undecided, q.fail(q.v.assertions[n].text, open[n]))
				delete(open, n)
				moved = true
			}
		}
		if moved {
			return nil, true, nil
		}
		return nil, false, compileError(q.h.Path, q.roots, messages, err)
	}
	symbols, f, err := symbolBytes(object)
	if err != nil {
		return nil, false, fmt.Errorf("%s: object file: %w", q.h.Path, err)
	}
	for i, fact := range q.v.bits {
		if got := symbols["xpsgen_b"+strconv.Itoa(i)]; !bytes.Equal(got, fact.image) {
			failures = append(failures, q.fail("bits of "+fact.member+" in "+fact.c, fmt.Sprintf("compiler %x, Go %x", got, fact.image)))
		}
	}
	for n, message := range open {
		a := q.v.assertions[n]
		got := symbols["xpsgen_v"+strconv.Itoa(n)]
		if a.float() && len(got) == 8 {
			v := math.Float64frombits(f.ByteOrder.Uint64(got))
			if inGo, _ := constant.Float64Val(a.value); v != inGo {
				failures = append(failures, q.fail(a.text, fmt.Sprintf("compiler %s, Go %s", floatText(v), floatText(inGo))))
			}
			continue
		}
		if len(got) != 16 {
			*undecided = append(*undecided, q.fail(a.text, message))
			continue
		}
		bits := Value{Bits: f.ByteOrder.Uint64(got), Size: int(f.ByteOrder.Uint64(got[8:]))}
		want, exact := constant.Uint64Val(a.value)
		if !exact {
			signed, _ := constant.Int64Val(a.value)
			want = uint64(signed)
		} else {
			bits.Bits = bits.mask()
		}
		if bits.Bits != want {
			failures = append(failures, q.fail(a.text, fmt.Sprintf("compiler %d, Go %s", bits.Bits, a.value)))
		}
	}
	return failures, false, nil
}

// symbolBytes returns the content of our symbols in an object file.
func symbolBytes(object string) (map[string][]byte, *elf.File, error) {
	data, err := os.ReadFile(object)
	if err != nil {
		return nil, nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, nil, err
	}
	content := make(map[elf.SectionIndex][]byte)
	out := make(map[string][]byte)
	for _, s := range symbols {
		if !strings.HasPrefix(s.Name, "xpsgen_") || int(s.Section) >= len(f.Sections) {
			continue
		}
		if content[s.Section] == nil {
			if content[s.Section], err = f.Sections[s.Section].Data(); err != nil {
				return nil, nil, err
			}
		}
		if data := content[s.Section]; s.Value+s.Size <= uint64(len(data)) {
			out[s.Name] = data[s.Value : s.Value+s.Size]
		}
	}
	return out, f, nil
}
