// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"debug/elf"
	"errors"
	"fmt"
	"sort"
)

// maxFunction is the largest offset from a symbol that is still attributed to it.
const maxFunction = 64 << 10

// symbols are a kernel's functions, by address.
type symbols []elf.Symbol

// kernelSymbols reads the functions of a vmlinux that runs at its link addresses.
func kernelSymbols(vmlinux string) (symbols, error) {
	if vmlinux == "" {
		return nil, errors.New("no vmlinux")
	}
	f, err := elf.Open(vmlinux)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's symbols: %w", err)
	}
	defer f.Close()
	all, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("read the symbols of %s: %w", vmlinux, err)
	}
	var s symbols
	for _, sym := range all {
		switch elf.ST_TYPE(sym.Info) {
		case elf.STT_FUNC, elf.STT_NOTYPE:
			if sym.Value != 0 && sym.Name != "" && sym.Section != elf.SHN_ABS {
				s = append(s, sym)
			}
		}
	}
	sort.SliceStable(s, func(i, j int) bool { return s[i].Value < s[j].Value })
	return s, nil
}

// lookup returns addr as function+offset, or "" if no function contains it.
func (s symbols) lookup(addr uint64) string {
	i := sort.Search(len(s), func(i int) bool { return s[i].Value > addr })
	for i--; i >= 0; i-- {
		off := addr - s[i].Value
		if off > maxFunction {
			return ""
		}
		if size := s[i].Size; size == 0 && elf.ST_TYPE(s[i].Info) == elf.STT_FUNC || size > 0 && off >= size {
			continue
		}
		if off == 0 {
			return s[i].Name
		}
		return fmt.Sprintf("%s+%#x", s[i].Name, off)
	}
	return ""
}
