// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testObject is an ELF file with only the parts that a loader reads first.
type testObject struct {
	machine elf.Machine // default x86-64
	interp  string
	needed  []string
	runpath string
	rpath   string
}

// bytes renders the object: header, program headers, interpreter, dynamic
// section, strings, section headers.
func (o testObject) bytes(t *testing.T) []byte {
	t.Helper()
	if o.machine == 0 {
		o.machine = elf.EM_X86_64
	}
	strs := "\x00"
	str := func(s string) uint64 {
		at := len(strs)
		strs += s + "\x00"
		return uint64(at)
	}
	var dyn []elf.Dyn64
	for _, n := range o.needed {
		dyn = append(dyn, elf.Dyn64{Tag: int64(elf.DT_NEEDED), Val: str(n)})
	}
	if o.runpath != "" {
		dyn = append(dyn, elf.Dyn64{Tag: int64(elf.DT_RUNPATH), Val: str(o.runpath)})
	}
	if o.rpath != "" {
		dyn = append(dyn, elf.Dyn64{Tag: int64(elf.DT_RPATH), Val: str(o.rpath)})
	}
	dyn = append(dyn, elf.Dyn64{})
	const ehsize, phsize, shsize, dynsize = 64, 56, 64, 16
	phnum := 0
	if o.interp != "" {
		phnum = 1
	}
	interpAt := uint64(ehsize + phnum*phsize)
	interp := o.interp + "\x00"
	dynAt := interpAt + uint64(len(interp))
	strAt := dynAt + uint64(len(dyn)*dynsize)
	shAt := strAt + uint64(len(strs))
	h := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1},
		Type:  uint16(elf.ET_DYN), Machine: uint16(o.machine), Version: 1,
		Phoff: ehsize, Shoff: shAt, Ehsize: ehsize, Phentsize: phsize, Phnum: uint16(phnum), Shentsize: shsize, Shnum: 3, Shstrndx: 2,
	}
	var b bytes.Buffer
	write := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	write(h)
	if phnum > 0 {
		write(elf.Prog64{Type: uint32(elf.PT_INTERP), Off: interpAt, Filesz: uint64(len(interp)), Memsz: uint64(len(interp))})
	}
	write([]byte(interp))
	write(dyn)
	write([]byte(strs))
	write(elf.Section64{})
	write(elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Off: dynAt, Size: uint64(len(dyn) * dynsize), Link: 2, Entsize: dynsize})
	write(elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: strAt, Size: uint64(len(strs))})
	return b.Bytes()
}

// host makes a directory that looks like a host's root.
func host(t *testing.T, files map[string]any) string {
	t.Helper()
	root := t.TempDir()
	for name, what := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		var b []byte
		switch what := what.(type) {
		case string:
			b = []byte(what)
		case testObject:
			b = what.bytes(t)
		}
		if err := os.WriteFile(p, b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

const loader = "/lib64/ld-linux-x86-64.so.2"

func TestClosure(t *testing.T) {
	libc := testObject{needed: []string{"ld-linux-x86-64.so.2"}}
	for name, c := range map[string]struct {
		files map[string]any
		extra []string
		want  []string
		links map[string]string
	}{
		"static": {
			files: map[string]any{"/bin/prog": testObject{}},
			want:  []string{"/bin/prog"},
		},
		"closed over, found through ld.so.conf": {
			files: map[string]any{
				"/bin/prog":                       testObject{interp: loader, needed: []string{"liba.so.1", "libc.so.6"}},
				loader:                            testObject{},
				"/etc/ld.so.conf":                 "include /etc/ld.so.conf.d/*.conf\n",
				"/etc/ld.so.conf.d/1.conf":        "# multiarch\n/lib/x86_64-linux-gnu\n",
				"/etc/ld.so.conf.d/2.conf":        "/opt/lib",
				"/lib/x86_64-linux-gnu/libc.so.6": libc,
				"/opt/lib/liba.so.1":              testObject{needed: []string{"libb.so.2", "libc.so.6"}},
				"/usr/lib/libb.so.2":              testObject{needed: []string{"liba.so.1"}},
			},
			want:  []string{"/bin/prog", "/lib/x86_64-linux-gnu/libc.so.6", loader, "/opt/lib/liba.so.1", "/usr/lib/libb.so.2"},
			links: map[string]string{"/lib/x86_64-linux-gnu/liba.so.1": "/opt/lib/liba.so.1"},
		},
		"runpath from the origin": {
			files: map[string]any{
				"/opt/x/bin/prog":     testObject{interp: loader, needed: []string{"liba.so"}, runpath: "/nowhere:$ORIGIN/../lib"},
				loader:                testObject{},
				"/opt/x/lib/liba.so":  testObject{},
				"/usr/lib/liba.so":    testObject{},
				"/opt/x/lib/ignored":  "x",
				"/etc/ld.so.conf":     "",
				"/opt/x/bin/nothing":  "x",
				"/opt/x/lib/libz.so":  testObject{},
				"/usr/lib64/liba2.so": testObject{},
			},
			want: []string{loader, "/opt/x/bin/prog", "/opt/x/lib/liba.so"},
		},
		"a runpath is not inherited, an rpath is": {
			files: map[string]any{
				"/bin/prog":         testObject{interp: loader, needed: []string{"liba.so", "libr.so"}, runpath: "/opt/run"},
				loader:              testObject{},
				"/opt/run/liba.so":  testObject{needed: []string{"libb.so"}},
				"/opt/run/libr.so":  testObject{needed: []string{"libd.so"}, rpath: "/opt/r"},
				"/opt/r/libd.so":    testObject{needed: []string{"libe.so"}},
				"/opt/r/libe.so":    testObject{},
				"/opt/run/libb.so":  testObject{},
				"/usr/lib/libb.so":  testObject{},
				"/usr/lib/libe.so":  testObject{},
				"/usr/lib/libd2.so": testObject{},
			},
			want: []string{"/bin/prog", loader, "/opt/r/libd.so", "/opt/r/libe.so", "/opt/run/liba.so", "/opt/run/libr.so", "/usr/lib/libb.so"},
		},
		"another machine's library is passed over": {
			files: map[string]any{
				"/bin/prog":                      testObject{interp: loader, needed: []string{"liba.so"}},
				loader:                           testObject{},
				"/etc/ld.so.conf":                "/lib/aarch64-linux-gnu /lib/other\n",
				"/lib/aarch64-linux-gnu/liba.so": testObject{machine: elf.EM_AARCH64},
				"/lib/other/liba.so":             "not a library",
				"/usr/lib/liba.so":               testObject{},
			},
			want: []string{"/bin/prog", loader, "/usr/lib/liba.so"},
		},
		"library path first": {
			files: map[string]any{
				"/bin/prog":        testObject{interp: loader, needed: []string{"liba.so"}},
				loader:             testObject{},
				"/my/liba.so":      testObject{},
				"/usr/lib/liba.so": testObject{},
			},
			extra: []string{"/my"},
			want:  []string{"/bin/prog", loader, "/my/liba.so"},
		},
		"script": {
			files: map[string]any{
				"/bin/prog":    "#!/bin/sh -e\nexit 3\n",
				"/bin/sh":      testObject{interp: loader},
				loader:         testObject{},
				"/usr/bin/awk": testObject{},
			},
			want: []string{"/bin/prog", "/bin/sh", loader},
		},
		"script through env": {
			files: map[string]any{
				"/bin/prog":     "#!/usr/bin/env bash\n",
				"/usr/bin/env":  testObject{},
				"/usr/bin/bash": testObject{},
			},
			want: []string{"/bin/prog", "/usr/bin/bash", "/usr/bin/env"},
		},
		"plain file": {
			files: map[string]any{"/bin/prog": "data"},
			want:  []string{"/bin/prog"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			prog := "/bin/prog"
			if _, ok := c.files["/opt/x/bin/prog"]; ok {
				prog = "/opt/x/bin/prog"
			}
			cl, err := newClosure(host(t, c.files), c.extra)
			if err != nil {
				t.Fatal(err)
			}
			if err := cl.add(prog); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, keys(cl.files)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if got := cl.links(); len(got) != len(c.links) || cmp.Diff(c.links, got) != "" && len(got) > 0 {
				t.Errorf("links %v, want %v", got, c.links)
			}
		})
	}
}

func TestMissingLibrary(t *testing.T) {
	root := host(t, map[string]any{
		"/bin/prog":       testObject{interp: loader, needed: []string{"libgone.so.1"}, runpath: "/a"},
		loader:            testObject{},
		"/etc/ld.so.conf": "/b\n",
	})
	c, err := newClosure(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.add("/bin/prog")
	var missing *MissingLibraryError
	if !errors.As(err, &missing) {
		t.Fatalf("error %v", err)
	}
	want := &MissingLibraryError{Program: "/bin/prog", Library: "libgone.so.1", Searched: []string{"/a", "/b", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestClosureAgainstLdd compares the closure with that of the host's loader.
func TestClosureAgainstLdd(t *testing.T) {
	ldd, err := exec.LookPath("ldd")
	if err != nil {
		t.Skip("ldd is not installed")
	}
	for _, prog := range []string{"/bin/ls", "/usr/bin/git", "/usr/bin/make"} {
		if _, err := os.Stat(prog); err != nil {
			continue
		}
		out, err := exec.Command(ldd, prog).Output()
		if err != nil {
			t.Logf("ldd %s: %v", prog, err)
			continue
		}
		var want []string
		for _, m := range regexp.MustCompile(`(?m)(/\S+) \(0x`).FindAllStringSubmatch(string(out), -1) {
			want = append(want, m[1])
		}
		sort.Strings(want)
		got, err := Closure(prog)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(without(got, prog), "\n")); diff != "" {
			t.Errorf("%s (-ldd +closure):\n%s", prog, diff)
		}
	}
}

func without(list []string, s string) []string {
	var out []string
	for _, l := range list {
		if l != s {
			out = append(out, l)
		}
	}
	return out
}

func TestConfLoops(t *testing.T) {
	root := host(t, map[string]any{"/etc/ld.so.conf": "/a\ninclude ld.so.conf\n"})
	if _, err := confDirs(root, "/etc/ld.so.conf"); err == nil {
		t.Error("a file that includes itself has an end")
	}
}

func FuzzConf(f *testing.F) {
	f.Add("include /etc/ld.so.conf.d/*.conf\n/lib:/usr/lib # x\nhwcap 1 a\ndir=libc6")
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.MkdirAll(filepath.Join(root, "etc"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "etc/conf"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		dirs, err := confDirs(root, "/etc/conf")
		if err != nil && dirs != nil {
			t.Error("directories and an error")
		}
		for _, d := range dirs {
			if !filepath.IsAbs(d) || strings.ContainsAny(d, " \t\n#") {
				t.Errorf("%q is listed as a directory", d)
			}
		}
	})
}
