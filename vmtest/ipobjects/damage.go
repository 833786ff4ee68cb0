// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// truncations is the number of truncated variants of an object.
const truncations = 20

// damaged returns objects that are changed after they are compiled.
func damaged() []source {
	var all []source
	for _, d := range []damage{
		{prefix: "elf-", maps: "maps", code: replace(elfArray, "%s", ""), builds: []string{Legacy}},
		{prefix: "btf-", maps: ".maps", code: replace(btfArray, "%s", ""), builds: []string{Distribution, Kernel}},
	} {
		d.list()
		all = append(all, d.all...)
	}
	return append(all, otherFiles()...)
}

// damage makes damaged variants of one object, whose maps have the form that
// one of the loaders accepts.
type damage struct {
	prefix, maps, code string
	builds             []string
	all                []source
}

// add adds an object.
func (d *damage) add(name string, edit func([]byte) ([]byte, error)) {
	d.all = append(d.all, source{name: d.prefix + name, value: 7, code: d.code, contexts: plainContext, builds: d.builds, edit: edit})
}

// list adds all objects.
func (d *damage) list() {
	for i := range truncations {
		d.add(fmt.Sprintf("truncated-%02d", i), func(data []byte) ([]byte, error) { return data[:len(data)*i/truncations], nil })
	}
	header := func(name string, off, width int, value uint64) {
		d.add("header-"+name, func(data []byte) ([]byte, error) { return data, put(data, off, width, value) })
	}
	header("class", elf.EI_CLASS, 1, 1)
	header("data", elf.EI_DATA, 1, 9)
	header("type", 16, 2, 2)
	header("machine-none", 18, 2, 0)
	header("sections-offset", 40, 8, 1<<40)
	header("sections-none", 60, 2, 0)
	header("sections-many", 60, 2, 0xff00)
	header("section-size", 58, 2, 63)
	header("names-section", 62, 2, 0x7fff)
	header("names-in-code", 62, 2, 3)

	// Fields of section headers.
	const (
		shName, shType, shFlags, shOffset, shSize, shLink, shInfo, shEntsize = 0, 4, 8, 24, 32, 40, 44, 56
	)
	field := func(name, section string, off, width int, value uint64) {
		d.add("section-header-"+name, func(data []byte) ([]byte, error) {
			at, err := sectionHeader(data, section)
			if err != nil {
				return nil, err
			}
			return data, put(data, at+off, width, value)
		})
	}
	field("no-name", "prog", shName, 4, 0)
	field("name-outside", "prog", shName, 4, 1<<30)
	field("code-not-executable", "prog", shFlags, 8, 2)
	field("code-nobits", "prog", shType, 4, uint64(elf.SHT_NOBITS))
	field("code-outside", "prog", shOffset, 8, 1<<40)
	field("code-odd", "prog", shSize, 8, 13)
	field("code-empty", "prog", shSize, 8, 0)
	field("code-compressed", "prog", shFlags, 8, 6|uint64(elf.SHF_COMPRESSED))
	field("relocation-target", ".relprog", shInfo, 4, 0x7fff)
	field("relocation-symbols", ".relprog", shLink, 4, 0)
	field("relocation-size", ".relprog", shEntsize, 8, 1)
	field("relocation-outside", ".relprog", shOffset, 8, 1<<40)
	d.add("section-header-relocation-addends", func(data []byte) ([]byte, error) {
		at, err := sectionHeader(data, ".relprog")
		if err != nil {
			return nil, err
		}
		// libelf rejects a size that is not a multiple of the entry size,
		// which is 24.
		return data, errors.Join(put(data, at+shType, 4, uint64(elf.SHT_RELA)), put(data, at+shSize, 8, 48), put(data, at+shEntsize, 8, 24))
	})
	field("relocation-odd", ".relprog", shSize, 8, 15)
	field("symbols-size", ".symtab", shEntsize, 8, 1)
	field("symbols-names", ".symtab", shLink, 4, 0x7fff)
	field("symbols-outside", ".symtab", shOffset, 8, 1<<40)
	field("symbols-empty", ".symtab", shSize, 8, 0)
	field("maps-huge", d.maps, shSize, 8, 1<<40)
	field("maps-odd", d.maps, shSize, 8, 35)
	field("maps-empty", d.maps, shSize, 8, 0)
	field("license-nobits", "license", shType, 4, uint64(elf.SHT_NOBITS))
	field("license-huge", "license", shSize, 8, 1<<40)
	field("btf-short", ".BTF", shSize, 8, 9)
	field("btf-ext-short", ".BTF.ext", shSize, 8, 9)

	// Fields of the symbols of the map and of the program.
	const (
		stName, stInfo, stShndx, stValue, stSize = 0, 4, 6, 8, 16
	)
	symbol := func(name, symbol string, off, width int, value uint64) {
		d.add("symbol-"+name, func(data []byte) ([]byte, error) {
			at, err := symbolOffset(data, symbol)
			if err != nil {
				return nil, err
			}
			return data, put(data, at+off, width, value)
		})
	}
	symbol("program-name-outside", "p", stName, 4, 1<<30)
	symbol("program-no-name", "p", stName, 4, 0)
	symbol("program-section-outside", "p", stShndx, 2, 0x7000)
	symbol("program-common", "p", stShndx, 2, uint64(elf.SHN_COMMON))
	symbol("program-value-outside", "p", stValue, 8, 1<<40)
	symbol("program-value-odd", "p", stValue, 8, 4)
	symbol("program-size-outside", "p", stSize, 8, 1<<40)
	symbol("program-size-zero", "p", stSize, 8, 0)
	symbol("program-no-function", "p", stInfo, 1, 0x11)
	symbol("map-name-outside", "m", stName, 4, 1<<30)
	symbol("map-no-name", "m", stName, 4, 0)
	symbol("map-section-outside", "m", stShndx, 2, 0x7000)
	symbol("map-value-outside", "m", stValue, 8, 1<<40)
	symbol("map-value-odd", "m", stValue, 8, 4)
	symbol("map-size-zero", "m", stSize, 8, 0)
	symbol("map-local", "m", stInfo, 1, 1)

	// The relocation of the map.
	relocation := func(name string, off, width int, value uint64) {
		d.add("relocation-"+name, func(data []byte) ([]byte, error) {
			f, err := elf.NewFile(bytes.NewReader(data))
			if err != nil {
				return nil, err
			}
			s := f.Section(".relprog")
			if s == nil {
				return nil, fmt.Errorf("no section .relprog")
			}
			return data, put(data, int(s.Offset)+off, width, value)
		})
	}
	relocation("outside", 0, 8, 1<<40)
	relocation("odd", 0, 8, 4)
	relocation("no-load", 0, 8, 0)
	relocation("symbol-outside", 12, 4, 1<<24)
	relocation("symbol-zero", 12, 4, 0)
	relocation("type-unknown", 8, 4, 99)
}

// otherFiles returns files that are not objects, and objects of which parts are missing or
// duplicated.
func otherFiles() []source {
	var all []source
	mapCode := replace(elfArray, "%s", "")
	raw := func(name string, data []byte) {
		all = append(all, source{name: name, value: none, edit: func([]byte) ([]byte, error) { return data, nil }})
	}
	raw("empty-file", nil)
	raw("one-byte", []byte{0x7f})
	raw("magic-only", []byte(elf.ELFMAG))
	raw("text-file", []byte("This is not an object.\n"))
	raw("archive", []byte("!<arch>\nfoo.o/          0           0     0     644     4         `\nabcd"))
	raw("zeroes", make([]byte, 4096))
	all = append(all,
		source{name: "two-sections-of-one-name", value: 2, args: program("two"), code: twoSections, edit: sameName("b", "a")},
		source{name: "two-sections-of-one-name-by-section", value: 1, args: section("a"), code: twoSections, edit: sameName("b", "a")},
		source{name: "two-programs-of-one-name", value: 1, args: program("one"), code: twoSections, edit: samePrograms},
		source{name: "relocation-inside-a-map", value: 7, code: mapCode, edit: strayRelocation(4)},
		source{name: "relocation-behind-the-maps", value: 7, code: mapCode, edit: strayRelocation(36 << 24)},
		source{name: "call-outside", value: none, code: globalFunction, edit: farFunction},
		source{name: "stripped-symbols", value: none, code: mapCode, edit: stripped("-s")},
		source{name: "stripped-symbols-by-section", value: 7, args: section("prog"), code: plainCode, edit: stripped("-s")},
		source{name: "stripped-debug", value: 7, code: mapCode, edit: stripped("-g")},
	)
	for i := range all {
		all[i].contexts = plainContext
	}
	return all
}

// put writes a value of width bytes at an offset.
func put(data []byte, off, width int, value uint64) error {
	if off < 0 || off+width > len(data) {
		return fmt.Errorf("offset %d is outside of the object", off)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], value)
	copy(data[off:off+width], b[:])
	return nil
}

// sectionHeader returns the offset of the header of a section.
func sectionHeader(data []byte, name string) (int, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	for i, s := range f.Sections {
		if s.Name == name {
			return int(binary.LittleEndian.Uint64(data[40:])) + i*64, nil
		}
	}
	return 0, fmt.Errorf("no section %s", name)
}

// symbolOffset returns the offset of a symbol.
func symbolOffset(data []byte, name string) (int, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return 0, err
	}
	for i, s := range symbols { // without the first one, which is empty
		if s.Name == name {
			return int(f.SectionByType(elf.SHT_SYMTAB).Offset) + (i+1)*24, nil
		}
	}
	return 0, fmt.Errorf("no symbol %s", name)
}

// sameName gives a section the name of another one.
func sameName(section, other string) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		from, err := sectionHeader(data, other)
		if err != nil {
			return nil, err
		}
		to, err := sectionHeader(data, section)
		if err != nil {
			return nil, err
		}
		return data, put(data, to, 4, uint64(binary.LittleEndian.Uint32(data[from:])))
	}
}

// samePrograms gives program two the name of program one.
func samePrograms(data []byte) ([]byte, error) {
	one, err := symbolOffset(data, "one")
	if err != nil {
		return nil, err
	}
	two, err := symbolOffset(data, "two")
	if err != nil {
		return nil, err
	}
	return data, put(data, two, 4, uint64(binary.LittleEndian.Uint32(data[one:])))
}

// strayRelocation changes the relocation of the map, and the symbol of the
// licence that it then uses. They refer to an offset in the section of the maps
// at which no map begins.
func strayRelocation(offset uint64) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		f, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		table, err := symbolOffset(data, "m")
		if err != nil {
			return nil, err
		}
		license, err := symbolOffset(data, "_license")
		if err != nil {
			return nil, err
		}
		section := binary.LittleEndian.Uint16(data[table+6:])
		index := (license - int(f.SectionByType(elf.SHT_SYMTAB).Offset)) / 24
		return data, errors.Join(
			put(data, license+4, 1, 0), // local, without a type
			put(data, license+6, 2, uint64(section)),
			put(data, license+8, 8, offset),
			put(data, int(f.Section(".relprog").Offset)+12, 4, uint64(index)),
		)
	}
}

// farFunction moves the symbol of a called function to an offset outside of its
// section.
func farFunction(data []byte) ([]byte, error) {
	at, err := symbolOffset(data, "sub")
	if err != nil {
		return nil, err
	}
	return data, put(data, at+8, 8, 1<<16)
}

// replace replaces pairs of strings.
func replace(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return s
}

// long returns n times s.
func long(s string, n int) string { return strings.Repeat(s, n) }

// many returns n lines, each with its number instead of %d.
func many(n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line+"\n", i)
	}
	return b.String()
}

// fileName returns a name without the characters that separate paths.
func fileName(name string) string { return strings.ReplaceAll(name, "/", "_") + ".o" }
