// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

// TypeKind distinguishes C types whose form in Go differs.
type TypeKind int

// Kinds of types.
const (
	// Integer is any integer, enums and booleans included.
	Integer TypeKind = iota
	// Float is a floating-point number.
	Float
	// Pointer is a pointer to any type.
	Pointer
	// Array has Len elements of Elem.
	Array
	// Record is a struct or union.
	Record
	// Other becomes an array of bytes in Go.
	Other
)

// A Type is a C type.
type Type struct {
	Kind TypeKind
	// Size in bytes.
	Size int64
	// Signed is set for signed integers.
	Signed bool
	// Char is set for plain char, which is text or bytes and not a number.
	Char bool
	// BigEndian and LittleEndian are set for integers of types such as __be16.
	BigEndian, LittleEndian bool
	// Elem and Len describe an array.
	Elem *Type
	Len  int64
	// Record is the struct or union. It is shared by all that refer to it.
	Record *Aggregate
	// Enum is set for an enum that has a name.
	Enum *Enum
	// Bool is set for _Bool, which holds 0 or 1.
	Bool bool
	// Names are the typedefs that lead to the type, the outermost first.
	Names []string
}

// An Enum is an enum that has a name.
type Enum struct {
	// Tag is the tag in C, or the name of a typedef where there is no tag.
	Tag string
	// Typedef is set if Tag is the name of a typedef.
	Typedef bool
	// Size in bytes.
	Size int64
	// Consts are the names of its enumerators.
	Consts []string
	// Pos is where the definition begins.
	Pos Pos
	// Doc is the comment above it, like [Constant.Doc].
	Doc []string

	signed bool // a constant is negative in Go
}

// CName returns the type as C writes it.
func (e *Enum) CName() string {
	if e.Typedef {
		return e.Tag
	}
	return "enum " + e.Tag
}

// base returns the type of its values in Go.
func (e *Enum) base() string {
	return integerType(&Type{Kind: Integer, Size: e.Size, Signed: e.signed}).text
}

// A Typedef is a typedef that is not the only name of a struct, union or enum.
type Typedef struct {
	Name string
	Type *Type
	Pos  Pos
	// Doc is the comment above it, like [Constant.Doc].
	Doc []string
}

// An Aggregate is a struct or union with its layout.
type Aggregate struct {
	// Tag is the tag in C, or the name of a typedef where there is no tag,
	// or empty.
	Tag string
	// Typedef is set if Tag is the name of a typedef.
	Typedef bool
	// Union is set for a union.
	Union bool
	// Size in bytes.
	Size int64
	// Pos is where the definition begins.
	Pos Pos
	// Doc is the comment above it, like [Constant.Doc].
	Doc []string
	// Fields in the order of the definition.
	Fields []Field
}

// CName returns the type as C writes it.
func (a *Aggregate) CName() string {
	switch {
	case a.Typedef:
		return a.Tag
	case a.Union:
		return "union " + a.Tag
	}
	return "struct " + a.Tag
}

// A Field is a member of a struct or union.
type Field struct {
	// Name is empty for an anonymous struct or union.
	Name string
	Type *Type
	// Offset in bytes. A bit-field has the offset of the byte that its
	// first bit lies in.
	Offset int64
	// BitSize is the width of a bit-field, otherwise 0. BitOffset counts
	// from the start of the struct, as the target numbers bits.
	BitSize, BitOffset int64
	// Flexible marks an array of no fixed length at the end.
	Flexible bool
	// Doc is the comment on its line or above it.
	Doc []string
}
