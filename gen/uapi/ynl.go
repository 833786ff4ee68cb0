// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Spec is the used part of a netlink specification of the kernel
// (Documentation/netlink/specs): names, numbers, types and nesting of attributes.
// Documentation/userspace-api/netlink/specs.rst describes the format.
type Spec struct {
	// Family is the spec's name: "rt-link".
	Family string
	// Sets in the order of the file.
	Sets []*AttrSet
	// Enums in the order of the file.
	Enums []*SpecEnum
}

// A SpecEnum is a list of named values: the values of an attribute, or its flags.
type SpecEnum struct {
	// Name as in the spec: "xdp-flags".
	Name string
	// Flags is set if each entry is a bit.
	Flags bool
	// Consts are the names of the entries in C, in the order of the file.
	Consts []string
}

// An AttrSet is the content of a message or of a nest.
type AttrSet struct {
	// Name as in the spec: "xdp-attrs".
	Name string
	// Attrs in the order of the file.
	Attrs []Attr
}

// An Attr is one attribute of a set.
type Attr struct {
	// Name is the name in the spec: "prog-id". Const is the constant's name in C, with
	// the spec's prefix: "IFLA_XDP_PROG_ID".
	Name, Const string
	// Value is the number that the spec gives it.
	Value int64
	// Kind is the spec's type: "u32", "nest", "string".
	Kind string
	// BigEndian is set for numbers in network byte order.
	BigEndian bool
	// Multi attributes may occur more than once.
	Multi bool
	// Nest names the set inside; empty if there is none, or if it depends
	// on another attribute.
	Nest string
	// Enum names the list of its values; empty if the spec has none.
	Enum string
}

// specAttr is an attribute as YAML has it.
type specAttr struct {
	Name   string `yaml:"name"`
	Type   string `yaml:"type"`
	Value  *int64 `yaml:"value"`
	Order  string `yaml:"byte-order"`
	Multi  bool   `yaml:"multi-attr"`
	Nested string `yaml:"nested-attributes"`
	Enum   string `yaml:"enum"`
}

// specEntry is an entry of an enum: a name, or a mapping with one.
type specEntry struct{ name string }

func (e *specEntry) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&e.name)
	}
	var m struct {
		Name string `yaml:"name"`
	}
	err := n.Decode(&m)
	e.name = m.Name
	return err
}

// specFile is a specification in YAML. It ignores other keys, since the kernel
// checks specifications against a schema.
type specFile struct {
	Name  string `yaml:"name"`
	Enums []struct {
		Name    string      `yaml:"name"`
		Type    string      `yaml:"type"`
		Prefix  *string     `yaml:"name-prefix"`
		Entries []specEntry `yaml:"entries"`
	} `yaml:"definitions"`
	Sets []struct {
		Name       string     `yaml:"name"`
		Prefix     *string    `yaml:"name-prefix"`
		SubsetOf   string     `yaml:"subset-of"`
		Attributes []specAttr `yaml:"attributes"`
	} `yaml:"attribute-sets"`
}

// ParseSpec reads a specification; name is its name in errors.
func ParseSpec(name string, text []byte) (*Spec, error) {
	var f specFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if f.Name == "" {
		return nil, fmt.Errorf("%s: not a netlink specification: it has no name", name)
	}
	spec := &Spec{Family: f.Name}
	for _, e := range f.Enums {
		if e.Type != "enum" && e.Type != "flags" {
			continue // a constant or a struct
		}
		enum := &SpecEnum{Name: e.Name, Flags: e.Type == "flags"}
		prefix := f.Name + "-" + e.Name + "-"
		if e.Prefix != nil {
			prefix = *e.Prefix
		}
		for _, entry := range e.Entries {
			enum.Consts = append(enum.Consts, constName(prefix+entry.name))
		}
		spec.Enums = append(spec.Enums, enum)
	}
	for _, s := range f.Sets {
		if s.Name == "" {
			return nil, fmt.Errorf("%s: attribute set without a name", name)
		}
		if spec.Set(s.Name) != nil {
			return nil, fmt.Errorf("%s: attribute set %q defined twice", name, s.Name)
		}
		set := &AttrSet{Name: s.Name}
		parent := spec.Set(s.SubsetOf)
		if s.SubsetOf != "" && parent == nil {
			return nil, fmt.Errorf("%s: attribute set %s: subset of %s, which is not defined before it", name, s.Name, s.SubsetOf)
		}
		prefix := f.Name + "-a-"
		if s.Name != f.Name {
			prefix += s.Name + "-"
		}
		if s.Prefix != nil {
			prefix = *s.Prefix
		}
		next := int64(1)
		for _, a := range s.Attributes {
			attr := Attr{
				Name: a.Name, Const: constName(prefix + a.Name), Kind: a.Type,
				BigEndian: a.Order == "big-endian", Multi: a.Multi, Nest: a.Nested, Enum: a.Enum,
			}
			switch {
			case a.Name == "":
				return nil, fmt.Errorf("%s: attribute set %s: attribute without a name", name, s.Name)
			case parent != nil:
				i := slices.IndexFunc(parent.Attrs, func(p Attr) bool { return p.Name == a.Name })
				if i < 0 {
					return nil, fmt.Errorf("%s: attribute set %s: %s is not in %s", name, s.Name, a.Name, s.SubsetOf)
				}
				attr = parent.Attrs[i]
			case a.Type == "":
				return nil, fmt.Errorf("%s: attribute set %s: %s has no type", name, s.Name, a.Name)
			}
			if parent == nil {
				if a.Value != nil {
					next = *a.Value
				}
				attr.Value = next
				next++
			}
			set.Attrs = append(set.Attrs, attr)
		}
		spec.Sets = append(spec.Sets, set)
	}
	return spec, nil
}

// Set returns the set of a name, or nil.
func (s *Spec) Set(name string) *AttrSet {
	for _, set := range s.Sets {
		if set.Name == name {
			return set
		}
	}
	return nil
}

// Enum returns the enum of a name, or nil.
func (s *Spec) Enum(name string) *SpecEnum {
	for _, e := range s.Enums {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// constName turns a name of a spec into that of a constant.
func constName(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(name))
}
