// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// clang's debug information describes a bit-field that is as wide as its type as an
// ordinary member, and rounds its place down to a byte. offsetof of a bit-field does not
// compile, so it identifies these members. For each, clang then lays out a record in which
// only the bits of the member are set.

// bitFieldText matches a bit-field in the text of a header.
var bitFieldText = pattern(`\w\s*:\s*\w+\s*[;,]`)

// wideMember is a member that may be a bit-field as wide as its type.
type wideMember struct {
	record string // in C
	path   string
	field  *Field
	base   int64 // of the record that field belongs to, in bytes
}

// wideMembers collects such members of a record, and of the unnamed records inside it.
func wideMembers(a *Aggregate, record, path string, base int64) []wideMember {
	var out []wideMember
	for i := range a.Fields {
		f := &a.Fields[i]
		switch {
		case f.Type.Kind == Record && f.Type.Record.Tag == "":
			inner := path
			if f.Name != "" {
				inner += "." + f.Name
			}
			out = append(out, wideMembers(f.Type.Record, record, inner, base+f.Offset)...)
		case f.Name != "" && f.BitSize == 0 && f.Type.Kind == Integer && f.Type.Size <= 8:
			out = append(out, wideMember{record, path + "." + f.Name, f, base})
		}
	}
	return out
}

// fullWidth corrects the bit-fields of a header that clang's debug information describes as
// ordinary members.
func (r *run) fullWidth(ctx context.Context, a *analysis) error {
	if !a.clang || !bitFieldText().MatchString(strings.Join(a.src.lines, "\n")) {
		return nil
	}
	var list []wideMember
	for _, g := range a.h.Aggregates {
		list = append(list, wideMembers(g, g.CName(), "", 0)...)
	}
	list, err := r.bitFieldsOf(ctx, a, list)
	if err != nil || len(list) == 0 {
		return err
	}
	var b strings.Builder
	b.WriteString(a.in.include())
	b.WriteString("#pragma pack()\n")
	for i, m := range list {
		fmt.Fprintf(&b, "#undef %s\n", m.field.Name)
		fmt.Fprintf(&b, "const %s xpsgen_w%d __attribute__((section(\"xpsgen_wide\"), used)) = { %s = -1 };\n", m.record, i, m.path)
	}
	dir, err := os.MkdirTemp(r.dir, "wide-")
	if err != nil {
		return fmt.Errorf("%s: %w", a.h.Path, err)
	}
	object := filepath.Join(dir, "wide.o")
	messages, err := r.cc.compile(ctx, a.roots, b.String(), object, messageFlags(true)...)
	if err != nil {
		return compileError(a.h.Path, a.roots, messages, err)
	}
	images, _, err := symbolBytes(object)
	if err != nil {
		return fmt.Errorf("%s: object file: %w", a.h.Path, err)
	}
	for i, m := range list {
		first, n := setBits(images[fmt.Sprintf("xpsgen_w%d", i)], a.h.BigEndian)
		if n == 0 {
			return fmt.Errorf("%s: %s of %s has no bits", a.h.Path, m.path, m.record)
		}
		m.field.BitSize, m.field.BitOffset = n, first-8*m.base
		m.field.Offset = m.field.BitOffset / 8
	}
	return nil
}

// bitFieldsOf returns the members that are bit-fields in C.
func (r *run) bitFieldsOf(ctx context.Context, a *analysis, list []wideMember) ([]wideMember, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var b strings.Builder
	b.WriteString(a.in.include())
	for i, m := range list {
		fmt.Fprintf(&b, "#undef %s\n#line %d %q\n_Static_assert(__builtin_offsetof(%s, %s) >= 0, \"\");\n", m.field.Name, i+1, unitFile, m.record, m.path[1:])
	}
	messages, err := r.cc.compile(ctx, a.roots, b.String(), os.DevNull, append(messageFlags(true), "-fsyntax-only")...)
	if err == nil {
		return nil, nil
	}
	var out []wideMember
	for _, m := range unitError().FindAllStringSubmatch(messages, -1) {
		n, err := strconv.Atoi(m[1])
		if err == nil && n >= 1 && n <= len(list) && strings.Contains(m[2], "bit-field") {
			out = append(out, list[n-1])
		}
	}
	if out == nil {
		return nil, compileError(a.h.Path, a.roots, messages, err)
	}
	return out, nil
}

// setBits returns the first bit that is set, as the target numbers bits, and how
// many there are.
func setBits(image []byte, bigEndian bool) (first, n int64) {
	first = -1
	for i, c := range image {
		if c != 0 && first < 0 {
			at := bits.TrailingZeros8(c)
			if bigEndian {
				at = bits.LeadingZeros8(c)
			}
			first = int64(8*i + at)
		}
		n += int64(bits.OnesCount8(c))
	}
	return first, n
}
