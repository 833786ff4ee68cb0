// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/tree"
)

// writeCommands writes an object directory with .config and the .cmd files of
// kbuild, and reads the commands. The commands are for objects, archives, and
// programs of the build.
func writeCommands(t *testing.T, config string) *commands {
	t.Helper()
	const src = "/src"
	dir := t.TempDir()
	object := func(name string, deps ...string) (string, string) {
		source := src + "/" + strings.TrimSuffix(name, ".o") + ".c"
		return name, fmt.Sprintf("gcc -DX='\"a$(pound)b\"' -c -o %s %s \n\nsource_%[1]s := %[2]s\n\ndeps_%[1]s := \\\n  %[3]s \\\n\n%[1]s: $(deps_%[1]s)\n",
			name, source, strings.Join(deps, " \\\n  "))
	}
	archive := func(dir string, members ...string) (string, string) {
		name := filepath.Join(dir, "built-in.a")
		return name, fmt.Sprintf("rm -f %s;  printf \"%s/%%s \" %s | xargs ar cDPrST %[1]s\n", name, dir, strings.Join(members, " "))
	}
	write := func(target, text string) {
		path := filepath.Join(dir, filepath.Dir(target), "."+filepath.Base(target)+".cmd")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, []byte("savedcmd_"+target+" := "+text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write(object("net/core/dev.o", src+"/net/core/dev.h", src+"/include/linux/netdevice.h", "$(wildcard include/config/NET)"))
	write(object("net/core/sock.o", src+"/net/core/dev.h"))
	write(object("net/core/unused.o"))
	write(object("net/sub/x.o", src+"/net/sub/../core/shared.c"))
	write(object("arch/x86/pci/p.o"))
	write(object("arch/x86/boot/misc.o", src+"/arch/x86/boot/../../../lib/inflate.c"))
	write(object("scripts/sort.o", src+"/scripts/sort.h"))
	write("include/generated/caps.c", "sh mkcaps.sh include/generated/caps.c /src/arch/x86/caps.h\n")
	write("tools/objtool/check.o", "gcc -c -o /obj/tools/objtool/check.o check.c\ndeps_ := check.c /src/tools/objtool/elf.h\n")
	write(archive("net/core", "dev.o", "sock.o"))
	write(archive("net/sub", "x.o"))
	write(archive("net", "core/built-in.a", "sub/built-in.a"))
	write(archive("arch/x86/pci", "p.o"))
	write(archive(".", "net/built-in.a", "arch/x86/pci/built-in.a"))
	write("built-in-fixup.a", "ar t $$(x)\n")
	write("vmlinux.a", "cat built-in-fixup.a > vmlinux.a\n")
	if err := os.WriteFile(filepath.Join(dir, ".config"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := readCommands(dir, src)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAffected(t *testing.T) {
	deps := writeCommands(t, "CONFIG_NET=y\n# CONFIG_MODULES is not set\n")
	if got := deps.commands["vmlinux.a"].saved; got != "cat built-in-fixup.a > vmlinux.a" {
		t.Errorf("the command for vmlinux.a: %q", got)
	}
	if got := deps.commands["net/core/dev.o"].saved; !strings.Contains(got, `-DX='"a#b"'`) {
		t.Errorf("the command for dev.o: %q", got)
	}
	const whole = "whole"
	for name, tt := range map[string]struct{ change, want string }{
		"source":                {"net/core/dev.c", "[net/core/dev.o] [net/core/built-in.a net/built-in.a built-in.a built-in-fixup.a vmlinux.a]"},
		"private header":        {"net/core/dev.h", "[net/core/dev.o net/core/sock.o] [net/core/built-in.a net/built-in.a built-in.a built-in-fixup.a vmlinux.a]"},
		"included source":       {"net/core/shared.c", "[net/sub/x.o] [net/sub/built-in.a net/built-in.a built-in.a built-in-fixup.a vmlinux.a]"},
		"archive below the top": {"arch/x86/pci/p.c", "[arch/x86/pci/p.o] [arch/x86/pci/built-in.a built-in.a built-in-fixup.a vmlinux.a]"},
		"document":              {"Documentation/networking/scaling.rst", "[] [built-in-fixup.a vmlinux.a]"},
		"selftest":              {"tools/testing/selftests/net/x.c", "[] [built-in-fixup.a vmlinux.a]"},
		"public header":         {"include/linux/netdevice.h", whole},
		"Kconfig":               {"net/Kconfig", whole},
		"Kconfig of documents":  {"Documentation/Kconfig", whole},
		"makefile":              {"net/core/Makefile", whole},
		"not built":             {"net/core/other.c", whole},
		"same name elsewhere":   {"net/sub/dev.c", whole},
		"end of another name":   {"net/core/v.c", whole},
		"object in no archive":  {"net/core/unused.c", whole},
		"source of the boot":    {"lib/inflate.c", whole},
		"read by a script":      {"arch/x86/caps.h", whole},
		"program of the build":  {"scripts/sort.h", whole},
		"objtool":               {"tools/objtool/check.c", whole},
	} {
		t.Run(name, func(t *testing.T) {
			e := &edit{changes: []tree.Change{{Path: tt.change, Edited: true}}}
			got := whole
			objects, err := e.affected(deps)
			if err == nil {
				archives, aerr := deps.archivesOf(objects)
				got, err = fmt.Sprint(objects, " ", archives), aerr
			}
			if got != tt.want || (err != nil) != (tt.want == whole) || err != nil && !errors.Is(err, errWhole) {
				t.Errorf("got %s, want %s (%v)", got, tt.want, err)
			}
		})
	}
	added := &edit{changes: []tree.Change{{Path: "net/core/dev.c"}}}
	if got, err := added.affected(deps); !errors.Is(err, errWhole) {
		t.Errorf("a file of another kind: %q, %v", got, err)
	}
	for _, s := range unsupported {
		e := &edit{changes: []tree.Change{{Path: "net/core/dev.c", Edited: true}}}
		if got, err := e.affected(writeCommands(t, s+"=y\n")); !errors.Is(err, errWhole) || !strings.Contains(err.Error(), s) {
			t.Errorf("%s: %q, %v", s, got, err)
		}
	}
}

func TestConfigures(t *testing.T) {
	for name, want := range map[tree.Change]bool{
		{Path: "net/core/dev.c", Edited: true}:            false,
		{Path: "include/linux/netdevice.h", Edited: true}: false,
		{Path: "net/Kconfig", Edited: true}:               true,
		{Path: "lib/Kconfig.debug", Edited: true}:         true,
		{Path: "arch/x86/Makefile_32.cpu", Edited: true}:  true,
		{Path: "scripts/cc-can-link.sh", Edited: true}:    true,
		{Path: "net/core/new.c"}:                          true,
		{Path: "Documentation/new.rst"}:                   false,
		{Path: "Documentation/Kconfig"}:                   true,
	} {
		if got := configures(name); got != want {
			t.Errorf("%+v: %v", name, got)
		}
	}
}

// TestStateOfObjects checks that a build leaves no state until it is complete.
func TestStateOfObjects(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".config"), []byte("CONFIG_X=y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o, err := openObjdir(dir)
	if err != nil || o.last != nil {
		t.Fatalf("state of an empty directory: %+v, %v", o.last, err)
	}
	if err := errors.Join(o.begin(), o.save(&objState{Inputs: "i", Tree: "t", Env: []string{"A=b"}}), o.end(true)); err != nil {
		t.Fatal(err)
	}
	if o, err = openObjdir(dir); err != nil || o.last == nil || o.last.Tree != "t" || o.last.Config != hashOf("CONFIG_X=y\n") || o.last.Env[0] != "A=b" {
		t.Fatalf("state of a complete build: %+v, %v", o.last, err)
	}
	// Some other program has built here.
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if s := readState(dir); s != nil {
		t.Errorf("state of a changed directory: %+v", s)
	}
	if err := errors.Join(o.begin(), o.save(&objState{}), o.end(false)); err != nil {
		t.Fatal(err)
	}
	if s := readState(dir); s != nil {
		t.Errorf("state of an interrupted build: %+v", s)
	}
	o.next = nil
	if err := errors.Join(o.begin(), o.end(true)); err != nil {
		t.Fatal(err)
	}
	if o, err = openObjdir(dir); err != nil || o.last != nil {
		t.Errorf("state of an incomplete build: %+v, %v", o.last, err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := readState(dir); s != nil {
		t.Errorf("state of a damaged file: %+v", s)
	}
}

// TestFinish checks that an early result gives the working tree back once.
func TestFinish(t *testing.T) {
	released, failed := 0, errors.New("no space")
	early := func(err error) *KernelResult {
		return &KernelResult{finish: func(context.Context) error { return err }, release: func() { released++ }}
	}
	for _, want := range []error{nil, failed} {
		k := early(want)
		if err := k.Finish(t.Context()); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		k.Abandon()
		if err := k.Finish(t.Context()); err != nil || released != 1 {
			t.Errorf("a second time: %v, released %d times", err, released)
		}
		released = 0
	}
	k := early(nil)
	k.Abandon()
	if err := k.Finish(t.Context()); err != nil || released != 1 {
		t.Errorf("an abandoned one: %v, released %d times", err, released)
	}
	var none *KernelResult
	none.Abandon()
	if err := errors.Join(none.Finish(t.Context()), (&KernelResult{}).Finish(t.Context())); err != nil {
		t.Error(err)
	}
}
