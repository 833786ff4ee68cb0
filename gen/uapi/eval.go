// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

const (
	// unitFile is the name that errors in the generated unit carry.
	unitFile = "xpsgen-unit"
	// maxRounds bounds how often names that do not compile are taken out.
	// The second round normally succeeds; one more is needed for each error
	// that another error hides.
	maxRounds = 20
)

// question is a name whose value the compiler is asked for.
type question struct {
	name   string
	str    bool   // ask for a string
	float  bool   // ask for a floating-point number
	wasStr bool   // what str was before the compiler objected
	reason string // why it has no value
	// dropped is set when the compiler refused it, so that it is no longer
	// in the unit.
	dropped bool
	value   Value
}

// unit is one generated translation unit: headers, questions about their
// macros, and debug information about their types.
type unit struct {
	members   []*analysis
	roots     *roots
	object    string
	questions []*question // of all members
	owner     []*analysis // by question
}

func newUnit(members []*analysis, object string) *unit {
	u := &unit{members: members, roots: members[0].roots, object: object}
	for _, a := range members {
		for _, q := range a.questions {
			u.questions = append(u.questions, q)
			u.owner = append(u.owner, a)
		}
	}
	return u
}

// name is the name of the unit in errors.
func (u *unit) name() string { return u.members[0].in.Path }

// source returns the text of the unit. Each question has its own line number, so that an
// error shows which one it is about.
//
// The assertion rejects values that the cast would change silently: floating point (one
// half is not zero), pointers (no division), and integers of 128 bits.
func (u *unit) source() string {
	var b strings.Builder
	for _, a := range u.members {
		b.WriteString(a.in.include())
		b.WriteString("#pragma pack()\n") // some headers do not restore it
	}
	// The same for all members of a batch.
	for _, h := range u.members[0].borrowed {
		b.WriteString(includeLine(h))
	}
	b.WriteString("struct xpsgen_value { unsigned long long bits; unsigned int size, sgn; };\n")
	for i, q := range u.questions {
		if q.dropped {
			continue
		}
		fmt.Fprintf(&b, "#line %d %q\n", i+1, unitFile)
		if q.str {
			// sizeof accepts no list in braces; clang would truncate it.
			fmt.Fprintf(&b, "_Static_assert(sizeof(%[2]s) > 0, \"\"); "+
				"const char xpsgen_%[1]d[] __attribute__((section(\"xpsgen_str\"), used)) = %[2]s;\n", i, q.name)
			continue
		}
		if q.float {
			fmt.Fprintf(&b, "_Static_assert(__builtin_types_compatible_p(__typeof__((%[2]s)), double) || __builtin_types_compatible_p(__typeof__((%[2]s)), float)"+
				" || __builtin_types_compatible_p(__typeof__((%[2]s)), long double), \"no number\"); "+
				"const double xpsgen_%[1]d __attribute__((section(\"xpsgen\"), used)) = (%[2]s);\n", i, q.name)
			continue
		}
		fmt.Fprintf(&b, "_Static_assert(sizeof(%[2]s) <= 8 && ((__typeof__(%[2]s))1) / 2 == 0, \"no integer\"); "+
			"const struct xpsgen_value xpsgen_%[1]d __attribute__((section(\"xpsgen\"), used)) = "+
			"{ (unsigned long long)(%[2]s), sizeof(%[2]s), (__typeof__(%[2]s))-1 < (__typeof__(%[2]s))1 };\n", i, q.name)
	}
	// The answers are complete only if the object has this symbol.
	fmt.Fprintf(&b, "#line %d %q\nconst char xpsgen_end __attribute__((used)) = 1;\n", len(u.questions)+1, unitFile)
	return b.String()
}

// flags are the flags of the compiler, without the include paths.
func (u *unit) flags() []string {
	return append(debugFlags(u.members[0].clang), messageFlags(u.members[0].clang)...)
}

// debugFlags ask for debug information about all types. In DWARF 5, clang keeps strings in
// a table that debug/elf does not relocate for s390x.
func debugFlags(clang bool) []string {
	if clang {
		return []string{"-O0", "-gdwarf-4", "-fno-eliminate-unused-debug-types"}
	}
	// Strings in place need no relocations, and a pipe to the assembler needs no file. Both
	// save time.
	return []string{"-O0", "-g", "-fno-eliminate-unused-debug-types", "-fno-merge-debug-strings", "-pipe"}
}

// messageFlags make the compiler print all messages in a form that can be
// parsed.
func messageFlags(clang bool) []string {
	var flags []string
	if clang {
		return append(flags, "-ferror-limit=0", "-fno-caret-diagnostics")
	}
	// Without this flag, gcc reports an error at the definition of the macro.
	return append(flags, "-fmax-errors=0", "-ftrack-macro-expansion=0", "-fno-diagnostics-show-caret")
}

// unitError matches an error on a line of a question.
var unitError = pattern(`(?m)^` + unitFile + `:(\d+):(?:\d+:)? (?:fatal )?error: (.*)$`)

// undeclaredName matches the error of gcc and clang about an unknown identifier.
var undeclaredName = pattern(`'(\w+)' undeclared|undeclared identifier '(\w+)'`)

// build compiles the unit. It removes the names that do not compile, until the rest does.
func (u *unit) build(ctx context.Context, cc *Compiler) error {
	for range maxRounds {
		messages, err := cc.compile(ctx, u.roots, u.source(), u.object, u.flags()...)
		if err == nil {
			return nil
		}
		if !u.drop(messages) {
			return compileError(u.name(), u.roots, messages, err)
		}
	}
	return fmt.Errorf("%s: names still fail to compile after %d rounds", u.name(), maxRounds)
}

// drop removes the names that the messages are about. It first asks for a string again as
// an integer, and for a number that is not an integer as floating point. It reports whether
// anything changed.
func (u *unit) drop(messages string) bool {
	for _, m := range undeclaredName().FindAllStringSubmatch(messages, -1) {
		for _, a := range u.members {
			if a.undeclared == nil {
				a.undeclared = make(map[string]bool)
			}
			a.undeclared[m[1]+m[2]] = true
		}
	}
	seen := make(map[int]bool)
	for _, m := range unitError().FindAllStringSubmatch(messages, -1) {
		line, err := strconv.Atoi(m[1])
		if err != nil || line < 1 || line > len(u.questions) || seen[line] {
			continue
		}
		q := u.questions[line-1]
		if q.dropped {
			continue
		}
		seen[line] = true
		if q.str {
			q.str = false
			continue
		}
		if reason := reasonOf(m[2]); reason == notExpressible && !q.float {
			q.float = true
			continue
		}
		if q.float {
			m[2] = "no integer"
		}
		q.reason, q.dropped = reasonOf(m[2]), true
	}
	return len(seen) > 0
}

// notFinite is why a floating-point number has no form in Go.
const notFinite = "a number that no Go constant can have: infinite, too large for float64, NaN, or -0.0"

// notExpressible is why a name has no form in Go although C has one.
const notExpressible = "neither a number nor a string"

// reasonOf turns the compiler's message into a reason of a report.
func reasonOf(message string) string {
	if strings.Contains(message, "no integer") || strings.Contains(message, "is not an integral constant expression") || strings.Contains(message, "invalid operands to binary /") {
		return notExpressible
	}
	// gcc and clang quote differently.
	message = strings.NewReplacer("\u2018", "'", "\u2019", "'").Replace(message)
	return reasonNoValue + strings.TrimSuffix(message, ";")
}

// answer reads the object file and fills the headers of all members.
func (u *unit) answer(ctx context.Context, cc *Compiler) error {
	f, err := u.read()
	if err != nil {
		return err
	}
	d, err := f.DWARF()
	if err != nil {
		return fmt.Errorf("%s: read debug information: %w", u.name(), err)
	}
	values, err := enumValues(d)
	if err != nil {
		return fmt.Errorf("%s: %w", u.name(), err)
	}
	for _, a := range u.members {
		a.h.BigEndian = f.ByteOrder == binary.BigEndian
		flags, err := a.signBits(ctx, cc, u.roots, values)
		if err != nil {
			return err
		}
		a.answer(values, flags)
	}
	if err := readTypes(d, u.members, u.roots); err != nil {
		return fmt.Errorf("%s: read debug information: %w", u.name(), err)
	}
	return nil
}

// read takes the values out of the object file.
func (u *unit) read() (*elf.File, error) {
	data, err := os.ReadFile(u.object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.name(), err)
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: object file: %w", u.name(), err)
	}
	if err := u.values(f); err != nil {
		return nil, fmt.Errorf("%s: object file: %w", u.name(), err)
	}
	return f, nil
}

func (u *unit) values(f *elf.File) error {
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	content := make(map[elf.SectionIndex][]byte)
	relocated, err := relocatedAt(f)
	if err != nil {
		return err
	}
	answered, complete := 0, false
	for _, s := range symbols {
		num, ok := strings.CutPrefix(s.Name, "xpsgen_")
		if !ok || s.Section == elf.SHN_UNDEF || int(s.Section) >= len(f.Sections) {
			continue
		}
		if num == "end" {
			complete = true
			continue
		}
		i, err := strconv.Atoi(num)
		if err != nil || i < 0 || i >= len(u.questions) {
			continue
		}
		if _, ok := content[s.Section]; !ok {
			if content[s.Section], err = f.Sections[s.Section].Data(); err != nil {
				return err
			}
		}
		data := content[s.Section]
		if s.Value+s.Size > uint64(len(data)) {
			return fmt.Errorf("value of %s lies outside its section", u.questions[i].name)
		}
		answered++
		q := u.questions[i]
		if relocated[relocKey{s.Section, s.Value}] {
			q.reason = "an address, known only to the linker"
			continue
		}
		if err := q.decode(data[s.Value:s.Value+s.Size], f); err != nil {
			return err
		}
	}
	asked := 0
	for _, q := range u.questions {
		if !q.dropped {
			asked++
		}
	}
	if !complete || answered != asked {
		return fmt.Errorf("%d values for %d names", answered, asked)
	}
	return nil
}

func (q *question) decode(b []byte, f *elf.File) error {
	if q.str {
		s, ok := strings.CutSuffix(string(b), "\x00")
		if !ok {
			// An array in braces, not a string.
			q.reason = notExpressible
			return nil
		}
		q.value = Value{IsString: true, Str: s, Size: len(b)}
		return nil
	}
	if q.float {
		if len(b) != 8 {
			return fmt.Errorf("value of %s has %d bytes", q.name, len(b))
		}
		v := math.Float64frombits(f.ByteOrder.Uint64(b))
		if math.IsNaN(v) || math.IsInf(v, 0) || v == 0 && math.Signbit(v) {
			q.reason = notFinite
			return nil
		}
		q.value = Value{IsFloat: true, Float: v, Size: 8, Signed: true}
		return nil
	}
	if len(b) < 16 {
		return fmt.Errorf("value of %s has %d bytes", q.name, len(b))
	}
	q.value = Value{
		Bits:   f.ByteOrder.Uint64(b),
		Size:   int(f.ByteOrder.Uint32(b[8:])),
		Signed: f.ByteOrder.Uint32(b[12:]) != 0,
	}
	return nil
}

type relocKey struct {
	section elf.SectionIndex
	offset  uint64
}

// relocatedAt returns the places in the value sections that a linker would
// fill in. Only what 64-bit and 32-bit records have in common is read: the
// offset, their first word.
func relocatedAt(f *elf.File) (map[relocKey]bool, error) {
	at := make(map[relocKey]bool)
	for _, s := range f.Sections {
		if s.Type != elf.SHT_RELA && s.Type != elf.SHT_REL || int(s.Info) >= len(f.Sections) ||
			!strings.HasPrefix(f.Sections[s.Info].Name, "xpsgen") || s.Entsize == 0 {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, err
		}
		for ; uint64(len(data)) >= s.Entsize; data = data[s.Entsize:] {
			off := uint64(f.ByteOrder.Uint32(data))
			if f.Class == elf.ELFCLASS64 {
				off = f.ByteOrder.Uint64(data)
			}
			at[relocKey{elf.SectionIndex(s.Info), off}] = true
		}
	}
	return at, nil
}
