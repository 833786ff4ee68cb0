// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A DisagreementError is a name that two headers define differently.
type DisagreementError struct {
	First, Second Constant
}

// Error names both places and values.
func (e *DisagreementError) Error() string {
	return fmt.Sprintf("%s: %s is %s, but %s at %s", e.Second.Pos, e.Second.Name, e.Second.Value, e.First.Value, e.First.Pos)
}

// A ClashError lists names of C that would have the same name in Go.
type ClashError struct {
	Clashes []Clash
}

// A Clash is a name that cannot be in a package because another definition has its Go name.
type Clash struct {
	// C is the name as C writes it. Pos is its place.
	C   string
	Pos Pos
	// Go is the name in Go. Taken is the other definition with that name.
	Go, Taken string
}

// String returns one line for a report, with the remedy.
func (c Clash) String() string {
	return fmt.Sprintf("%s: %s: the Go name %s is taken by %s (rename = { %q = \"...\" })", c.Pos, c.C, c.Go, c.Taken, renameKey(c.C))
}

// renameKey returns how the configuration calls a name.
func renameKey(c string) string {
	_, tag, ok := strings.Cut(c, " ")
	if !ok {
		return c
	}
	return tag
}

// Error lists all of them, one per line.
func (e *ClashError) Error() string {
	var lines []string
	for _, c := range e.Clashes {
		lines = append(lines, c.String())
	}
	return strings.Join(lines, "\n")
}

// A LostError lists names that the configuration spells out and that have no
// form in Go.
type LostError struct {
	Lost []Skip
}

// Error lists all of them with the reasons, one per line.
func (e *LostError) Error() string {
	var lines []string
	for _, s := range e.Lost {
		lines = append(lines, s.String()+remedy(s))
	}
	return strings.Join(lines, "\n")
}

// remedy names the configuration that brings back a lost name.
func remedy(s Skip) string {
	if m := undeclaredName().FindStringSubmatch(s.Reason); m != nil {
		return fmt.Sprintf(" (include the header that declares %s first: with = [\"...\"])", m[1]+m[2])
	}
	if m := incompleteType().FindStringSubmatch(s.Reason); m != nil {
		return fmt.Sprintf(" (include the header that defines %s first: with = [\"...\"])", m[1])
	}
	return ""
}

// A Package is the content of one Go package: the selection of a [Config].
type Package struct {
	Name    string
	Headers []*Header
	// BigEndian is the byte and bit order of the target.
	BigEndian bool
	// Attributes are the tables of netlink attributes.
	Attributes []*AttrTable
	// Skipped are attributes that the configuration selects and that are not
	// in the package.
	Skipped []Skip
	// Arch is the target, as in GOARCH; empty means any.
	Arch string

	types   map[string]string // of the configuration
	goNames map[string]string // of types, by their names in C: "struct foo"
	members map[string]string // renames of members: "tag.member"
	alias   *goPackage
	// attrConst are the constants as tables of attributes write them.
	attrConst map[string]string
}

// An EnumType is a Go type whose String method returns the names of constants.
type EnumType struct {
	// Name of the type in Go.
	Name string
	// Patterns are the patterns of the configuration.
	Patterns []string
	// Consts in the order of the header. Of two with the same value the
	// first gives the name.
	Consts []Constant

	declared bool // the type is an enum and is generated
	types    map[string]string
}

// Select applies the configuration to analysed headers, which are in the order
// of cfg.Headers. Names that are left out are added to the Skipped of their header. A
// pattern without a match is a [*ConfigError]; a name that the configuration
// spells out and that Go cannot express is a [*LostError]; names that clash are a
// [*ClashError]; two headers with different values for a name are a
// [*DisagreementError].
func Select(cfg *Config, headers []*Header) (*Package, error) {
	ps, err := (&selection{cfg: cfg}).all([]string{""}, [][]*Header{headers})
	if err != nil {
		return nil, err
	}
	return ps[0], nil
}

// all is [Select] for several targets. It is enough if a pattern matches on one
// of them.
func (s *selection) all(archs []string, headers [][]*Header) ([]*Package, error) {
	s.choosers, s.types = make(map[int]*chooser), make(map[string]bool)
	var ps []*Package
	for k, arch := range archs {
		if len(headers[k]) != len(s.cfg.Headers) {
			return nil, fmt.Errorf("%d headers for %d in the configuration", len(headers[k]), len(s.cfg.Headers))
		}
		p := &Package{
			Name: s.cfg.Package, Arch: arch, types: s.cfg.Types, goNames: make(map[string]string), members: make(map[string]string),
		}
		s.seen = make(map[string]Constant)
		for i, h := range headers[k] {
			p.Headers = append(p.Headers, s.choose(i, h))
			p.BigEndian = p.BigEndian || h.BigEndian
			for c, name := range s.naming(i).Rename {
				if strings.Contains(c, ".") {
					p.members[c] = name
				}
			}
		}
		s.depend(p)
		if err := s.checkTypes(p); err != nil {
			return nil, err
		}
		s.nameTypes(p)
		ps = append(ps, p)
	}
	if err := s.failure(); err != nil {
		return nil, err
	}
	return ps, s.unused()
}

// failure returns the errors of all targets.
func (s *selection) failure() error {
	errs := s.disagree
	if len(s.clashes) > 0 {
		errs = append(errs, &ClashError{s.clashes})
	}
	if lost := s.lost(); len(lost) > 0 {
		errs = append(errs, &LostError{lost})
	}
	return joinErrors(errs)
}

// naming returns the naming of the i-th header.
func (s *selection) naming(i int) Naming { return s.cfg.Headers[i].Naming.over(s.cfg.Naming) }

// supportNames are the names that generated support code may take.
func supportNames() names {
	taken := make(names)
	for _, t := range []string{"Be16", "Be32", "Be64", "Le16", "Le32", "Le64"} {
		taken[t], taken["To"+t] = true, true
	}
	for _, n := range []string{"Attr", "AttrKind", "AttrUnknown", cPointer, "PointTo"} {
		taken[n] = true
	}
	for _, k := range attrKinds {
		taken[k] = true
	}
	return taken
}

// names returns the Go names that constants and shared types take.
func (p *Package) names() names {
	taken := supportNames()
	for _, h := range p.Headers {
		for _, g := range h.Groups {
			for _, c := range g.Consts {
				taken[c.goName()] = true
			}
		}
	}
	return taken
}

// equal reports whether two constants have the same value, without their types.
func (v Value) equal(w Value) bool {
	return v.IsString == w.IsString && v.Str == w.Str && v.IsFloat == w.IsFloat && v.Float == w.Float && v.Bits == w.Bits && v.Negative() == w.Negative()
}

// matcher remembers which of its patterns matched.
type matcher struct {
	patterns []string
	used     []bool
	lost     map[string]Skip // names spelled out that have no form in Go
	got      map[string]bool // names spelled out that have one
}

func newMatcher(patterns []string) *matcher {
	return &matcher{patterns, make([]bool, len(patterns)), make(map[string]Skip), make(map[string]bool)}
}

// spells reports whether a pattern is the name itself.
func (m *matcher) spells(name string) bool { return slices.Contains(m.patterns, name) }

// lose notes a name that has no form in Go, and get a name that has one.
func (m *matcher) lose(s Skip) {
	if _, ok := m.lost[s.Name]; !ok && m.spells(s.Name) {
		m.lost[s.Name] = s
	}
}

func (m *matcher) get(name string) {
	if m.spells(name) {
		m.got[name] = true
	}
}

// match reports whether any pattern matches, marking all that do. Patterns were
// checked when the configuration was read.
func (m *matcher) match(name string) bool {
	found := false
	for i, p := range m.patterns {
		if ok, err := path.Match(p, name); err == nil && ok {
			m.used[i], found = true, true
		}
	}
	return found
}

// unused returns the first pattern that never matched, or "".
func (m *matcher) unused() string {
	for i, p := range m.patterns {
		if !m.used[i] {
			return p
		}
	}
	return ""
}

// keep returns the members of list that pass, in a new slice.
func keep[T any](list []T, pass func(T) bool) []T {
	var out []T
	for _, v := range list {
		if pass(v) {
			out = append(out, v)
		}
	}
	return out
}
