// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"strings"
	"testing"
)

const pointersHeader = `
struct node { void *next; int n; };
struct plain { void *p; struct node in; };
union holder { void *p; int i; struct node nested; void *list[2]; };
struct packed { char c; void *p; struct node in; } __attribute__((packed));
struct tail { int n; void *ptrs[]; };
struct outer { union { struct { struct { void *deep; } a; } b; long l; }; };
`

// TestPointers checks that the garbage collector does not free the target of a C pointer,
// wherever the pointer is. A pointer that the collector does not see has another type.
func TestPointers(t *testing.T) {
	config := "[[header]]\npath = \"linux/ptr.h\"\nstructs = [\"*\"]\n"
	files := map[string]string{"linux/ptr.h": pointersHeader}
	res, err := buildOne(t, config, files)
	if err != nil {
		t.Fatal(err)
	}
	text := squeeze(rendered(res))
	for _, want := range []string{
		"P unsafe.Pointer In Node",                                   // plain.p is a pointer
		"Next CPointer N int32",                                      // node lies in a union
		"func (x *Holder) P() *CPointer",                             // in a union
		"func (x *Packed) P() CPointer",                              // not aligned
		"func (x *Tail) Ptrs(n int) []CPointer",                      // after the struct
		"type OuterBA struct { _ structs.HostLayout Deep CPointer }", // nested in a union
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, rendered(res))
		}
	}
	vet(t, res, `package x

import (
	"runtime"
	"testing"
	"time"
	"unsafe"
)

func TestCollector(t *testing.T) {
	freed := make(chan string, 8)
	object := func(name string) unsafe.Pointer {
		b := new([64]byte)
		runtime.SetFinalizer(b, func(*[64]byte) { freed <- name })
		return unsafe.Pointer(b)
	}
	var pin runtime.Pinner
	plain, holder, packed, outer := new(Plain), new(Holder), new(Packed), new(Outer)
	plain.P = object("plain")
	*holder.P() = PointTo(object("union"), &pin)
	packed.SetP(PointTo(object("packed"), &pin))
	outer.B().A.Deep = PointTo(object("nested"), &pin)
	for range 5 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case name := <-freed:
		t.Fatalf("%s: freed while still pointed to", name)
	default:
	}
	if holder.P().Pointer() == nil || packed.P().Pointer() == nil || outer.B().A.Deep.Pointer() == nil {
		t.Error("a pointer is gone")
	}
	pin.Unpin()
	// Targets that are not pinned may be freed. This shows that the test can fail.
	for range 50 {
		runtime.GC()
		select {
		case name := <-freed:
			if name == "plain" {
				t.Error("plain: freed while still pointed to")
			}
			runtime.KeepAlive(plain)
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("nothing was freed after Unpin")
	runtime.KeepAlive(plain)
	runtime.KeepAlive(holder)
}
`)
}

// TestFlexible: arrays of no fixed length at the end, in the middle and in a union.
func TestFlexible(t *testing.T) {
	res, err := buildOne(t, "[[header]]\npath = \"linux/flex.h\"\nstructs = [\"*\"]\n", map[string]string{
		"linux/flex.h": "struct end { int n; struct item { short a; short b; } items[]; };\n" +
			"struct middle { int n; int zero[0]; int m; };\n" +
			"struct inside { int n; union { int one; char bytes[0]; }; };\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	text := rendered(res)
	for _, want := range []string{
		"// It is followed by items, an array of no fixed length: see [End.Items].",
		"// At byte 4 of 8 begins zero, an array of no fixed length: see [Middle.Zero].",
		"// At byte 4 of 8 begins bytes, an array of no fixed length: see [Inside.Bytes].",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	vet(t, res, `package x

import (
	"testing"
	"unsafe"
)

func TestElements(t *testing.T) {
	buf := make([]uint32, 4)
	e := (*End)(unsafe.Pointer(&buf[0]))
	e.Items(3)[2].B = 7
	if *(*int16)(unsafe.Add(unsafe.Pointer(&buf[0]), 14)) != 7 {
		t.Errorf("%x", buf)
	}
	if e.Items(0) != nil || e.Items(-1) != nil {
		t.Error("elements where there are none")
	}
	var m Middle
	m.M = 5
	if m.Zero(1)[0] != 5 {
		t.Error(m)
	}
}
`)
}

// TestFullWidth: bit-fields as wide as their types that do not begin at a byte. clang's
// debug information does not describe them as bit-fields.
func TestFullWidth(t *testing.T) {
	dir := headersIn(t, map[string]string{
		"linux/bits.h": "struct straddle { unsigned char a:5; unsigned char b:8; int :3; unsigned short c:16; } __attribute__((packed));\n",
	})
	for _, tt := range []struct{ cc, arch string }{{"gcc", "amd64"}, {"clang", "amd64"}, {"clang", "arm64"}, {"clang", "s390x"}} {
		t.Run(tt.cc+" "+tt.arch, func(t *testing.T) {
			requireCompiler(t, tt.cc)
			res, err := VerifyHeaders(t.Context(), []string{"linux/bits.h"}, VerifyOptions{Include: []string{dir}, Compilers: []string{tt.cc}, Arch: tt.arch})
			if err != nil {
				t.Fatal(err)
			}
			if res.Failed() || res.BitOffsets != 3 {
				t.Errorf("%d bit offsets confirmed: %v %v", res.BitOffsets, res.Failures, res.LeftOut)
			}
		})
	}
}
