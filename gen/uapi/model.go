// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Pos is a place in a header.
type Pos struct {
	// File is the path below the include root: "linux/if_link.h".
	File string
	// Line counts from 1.
	Line int
}

// String returns file:line.
func (p Pos) String() string { return p.File + ":" + strconv.Itoa(p.Line) }

// ConstKind says how C defines a constant.
type ConstKind int

// Kinds of constants.
const (
	Macro ConstKind = iota
	Enumerator
)

// String returns "macro" or "enumerator".
func (k ConstKind) String() string {
	if k == Enumerator {
		return "enumerator"
	}
	return "macro"
}

// Value is the value of a constant, from the compiler.
type Value struct {
	// IsString is set for a string.
	IsString bool
	// IsFloat is set for a floating-point number; Float is its value.
	IsFloat bool
	Float   float64
	// Str is the string without its final NUL.
	Str string
	// Bits is the integer, sign-extended to 64 bits when it is signed.
	Bits uint64
	// Signed reports whether the C type is signed.
	Signed bool
	// Size is the size of the C type in bytes.
	Size int
	// Flag is set for a number that is negative only because its bits reach the sign bit of
	// its type, such as 1 << 31. In Go it is the unsigned number with the same bits.
	Flag bool
}

// Negative reports whether v is an integer below zero.
func (v Value) Negative() bool { return v.integer() && v.Signed && int64(v.Bits) < 0 }

func (v Value) integer() bool { return !v.IsString && !v.IsFloat }

// String returns the value as C would print it: decimal, or quoted.
func (v Value) String() string {
	switch {
	case v.IsString:
		return strconv.Quote(v.Str)
	case v.IsFloat:
		return floatText(v.Float)
	case v.Signed:
		return strconv.FormatInt(int64(v.Bits), 10)
	}
	return strconv.FormatUint(v.Bits, 10)
}

// below reports whether v is an integer below zero in Go.
func (v Value) below() bool { return v.Negative() && !v.Flag }

// text returns the value in Go as a decimal number, or quoted.
func (v Value) text() string {
	if !v.integer() || v.below() {
		return v.String()
	}
	return strconv.FormatUint(v.mask(), 10)
}

// floatText returns the shortest text for a number that both C and Go read as a
// floating-point constant.
func floatText(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// mask cuts an integer down to the bits of its C type.
func (v Value) mask() uint64 {
	if v.Size <= 0 || v.Size >= 8 {
		return v.Bits
	}
	return v.Bits & (1<<(8*v.Size) - 1)
}

// A Constant is a macro or an enumerator with a value.
type Constant struct {
	// Name is the name in C. GoName is the one in Go where that differs.
	Name   string
	GoName string
	Kind   ConstKind
	Value  Value
	Pos    Pos
	// Cast is the type that a macro casts to, as C writes it: "enum foo".
	Cast string
	// GoType is the Go type that [Select] gives a macro, from Cast; empty for
	// one without.
	GoType string
	// Expr is the right side in C; empty for an enumerator without one.
	Expr string
	// Doc is the comment before the definition or on its line, one element per line,
	// without comment marks.
	Doc []string
}

// A Group is an enum, or a run of macros with only comments, and no empty lines, between
// them.
type Group struct {
	Kind ConstKind
	// Tag is the tag of the enum, if it has one.
	Tag string
	// Enum is the enum as a type, if it has a name.
	Enum *Enum
	// GoType is the Go type that [Select] gives the constants; empty if they
	// are untyped.
	GoType string
	// Pos is where the enum begins, or the first macro.
	Pos Pos
	// Doc is the comment above the group, like [Constant.Doc].
	Doc []string
	// Consts is not empty.
	Consts []Constant
}

// typeOf returns the Go type of a constant of the group, or "".
func (g *Group) typeOf(c *Constant) string { return cmp.Or(c.GoType, g.GoType) }

// goName is the name in Go.
func (c *Constant) goName() string { return cmp.Or(c.GoName, c.Name) }

// isFlag reports whether the constant is written as bits, so that it reads best
// in hexadecimal.
func (c *Constant) isFlag() bool {
	e := c.Expr
	return strings.Contains(e, "<<") || strings.Contains(e, "~") ||
		strings.Contains(e, "0x") || strings.Contains(e, "0X") ||
		strings.Contains(e, "_IO") || strings.Contains(e, "|") || strings.Contains(e, "_BITUL")
}

// A Skip is a name that is not expressed in Go, with the reason.
type Skip struct {
	Name   string
	Pos    Pos
	Reason string
}

// trivial are the reasons of names that can be left out without a loss.
var trivial = []string{reasonFunction, reasonEmpty, reasonSame, reasonSecond, reasonNoNumber}

// The reasons of names that have no value, or have it under another name.
const (
	reasonFunction = "function-like macro"
	reasonEmpty    = "empty macro"
	reasonSame     = "same as at "
	reasonSecond   = "a second name of "
	reasonNoNumber = "a typedef of no number"
	reasonNoValue  = "does not evaluate: "
)

// Trivial reports whether nothing is lost without the name: it has no value, or another
// name has it. A lower-case macro without a value is the name of a member, such as
// ifr_name.
func (s Skip) Trivial() bool {
	if c := s.Name[0]; c >= 'a' && c <= 'z' && strings.HasPrefix(s.Reason, reasonNoValue) {
		return true
	}
	return slices.ContainsFunc(trivial, func(reason string) bool { return strings.HasPrefix(s.Reason, reason) })
}

// String returns one line for a report.
func (s Skip) String() string { return s.Pos.String() + ": " + s.Name + ": " + s.Reason }

// A Header has the definitions of one header file, without the files that it includes.
type Header struct {
	// Path is the header as a program includes it.
	Path string
	// With are the headers that were included before it.
	With []string
	// SHA256 is the digest of the installed file, in hex.
	SHA256 string
	// License is the SPDX expression of the file, if it has one.
	License string
	// BigEndian is set if the header was compiled for a big-endian target.
	BigEndian bool
	// Groups in the order of the file.
	Groups []Group
	// Aggregates are structs and unions in the order of the file.
	Aggregates []*Aggregate
	// Typedefs in the order of the file. Those of a struct or union without
	// a tag are Aggregates.
	Typedefs []*Typedef
	// EnumTypes are the enums that have a name, in the order of the file.
	EnumTypes []*Enum
	// Enums are types with a String method; [Select] makes them.
	Enums []*EnumType
	// Skipped in the order of the file.
	Skipped []Skip

	castEnums map[string]*Enum // enums by the typedefs that name them
	borrowed  []string         // headers included after it, for its macros
	system    bool             // compiled with a real C library
}
