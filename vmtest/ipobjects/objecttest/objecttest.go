// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package objecttest gives tests a compiler of BPF objects that needs no clang.
package objecttest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// symbols are the symbols of an object, with the sections that define them.
var symbols = []struct{ name, section string }{
	{"p", "prog"}, {"m", "maps"}, {"_license", "license"}, {"one", "a"}, {"two", "b"}, {"sub", "prog"},
}

// Object returns an ELF object with every section and symbol that package ipobjects
// changes. Each section except the tables has 64 bytes with the value of its number.
func Object() []byte {
	names := []string{"", "prog", ".relprog", "maps", ".maps", "license", ".BTF", ".BTF.ext", "a", "b", ".symtab", ".strtab"}
	index := map[string]int{}
	text, at := "", map[string]uint32{}
	add := func(name string) {
		if _, ok := at[name]; !ok {
			at[name] = uint32(len(text))
			text += name + "\x00"
		}
	}
	for i, name := range names {
		index[name] = i
		add(name)
	}
	table := make([]elf.Sym64, 1)
	for _, s := range symbols {
		add(s.name)
		table = append(table, elf.Sym64{Name: at[s.name], Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: uint16(index[s.section]), Value: 8, Size: 32})
	}
	var body, headers bytes.Buffer
	le := func(b *bytes.Buffer, v any) { _ = binary.Write(b, binary.LittleEndian, v) } // cannot fail
	for i, name := range names {
		h := elf.Section64{Name: at[name], Off: uint64(64 + body.Len()), Type: uint32(elf.SHT_PROGBITS), Flags: 6}
		switch name {
		case "":
			h = elf.Section64{}
		case ".symtab":
			le(&body, table)
			h.Type, h.Link, h.Entsize, h.Info = uint32(elf.SHT_SYMTAB), uint32(index[".strtab"]), 24, 1
		case ".strtab":
			body.WriteString(text)
			h.Type = uint32(elf.SHT_STRTAB)
		default:
			body.Write(bytes.Repeat([]byte{byte(i)}, 64))
		}
		if name != "" {
			h.Size = uint64(64+body.Len()) - h.Off
		}
		le(&headers, h)
	}
	var b bytes.Buffer
	le(&b, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: 1, Shoff: uint64(64 + body.Len()), Ehsize: 64,
		Shentsize: 64, Shnum: uint16(len(names)), Shstrndx: uint16(index[".strtab"]),
	})
	b.Write(body.Bytes())
	b.Write(headers.Bytes())
	return b.Bytes()
}

// Toolchain puts a clang and an llvm-strip into PATH. Clang writes [Object] and fails if
// the code contains "broken". Llvm-strip appends its option to the file. Log returns the
// arguments of each run of clang, one line per run.
func Toolchain(tb testing.TB) (log func() []string) {
	tb.Helper()
	dir := tb.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			tb.Fatal(err)
		}
	}
	write("object.o", string(Object()), 0o644)
	write("log", "", 0o644)
	write("clang", `#!/bin/sh
echo "$*" | sed 's,/[^ ]*/,DIR/,g' >>"`+dir+`/log"
grep -q broken && { echo "error: broken" >&2; exit 1; }
while [ "$1" != -o ]; do shift; done
cp "`+dir+`/object.o" "$2"
`, 0o755)
	write("llvm-strip", "#!/bin/sh\nprintf %s \"$1\" >>\"$2\"\n", 0o755)
	tb.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() []string {
		text, err := os.ReadFile(filepath.Join(dir, "log"))
		if err != nil {
			tb.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}
