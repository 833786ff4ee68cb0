// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"
)

// An AttrTable is an attribute set with the constants of a package.
type AttrTable struct {
	// Func is the name of the Go function that returns the table.
	Func string
	// Spec is the spec's path below Documentation/netlink/specs, without
	// the suffix.
	Spec string
	// Set has only the attributes whose constants are in the package.
	Set *AttrSet
}

// A SpecError says that a netlink specification and the headers give an attribute different
// numbers.
type SpecError struct {
	// Spec and Set say where the attribute is.
	Spec, Set string
	// Attr is the attribute in the spec. Value is the value in the header.
	Attr  Attr
	Value Value
}

// Error names the spec, the attribute and both numbers.
func (e *SpecError) Error() string {
	return fmt.Sprintf("spec %s: attribute %s of %s is %d, but %s is %s in the headers",
		e.Spec, e.Attr.Name, e.Set, e.Attr.Value, e.Attr.Const, e.Value)
}

// attrKinds maps the types of specifications to the constants of the generated
// package.
var attrKinds = map[string]string{
	"unused": "AttrUnused", "pad": "AttrPad", "flag": "AttrFlag", "binary": "AttrBinary", "string": "AttrString",
	"u8": "AttrU8", "u16": "AttrU16", "u32": "AttrU32", "u64": "AttrU64", "uint": "AttrUint",
	"s8": "AttrS8", "s16": "AttrS16", "s32": "AttrS32", "s64": "AttrS64", "sint": "AttrSint",
	"bitfield32": "AttrBitfield32", "nest": "AttrNest", "indexed-array": "AttrIndexedArray",
	"nest-type-value": "AttrNestTypeValue", "sub-message": "AttrSubMessage",
}

// isAttrKind reports whether a constant of a generated package is an AttrKind.
func isAttrKind(name string) bool {
	for _, n := range attrKinds {
		if n == name {
			return true
		}
	}
	return name == "AttrUnknown"
}

// attrSupport are the types of the tables.
const attrSupport = `
// AttrKind is the type of a netlink attribute in the kernel's netlink specifications.
type AttrKind uint8

// Kinds of attributes. Numbers are in host byte order, unless the attribute is BigEndian.
// AttrUint and AttrSint have 32 or 64 bits, as the value needs.
const (
	AttrUnknown AttrKind = iota
	AttrUnused
	AttrPad
	AttrFlag
	AttrU8
	AttrU16
	AttrU32
	AttrU64
	AttrUint
	AttrS8
	AttrS16
	AttrS32
	AttrS64
	AttrSint
	AttrBitfield32
	AttrString
	AttrBinary
	AttrNest
	AttrIndexedArray
	AttrNestTypeValue
	AttrSubMessage
)

// Size returns the length of the payload in bytes: 0 for a flag, -1 if the kind has no
// fixed length.
func (k AttrKind) Size() int {
	switch k {
	case AttrFlag:
		return 0
	case AttrU8, AttrS8:
		return 1
	case AttrU16, AttrS16:
		return 2
	case AttrU32, AttrS32:
		return 4
	case AttrU64, AttrS64, AttrBitfield32:
		return 8
	}
	return -1
}

// Attr describes a netlink attribute.
type Attr struct {
	// Type is the number in the attribute's header, without flags.
	Type uint16
	// Name is the name of the constant in C.
	Name string
	// Kind is the type of the payload.
	Kind AttrKind
	// BigEndian is set for numbers in network byte order.
	BigEndian bool
	// Multi attributes may occur more than once in a message.
	Multi bool
	// Nest returns the attributes inside; nil if there are none, or if there is no table of
	// them.
	Nest func() []Attr
}
`

// specFiles returns the names that a spec may have in different kernels: the
// separators of words changed.
func specFiles(spec string) []string {
	out := []string{spec}
	for _, other := range []string{strings.ReplaceAll(spec, "-", "_"), strings.ReplaceAll(spec, "_", "-")} {
		if !slices.Contains(out, other) {
			out = append(out, other)
		}
	}
	return out
}

// joinSpecs adds to p the tables that the configuration asks for. specs are by
// the index of cfg.Attributes. A set that is not in its spec is a
// [*ConfigError], a number that differs a [*SpecError].
func (p *Package) joinSpecs(cfg *Config, specs []*Spec) error {
	if len(cfg.Attributes) == 0 {
		return nil
	}
	taken := p.names()
	for _, name := range p.goNames {
		taken[name] = true
	}
	values := make(map[string]Value)
	p.attrConst = make(map[string]string)
	for _, h := range p.Headers {
		for _, g := range h.Groups {
			for _, c := range g.Consts {
				values[c.Name] = c.Value
				p.attrConst[c.Name] = c.goName()
				if g.typeOf(&c) != "" {
					p.attrConst[c.Name] = "uint16(" + c.goName() + ")"
				}
			}
		}
	}
	for i, ac := range cfg.Attributes {
		for _, name := range ac.Sets {
			set := specs[i].Set(name)
			if set == nil {
				return cfg.tableError("attributes", i, "sets", fmt.Sprintf("sets: %s has no attribute set %q", ac.Spec, name))
			}
			t := &AttrTable{Func: exported(strings.ReplaceAll(name, "-", "_")), Spec: ac.Spec, Set: &AttrSet{Name: name}}
			if taken[t.Func] {
				return cfg.tableError("attributes", i, "sets", fmt.Sprintf("sets: the name %s, for %q, is taken", t.Func, name))
			}
			taken[t.Func] = true
			prefix, renamed := ac.Prefix[name]
			for _, a := range set.Attrs {
				if renamed {
					a.Const = constName(prefix + a.Name)
				}
				v, ok := values[a.Const]
				switch {
				case !ok:
					p.Skipped = append(p.Skipped, Skip{a.Const, Pos{File: "specs/" + ac.Spec}, "attribute " + a.Name + " of " + name + ": no such constant in the package"})
				case !v.integer() || v.below() || v.Bits != uint64(a.Value):
					return &SpecError{ac.Spec, name, a, v}
				default:
					t.Set.Attrs = append(t.Set.Attrs, a)
				}
			}
			if len(t.Set.Attrs) == 0 {
				return cfg.tableError("attributes", i, "sets", fmt.Sprintf("sets: no attribute of %q has a constant in the package, such as %s; prefix may say what they begin with", name, set.example(prefix)))
			}
			p.Attributes = append(p.Attributes, t)
		}
	}
	return nil
}

// example returns the name of a constant of the set, for messages.
func (s *AttrSet) example(prefix string) string {
	switch {
	case len(s.Attrs) == 0:
		return "any"
	case prefix != "":
		return constName(prefix + s.Attrs[0].Name)
	}
	return s.Attrs[0].Const
}

// attrFile is the name of the generated file with the tables.
const attrFile = "attributes" + fileSuffix

// renderAttributes returns the file with all tables, or nothing if there are
// none.
func renderAttributes(p *Package, stamp Stamp) ([]File, error) {
	if len(p.Attributes) == 0 {
		return nil, nil
	}
	funcs := make(map[string]string)
	for _, t := range p.Attributes {
		funcs[t.Spec+" "+t.Set.Name] = t.Func
	}
	f := jen.NewFile(p.Name)
	f.NoFormat = true
	f.HeaderComment(generatedLine)
	f.HeaderComment("SPDX-License-Identifier: GPL-2.0-only OR MIT")
	f.HeaderComment("")
	for _, l := range stamp.lines() {
		f.HeaderComment(l)
	}
	for _, t := range p.Attributes {
		f.Comment("// " + t.Func + " returns the attributes of " + t.Set.Name + ", a set of the netlink")
		f.Comment("// specification " + t.Spec + ".")
		f.Func().Id(t.Func).Params().Index().Id("Attr").Block(
			jen.Return(jen.Index().Id("Attr").CustomFunc(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, func(g *jen.Group) {
				for _, a := range t.Set.Attrs {
					g.Add(attrLiteral(a, p.attrConst[a.Const], funcs[t.Spec+" "+a.Nest]))
				}
			})))
		f.Line()
	}
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		return nil, fmt.Errorf("%s: render: %w", attrFile, err)
	}
	return []File{{attrFile, b.Bytes()}}, nil
}

func attrLiteral(a Attr, name, nest string) jen.Code {
	kind := attrKinds[a.Kind]
	if kind == "" {
		kind = "AttrUnknown"
	}
	fields := []jen.Code{
		jen.Id("Type").Op(":").Op(name),
		jen.Id("Name").Op(":").Lit(a.Const),
		jen.Id("Kind").Op(":").Id(kind),
	}
	if a.BigEndian {
		fields = append(fields, jen.Id("BigEndian").Op(":").True())
	}
	if a.Multi {
		fields = append(fields, jen.Id("Multi").Op(":").True())
	}
	if nest != "" {
		fields = append(fields, jen.Id("Nest").Op(":").Id(nest))
	}
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ", "}, fields...)
}
