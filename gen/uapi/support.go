// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

// supportFile is the generated file with the code that all headers share.
const supportFile = "types" + fileSuffix

// piece is a part of the support file. uses are words that show that a file needs it.
type piece struct {
	uses []string
	text string
}

// sharedPieces are the parts of the support file that all targets share.
func sharedPieces() []piece {
	var pieces []piece
	for _, order := range []struct{ prefix, name, pkg string }{
		{"Be", "big-endian", "BigEndian"}, {"Le", "little-endian", "LittleEndian"},
	} {
		for _, bits := range []string{"16", "32", "64"} {
			t := order.prefix + bits
			pieces = append(pieces, piece{[]string{t}, fmt.Sprintf(`
// %[1]s is a number of %[2]s bits in %[3]s order, __%[4]s%[2]s in C. [To%[1]s] makes one;
// Host reads it.
type %[1]s uint%[2]s

// Host returns the number in host byte order.
func (v %[1]s) Host() uint%[2]s {
	var b [%[2]s / 8]byte
	binary.NativeEndian.PutUint%[2]s(b[:], uint%[2]s(v))
	return binary.%[5]s.Uint%[2]s(b[:])
}

// To%[1]s converts a number from host byte order to %[3]s order.
func To%[1]s(v uint%[2]s) %[1]s {
	var b [%[2]s / 8]byte
	binary.%[5]s.PutUint%[2]s(b[:], v)
	return %[1]s(binary.NativeEndian.Uint%[2]s(b[:]))
}
`, t, bits, order.name, strings.ToLower(order.prefix), order.pkg)})
		}
	}
	return append(pieces,
		piece{[]string{cPointer}, `
// CPointer is a C pointer where Go cannot have a pointer: in a union, in a misaligned
// member, or in a flexible array. It is only an address. The garbage collector does not
// follow it, and does not keep its target alive. [PointTo] makes one.
type CPointer uintptr

// PointTo returns the address in p. It pins the target, which stays alive and in place
// until pin.Unpin is called. pin may be nil if Go does not manage the memory.
func PointTo(p unsafe.Pointer, pin *runtime.Pinner) CPointer {
	if pin != nil && p != nil {
		pin.Pin(p)
	}
	return CPointer(uintptr(p))
}

// Pointer returns the pointer. It is valid while its target is pinned, or if Go does not
// manage the memory.
func (p CPointer) Pointer() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
`},
		piece{[]string{"Attr"}, attrSupport},
		piece{[]string{"load["}, `
// load copies a value that may not be aligned.
func load[T any](p unsafe.Pointer, offset int) (v T) {
	size := int(unsafe.Sizeof(v))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), size), unsafe.Slice((*byte)(unsafe.Add(p, offset)), size))
	return v
}
`},
		piece{[]string{"store("}, `
// store is the reverse of load.
func store[T any](p unsafe.Pointer, offset int, v T) {
	size := int(unsafe.Sizeof(v))
	copy(unsafe.Slice((*byte)(unsafe.Add(p, offset)), size), unsafe.Slice((*byte)(unsafe.Pointer(&v)), size))
}
`},
	)
}

// bitPieces are the pieces that depend on the order in which the target numbers bits.
func bitPieces(bigEndian bool) []piece {
	bit := "uint(at % 8)"
	if bigEndian {
		bit = "uint(7 - at%8)"
	}
	from, place := "width - 1; i >= 0; i--", "offset+i"
	if bigEndian {
		from = "0; i < width; i++"
	}
	value := "uint(i)"
	if bigEndian {
		value = "uint(width-1-i)"
	}
	return []piece{
		piece{[]string{"loadBits(", "loadSignedBits("}, `
// loadBits returns the bit-field at a bit offset from p.
func loadBits(p unsafe.Pointer, offset, width int) (v uint64) {
	for i := ` + from + ` {
		at := ` + place + `
		v = v<<1 | uint64(*(*byte)(unsafe.Add(p, at/8))>>` + bit + `)&1
	}
	return v
}
`},
		piece{[]string{"loadSignedBits("}, `
// loadSignedBits is loadBits for signed fields.
func loadSignedBits(p unsafe.Pointer, offset, width int) int64 {
	return int64(loadBits(p, offset, width)<<(64-width)) >> (64 - width)
}
`},
		piece{[]string{"storeBits("}, `
// storeBits is the reverse of loadBits.
func storeBits(p unsafe.Pointer, offset, width int, v uint64) {
	for i := range width {
		at := ` + place + `
		b := (*byte)(unsafe.Add(p, at/8))
		*b = *b&^(1<<` + bit + `) | byte(v>>` + value + `&1)<<` + bit + `
	}
}
`}}
}

// renderSupport returns the support files with what the given files use, or
// nothing if they use none of it.
func renderSupport(pkg string, files []File, ps []*Package) []File {
	shared, some := sharedPieces(), make(map[bool][]string)
	for _, p := range ps {
		some[p.BigEndian] = append(some[p.BigEndian], p.Arch)
	}
	if len(some) == 1 {
		shared = append(shared, bitPieces(ps[0].BigEndian)...)
	}
	out := supportOf(pkg, files, shared, nil)
	if len(some) == 1 {
		return out
	}
	for _, bigEndian := range []bool{false, true} {
		out = append(out, supportOf(pkg, files, bitPieces(bigEndian), some[bigEndian])...)
	}
	return out
}

// supportOf returns the support file with the pieces that are used.
func supportOf(pkg string, files []File, pieces []piece, archs []string) []File {
	var body strings.Builder
	for _, p := range pieces {
		used := slices.ContainsFunc(files, func(f File) bool {
			return slices.ContainsFunc(p.uses, func(u string) bool { return usesWord(f.Content, u) })
		})
		if used {
			body.WriteString(p.text)
		}
	}
	if body.Len() == 0 {
		return nil
	}
	var imports strings.Builder
	for _, pkg := range []string{"encoding/binary", "runtime", "unsafe"} {
		if strings.Contains(body.String(), path.Base(pkg)+".") {
			fmt.Fprintf(&imports, "\t%q\n", pkg)
		}
	}
	text := fmt.Sprintf("// %s\n// SPDX-License-Identifier: GPL-2.0-only OR MIT\n\n", generatedLine)
	if c := buildLine(archs); c != "" {
		text += c + "\n\n"
	}
	text += fmt.Sprintf("package %s\n\nimport (\n%s)\n%s", pkg, imports.String(), body.String())
	name := archFileName(supportFile, archs)
	return []File{{name, []byte(text)}}
}

// usesWord reports whether code has a word as a whole. The word may end in a bracket.
func usesWord(code []byte, word string) bool {
	for at := 0; ; {
		i := bytes.Index(code[at:], []byte(word))
		if i < 0 {
			return false
		}
		i += at
		end := i + len(word)
		if (i == 0 || !isIdent(code[i-1])) && (!isIdent(word[len(word)-1]) || end == len(code) || !isIdent(code[end])) {
			return true
		}
		at = i + 1
	}
}
