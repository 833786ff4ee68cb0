// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"go/token"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// goName turns the name of a C tag or member into an exported Go name:
// tpacket_req3 becomes TpacketReq3. It returns "" if nothing is left. A dollar
// sign, which C compilers allow, separates words.
func goName(c string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(c, func(r rune) bool { return r == '_' || r == '$' }) {
		first, n := utf8.DecodeRuneInString(part)
		b.WriteRune(unicode.ToUpper(first))
		b.WriteString(part[n:])
	}
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, b.String())
	if name != "" && !token.IsExported(name) {
		name = "X" + name
	}
	return name
}

// exported returns the Go name of a member or a type.
func exported(c string) string {
	if name := goName(c); name != "" {
		return name
	}
	return "X"
}

// hidden returns an unexported form of a Go name. It is not a keyword.
func hidden(name string) string {
	first, n := utf8.DecodeRuneInString(name)
	return nonKeyword(string(unicode.ToLower(first)) + name[n:])
}

// nonKeyword returns name, or name with a mark if Go reserves it.
func nonKeyword(name string) string {
	if token.IsKeyword(name) || predeclared[name] {
		return name + "_"
	}
	return name
}

// predeclared are the names of Go that generated code uses.
var predeclared = map[string]bool{
	"byte": true, "string": true, "bool": true, "int": true, "int8": true, "int16": true, "int32": true, "int64": true,
	"uint8": true, "uint16": true, "uint32": true, "uint64": true, "uintptr": true, "float32": true, "float64": true,
	"copy": true, "nil": true, "iota": true, "any": true, "init": true, "main": true, "_": true,
	"unsafe": true, "structs": true, "strconv": true, "binary": true, "runtime": true, "unix": true,
	"load": true, "store": true, "loadBits": true, "loadSignedBits": true, "storeBits": true,
}

// names are names that are taken.
type names map[string]bool

// unique returns name, or name with a number where it is taken.
func (n names) unique(name string) string {
	for i, try := 2, name; ; i++ {
		if !n[try] {
			n[try] = true
			return try
		}
		try = name + strconv.Itoa(i)
	}
}
