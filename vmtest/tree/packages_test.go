// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnpack unpacks packages of a suite that the machine has not configured, and nothing
// of the machine changes.
func TestUnpack(t *testing.T) {
	a := newFakeApt(t)
	mustPackage(t, filepath.Join(a.dir, "pahole_1.30-1_all.deb"), map[string]string{"usr/bin/pahole": "program"})
	mustPackage(t, filepath.Join(a.dir, "libdw_0.192_all.deb"), map[string]string{"usr/lib/libdw.so.1": "library"})
	p := &Packages{Name: "pahole", Suites: []string{"trixie"}, Names: []string{"pahole", "libdw"}, Cache: t.TempDir()}
	dir, err := p.Unpack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"usr/bin/pahole": "program", "usr/lib/libdw.so.1": "library",
		packagesRecord: "pahole 1.30-1\nlibdw 0.192\n"} {
		if got := mustRead(t, filepath.Join(dir, file)); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	states, err := filepath.Glob(filepath.Join(p.Cache, "apt", "*", "sources.d", "*"))
	if err != nil || len(states) != 1 || !strings.Contains(mustRead(t, states[0]), "Suites: trixie\n") {
		t.Errorf("the private state of apt: %q, %v", states, err)
	}
	a.calls(t)
	if again, err := p.Unpack(t.Context()); err != nil || again != dir || a.calls(t) != 0 {
		t.Errorf("the second time: %s, %v", again, err)
	}
	// Another list is another set.
	p.Names = []string{"pahole"}
	if _, err := p.Unpack(t.Context()); err != nil || a.calls(t) == 0 {
		t.Errorf("another list is not fetched: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "usr/lib")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is no longer on the list stays: %v", err)
	}
}

// TestUnpackOtherArch unpacks a package of another architecture, and the package that it
// depends on.
func TestUnpackOtherArch(t *testing.T) {
	a := newFakeApt(t)
	mustPackage(t, filepath.Join(a.dir, "linux-image-s390x_6.1-1_all.deb"), map[string]string{"usr/share/doc/meta": "meta"},
		"Depends: linux-image-6.1.0-1-s390x (= 6.1-1) | other")
	mustPackage(t, filepath.Join(a.dir, "linux-image-6.1.0-1-s390x_6.1-1_all.deb"), map[string]string{"boot/vmlinuz": "kernel"}, "Depends: kmod")
	p := &Packages{Name: "kernel", Suites: []string{"bookworm"}, Names: []string{"linux-image-s390x"}, Follow: true, Arch: "s390x", Cache: t.TempDir()}
	dir, err := p.Unpack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, filepath.Join(dir, "boot/vmlinuz")); got != "kernel" {
		t.Errorf("got %q", got)
	}
	versions, err := UnpackedVersions(dir)
	if want := "linux-image-s390x 6.1-1\n+linux-image-6.1.0-1-s390x 6.1-1\n"; err != nil || versions != want {
		t.Errorf("versions %q, %v", versions, err)
	}
	for pattern, want := range map[string]string{"sources.d/*": "Architectures: s390x\n", "apt.conf": "APT::Architectures { \"s390x\"; };"} {
		found, err := filepath.Glob(filepath.Join(p.Cache, "apt", "*", pattern))
		if err != nil || len(found) != 1 || !strings.Contains(mustRead(t, found[0]), want) {
			t.Errorf("%s: %q has no %q, %v", pattern, found, want, err)
		}
	}
	a.calls(t)
	if _, err := p.Unpack(t.Context()); err != nil || a.calls(t) != 0 {
		t.Errorf("the second time: %v", err)
	}
}

// A set of which one package is missing is not kept.
func TestUnpackFails(t *testing.T) {
	a := newFakeApt(t)
	mustPackage(t, filepath.Join(a.dir, "pahole_1.30-1_all.deb"), map[string]string{"usr/bin/pahole": "program"})
	cacheDir := t.TempDir()
	p := &Packages{Name: "pahole", Suites: []string{"trixie", "forky"}, Names: []string{"pahole", "libnothere"}, Cache: cacheDir}
	_, err := p.Unpack(t.Context())
	if !errors.Is(err, ErrObtain) || strings.Count(err.Error(), "libnothere") < 2 || !strings.Contains(err.Error(), "forky") {
		t.Errorf("got %v", err)
	}
	entries, err := filepath.Glob(filepath.Join(cacheDir, "packages", "*"))
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %q, %v", entries, err)
	}
	// Without an archive of Debian there is nothing to take the mirror from.
	mustWrite(t, filepath.Join(a.dir, "sources.list"), "deb http://mirror.invalid/ours weekly stuff\n")
	if _, err := p.Unpack(t.Context()); !errors.Is(err, ErrObtain) || !strings.Contains(err.Error(), "no archive of Debian") {
		t.Errorf("got %v", err)
	}
}
