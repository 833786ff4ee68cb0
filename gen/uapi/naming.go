// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"fmt"
	"go/token"
	"maps"
	"strings"
)

// Naming says how C names become Go names. A setting of a header overrides that of the
// package; their renames are merged.
type Naming struct {
	// Rename maps names of C to names of Go: constants, tags, typedefs, and
	// members as "tag.member".
	Rename map[string]string `toml:"rename"`
	// Strip lists prefixes to remove from constants and tags, the longest first, if a Go
	// name is left.
	Strip []string `toml:"strip"`
	// Prefix is put before the Go names of constants and types.
	Prefix string `toml:"prefix"`
	// Unexported makes names that the package does not export: lower-case constants, and
	// types with a lower-case first letter.
	Unexported *bool `toml:"unexported"`
	// Enums selects the form of named enums: "typed" makes types
	// and gives them to constants and fields, "untyped" leaves the constants
	// untyped, "none" makes no types. Default "typed".
	Enums string `toml:"enums"`
	// Depends takes the structs, unions and enums inside of selected structs, whichever
	// header defines them. Otherwise structs and unions are bytes, and enums are integers.
	Depends *bool `toml:"depends"`
}

// Forms of enums, see [Naming].
const (
	enumsTyped   = "typed"
	enumsUntyped = "untyped"
	enumsNone    = "none"
)

// over returns the naming of a header within that of the package.
func (n Naming) over(pkg Naming) Naming {
	out := pkg
	out.Rename = maps.Clone(pkg.Rename)
	if out.Rename == nil {
		out.Rename = make(map[string]string)
	}
	maps.Copy(out.Rename, n.Rename)
	if n.Strip != nil {
		out.Strip = n.Strip
	}
	out.Prefix = cmp.Or(n.Prefix, pkg.Prefix)
	out.Unexported = cmp.Or(n.Unexported, pkg.Unexported)
	out.Enums = cmp.Or(n.Enums, pkg.Enums, enumsTyped)
	out.Depends = cmp.Or(n.Depends, pkg.Depends)
	return out
}

// isSet reports whether an optional switch is on.
func isSet(b *bool) bool { return b != nil && *b }

// validate returns the key and the text of the first error; "" if there is none.
func (n *Naming) validate() (key, msg string) {
	for _, c := range sortedKeys(n.Rename) {
		name := n.Rename[c]
		if !token.IsIdentifier(name) || name == "_" {
			return "rename." + c, fmt.Sprintf("rename: %q: %q is not a Go identifier", c, name)
		}
	}
	for _, s := range n.Strip {
		if s == "" {
			return "strip", "strip: empty prefix"
		}
	}
	if n.Prefix != "" && !token.IsIdentifier(n.Prefix) {
		return "prefix", fmt.Sprintf("prefix: %q is not a Go identifier", n.Prefix)
	}
	switch n.Enums {
	case "", enumsTyped, enumsUntyped, enumsNone:
		return "", ""
	}
	return "enums", fmt.Sprintf("enums: %q: want typed, untyped or none", n.Enums)
}

// stripped returns a name of C without the longest prefix that Strip lists.
func (n *Naming) stripped(c string) string {
	best := c
	for _, s := range n.Strip {
		if rest, ok := strings.CutPrefix(c, s); ok && rest != "" && len(rest) < len(best) && identLen(rest) == len(rest) {
			best = rest
		}
	}
	return best
}

// constant returns the Go name of a constant, or a reason why there is none.
func (n *Naming) constant(c string) (name, reason string) {
	if name, ok := n.Rename[c]; ok {
		return name, ""
	}
	name = n.Prefix + n.stripped(c)
	switch {
	case isSet(n.Unexported):
		name = nonKeyword(strings.ToLower(name))
		if !token.IsIdentifier(name) {
			return "", "not a Go identifier (rename gives it one)"
		}
	case !token.IsIdentifier(name):
		return "", "not a Go identifier (rename gives it one)"
	case !token.IsExported(name):
		return "", "Go exports no name in lower case (rename or unexported gives it one)"
	}
	return name, ""
}

// typeName returns the Go name of a tag or typedef.
func (n *Naming) typeName(c string) string {
	if name, ok := n.Rename[c]; ok {
		return name
	}
	name := n.Prefix + exported(n.stripped(c))
	if isSet(n.Unexported) {
		return hidden(name)
	}
	return name
}
