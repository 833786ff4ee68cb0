// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A Snapshot has the definitions of a set of headers, to compare with another.
type Snapshot struct {
	// Name is its name in messages.
	Name string
	// Symbols by name. Records have "struct " or "union " before theirs.
	Symbols map[string]Symbol
	// Types reports whether Symbols has types, too.
	Types bool
}

// A Symbol is a constant or a type in a form that is easy to print.
type Symbol struct {
	Name string `json:"name"`
	// Kind is "macro", "enumerator", "struct", "union" or "typedef", or
	// "constant" where the headers are not known.
	Kind string `json:"kind"`
	// Value is that of a constant in Go, or the size of a type in bytes.
	Value string `json:"value"`
	// File and Line are where it is defined.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Offsets are the offsets of the members of a record, in bits.
	Offsets map[string]int64 `json:"offsets,omitempty"`

	limit bool // tells how many there are
	mask  bool // has the bits of others
}

// place returns file:line, or "".
func (s Symbol) place() string {
	if s.File == "" {
		return ""
	}
	return s.File + ":" + strconv.Itoa(s.Line)
}

// Symbols returns the definitions of a header, in the order of its lines.
func (h *Header) Symbols() []Symbol {
	var out []Symbol
	for _, g := range h.Groups {
		for _, c := range g.Consts {
			out = append(out, Symbol{Name: c.Name, Kind: c.Kind.String(), Value: literal(c), File: c.Pos.File, Line: c.Pos.Line, limit: limitName().MatchString(c.Name) || limitName().MatchString(c.Expr), mask: strings.Contains(c.Expr, "|")})
		}
	}
	for _, a := range h.Aggregates {
		kind := "struct"
		if a.Union {
			kind = "union"
		}
		s := Symbol{Name: a.CName(), Kind: kind, Value: strconv.FormatInt(a.Size, 10), File: a.Pos.File, Line: a.Pos.Line, Offsets: make(map[string]int64)}
		a.offsets(s.Offsets, 0)
		out = append(out, s)
	}
	for _, t := range h.Typedefs {
		out = append(out, Symbol{Name: t.Name, Kind: "typedef", Value: strconv.FormatInt(t.Type.Size, 10), File: t.Pos.File, Line: t.Pos.Line})
	}
	slices.SortStableFunc(out, func(x, y Symbol) int { return cmp.Compare(x.Line, y.Line) })
	return out
}

// offsets adds the members of a and of anonymous records in it.
func (a *Aggregate) offsets(out map[string]int64, base int64) {
	for _, f := range a.Fields {
		at := base + 8*f.Offset
		if f.BitSize > 0 {
			at = base + f.BitOffset
		}
		switch {
		case f.Name != "":
			out[f.Name] = at
		case f.Type.Kind == Record:
			f.Type.Record.offsets(out, at)
		}
	}
}

// TakeSnapshot returns the definitions of headers. Where two differ about a name, the
// first counts.
func TakeSnapshot(name string, headers []*Header) *Snapshot {
	s := &Snapshot{Name: name, Symbols: make(map[string]Symbol), Types: true}
	for _, h := range headers {
		for _, sym := range h.Symbols() {
			if _, ok := s.Symbols[sym.Name]; !ok {
				s.Symbols[sym.Name] = sym
			}
		}
	}
	return s
}

// PackageSnapshot returns the constants of a generated package in dir, without
// regard to headers or compilers.
func PackageSnapshot(ctx context.Context, name, dir, arch string) (*Snapshot, error) {
	files, err := ReadPackage(dir)
	if err != nil {
		return nil, err
	}
	alias, err := aliasOf(ctx, files, dir, arch)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	code, err := check(files, cmp.Or(arch, HostArch()), alias)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	s := &Snapshot{Name: name, Symbols: make(map[string]Symbol)}
	for _, n := range code.scope.Names() {
		c, ok := code.scope.Lookup(n).(*types.Const)
		if !ok {
			continue
		}
		if isAttrKind(n) {
			continue // of the tables' own type
		}
		s.Symbols[n] = Symbol{Name: n, Kind: "constant", Value: constantText(c.Val()), limit: limitName().MatchString(n)}
	}
	return s, nil
}

// constantText returns a constant as a literal of Go.
func constantText(v constant.Value) string {
	if v.Kind() != constant.Float {
		return v.ExactString()
	}
	f, _ := constant.Float64Val(v)
	return floatText(f)
}

// A Change is a symbol that differs between two snapshots.
type Change struct {
	Old Symbol `json:"old"`
	New Symbol `json:"new"`
	// Moved are members of a record whose place changed, or that are gone.
	Moved []string `json:"moved,omitempty"`
}

// Difference is the result of [Diff]. All lists are in the order of names.
type Difference struct {
	Old string `json:"old"`
	New string `json:"new"`
	// Added and Removed are in one only.
	Added   []Symbol `json:"added"`
	Removed []Symbol `json:"removed"`
	// Changed are constants with another value, types that shrank, and records whose
	// members moved.
	Changed []Change `json:"changed"`
	// Limits are helpers such as IFLA_MAX and __IFLA_MAX, and masks of all
	// flags, whose value changes whenever something is added.
	Limits []Change `json:"limits"`
	// Grown are types that are larger, with all old members in the same place.
	Grown []Change `json:"grown"`
}

// limitName matches helpers that tell how many names there are.
var limitName = pattern(`_(?:MAX|CNT|COUNT|LAST|NUM|END)$|^__.*_(?:MAX|NUM|LAST|CNT)|^__(?:MAX|NUM|NR)_|^_*N(?:UM|R)_.*`)

// maskGrew reports whether one of two masks of all flags contains the bits of the other.
func maskGrew(old, now Symbol) bool {
	if !maskName().MatchString(old.Name) {
		return false
	}
	x, y := goValue(old.Value), goValue(now.Value)
	if x.Kind() != constant.Int || y.Kind() != constant.Int {
		return false
	}
	both := constant.BinaryOp(x, token.AND, y)
	return constant.Compare(both, token.EQL, x) || constant.Compare(both, token.EQL, y)
}

// maskName matches masks of all flags of a kind.
var maskName = pattern(`_(?:FLAGS|MASK|ALL|MASK_ALL|VALID)$`)

// Diff compares two snapshots. Types count only if both have them.
func Diff(a, b *Snapshot) *Difference {
	d := &Difference{Old: a.Name, New: b.Name}
	isType := func(s Symbol) bool { return s.Kind == "struct" || s.Kind == "union" || s.Kind == "typedef" }
	skip := func(s Symbol) bool { return isType(s) && !(a.Types && b.Types) }
	for _, name := range sortedKeys(a.Symbols) {
		old := a.Symbols[name]
		now, ok := b.Symbols[name]
		switch {
		case skip(old):
		case !ok:
			d.Removed = append(d.Removed, old)
		case isType(old) && isType(now):
			d.types(old, now)
		case !sameValue(old.Value, now.Value):
			c := Change{Old: old, New: now}
			if old.limit || now.limit || (old.mask || now.mask) && maskGrew(old, now) {
				d.Limits = append(d.Limits, c)
			} else {
				d.Changed = append(d.Changed, c)
			}
		}
	}
	for _, name := range sortedKeys(b.Symbols) {
		if _, ok := a.Symbols[name]; !ok && !skip(b.Symbols[name]) {
			d.Added = append(d.Added, b.Symbols[name])
		}
	}
	return d
}

// types compares two types of one name.
func (d *Difference) types(old, now Symbol) {
	c := Change{Old: old, New: now}
	for _, member := range sortedKeys(old.Offsets) {
		if at, ok := now.Offsets[member]; !ok || at != old.Offsets[member] {
			c.Moved = append(c.Moved, member)
		}
	}
	before, err1 := strconv.ParseInt(old.Value, 10, 64)
	after, err2 := strconv.ParseInt(now.Value, 10, 64)
	switch {
	case len(c.Moved) > 0 || err1 != nil || err2 != nil || after < before:
		d.Changed = append(d.Changed, c)
	case after > before:
		d.Grown = append(d.Grown, c)
	}
}

// sameValue compares values as Go writes them.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, y := goValue(a), goValue(b)
	return x.Kind() != constant.Unknown && x.Kind() == y.Kind() && constant.Compare(x, token.EQL, y)
}

// goValue reads a literal, which may have a sign.
func goValue(text string) constant.Value {
	if strings.HasPrefix(text, `"`) {
		return constant.MakeFromLiteral(text, token.STRING, 0)
	}
	digits, negative := strings.CutPrefix(text, "-")
	v := constant.MakeFromLiteral(digits, token.INT, 0)
	if v.Kind() == constant.Unknown {
		v = constant.MakeFromLiteral(digits, token.FLOAT, 0)
	}
	if negative && v.Kind() != constant.Unknown {
		v = constant.UnaryOp(token.SUB, v, 0)
	}
	return v
}

// WriteText prints the difference as text.
func (d *Difference) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, s := range d.Removed {
		fmt.Fprintf(&b, "- %s = %s\t%s\n", s.Name, s.Value, s.place())
	}
	for _, s := range d.Added {
		fmt.Fprintf(&b, "+ %s = %s\t%s\n", s.Name, s.Value, s.place())
	}
	for _, list := range []struct {
		mark    string
		changes []Change
	}{{"!", d.Changed}, {"~", d.Grown}, {"m", d.Limits}} {
		for _, c := range list.changes {
			fmt.Fprintf(&b, "%s %s = %s -> %s\t%s", list.mark, c.Old.Name, c.Old.Value, c.New.Value, c.New.place())
			if len(c.Moved) > 0 {
				fmt.Fprintf(&b, "\tmoved or gone: %s", strings.Join(c.Moved, " "))
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON prints the difference as JSON.
func (d *Difference) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// String returns the totals of the difference in one line.
func (d *Difference) String() string {
	return fmt.Sprintf("%s to %s: %d added, %d removed, %d changed, %d grown, %d limits",
		d.Old, d.New, len(d.Added), len(d.Removed), len(d.Changed), len(d.Grown), len(d.Limits))
}

// basePart matches the base in a stamp.
var basePart = pattern(`(?m)^// ` + kernelPrefix + `\S* \(base (\S+)\)$`)

// StampedBase returns the base that the package in dir was generated from, or "".
func StampedBase(dir string) string {
	files, err := ReadPackage(dir)
	if err != nil {
		return ""
	}
	for _, f := range files {
		stamp, _, _ := bytes.Cut(f.Content, []byte("\npackage "))
		if m := basePart().FindSubmatch(stamp); m != nil {
			return string(m[1])
		}
	}
	return ""
}
