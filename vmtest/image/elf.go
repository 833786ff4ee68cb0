// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// object has the fields of a program or library that the closure needs.
type object struct {
	class   elf.Class
	machine elf.Machine
	interp  string
	needed  []string
	runpath []string // DT_RUNPATH, else DT_RPATH
	inherit bool     // runpath is a DT_RPATH, which dependencies inherit
}

// errNotELF is returned by readObject for a file of another kind.
var errNotELF = errors.New("not an ELF file")

func readObject(name string) (*object, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil || string(magic[:]) != elf.ELFMAG {
		return nil, fmt.Errorf("%s: %w", name, errNotELF)
	}
	e, err := elf.NewFile(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	o := &object{class: e.Class, machine: e.Machine}
	for _, p := range e.Progs {
		if p.Type == elf.PT_INTERP {
			// Limit the length of the path: a broken header may claim any length.
			b, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
			if err != nil {
				return nil, fmt.Errorf("%s: interpreter: %w", name, err)
			}
			o.interp = string(bytes.TrimRight(b, "\x00"))
		}
	}
	if o.needed, err = e.ImportedLibraries(); err != nil {
		return nil, fmt.Errorf("%s: needed libraries: %w", name, err)
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		paths, err := e.DynString(tag)
		if err != nil {
			return nil, fmt.Errorf("%s: %v: %w", name, tag, err)
		}
		if len(paths) > 0 {
			o.inherit = tag == elf.DT_RPATH
			for _, p := range paths {
				o.runpath = append(o.runpath, strings.Split(p, ":")...)
			}
			break
		}
	}
	return o, nil
}

// scriptInterpreter returns the words after "#!" of a script: the interpreter
// and its argument, if it has one. It returns nil if name is not a script.
func scriptInterpreter(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(io.LimitReader(f, 256), 256).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	rest, ok := strings.CutPrefix(line, "#!")
	if !ok {
		return nil, nil
	}
	return strings.Fields(rest), nil
}
