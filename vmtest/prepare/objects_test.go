// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"

	"xpsgen/bpf"
	"xpsgen/vmtest/arch"
)

// The files must be the objects of package bpf.
func TestObjects(t *testing.T) {
	want := bpf.Names()
	slices.Sort(want)
	for name, order := range map[string]elf.Data{"amd64": elf.ELFDATA2LSB, "arm64": elf.ELFDATA2LSB, "s390x": elf.ELFDATA2MSB} {
		a, err := arch.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := Objects("../..", a)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range objects {
			names = append(names, o.Name)
			f, err := elf.Open(o.Path)
			if err != nil {
				t.Fatal(err)
			}
			if f.Data != order {
				t.Errorf("%s: %s has the byte order %v", name, o.Path, f.Data)
			}
			f.Close()
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: files %q, package %q", name, names, want)
		}
	}
	if _, err := Objects(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "make generate") {
		t.Errorf("without files: %v", err)
	}
}
