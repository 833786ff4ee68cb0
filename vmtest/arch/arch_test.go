// SPDX-License-Identifier: GPL-2.0-only OR MIT

package arch

import (
	"errors"
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	for name, want := range map[string]struct{ machine, gcc, image string }{
		"":      {"x86_64", "gcc", "bzImage"},
		"amd64": {"x86_64", "gcc", "bzImage"},
		"arm64": {"aarch64", "aarch64-linux-gnu-gcc", "Image"},
		"s390x": {"s390x", "s390x-linux-gnu-gcc", "bzImage"},
	} {
		a, err := Find(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if a.Machine != want.machine || a.Tool("gcc") != want.gcc || a.ImageFile() != want.image {
			t.Errorf("%q: got %s, %s, %s", name, a.Machine, a.Tool("gcc"), a.ImageFile())
		}
		if a.Cross() != (a.Name != Amd64) || a.Cross() != (len(a.MakeArgs()) > 0) {
			t.Errorf("%q: cross %v, arguments of make %q", name, a.Cross(), a.MakeArgs())
		}
	}
	if _, err := Find("mips"); !errors.Is(err, ErrUnknown) {
		t.Errorf("mips: got %v", err)
	}
	if !slices.Equal(Names(), []string{"amd64", "arm64", "s390x"}) {
		t.Errorf("got %q", Names())
	}
}

// TestComplete checks that no architecture lacks what a guest needs.
func TestComplete(t *testing.T) {
	for _, a := range arches {
		if a.Dir == "" || a.QEMU == "" || a.QEMUPackage == "" || a.Console == "" {
			t.Errorf("%s is incomplete: %+v", a.Name, a)
		}
		if a.Cross() && (a.Kernel == "" || a.Board == "" || a.CPU == "" || a.Bus == "" || a.KernelPackage == "") {
			t.Errorf("%s is incomplete: %+v", a.Name, a)
		}
	}
}
