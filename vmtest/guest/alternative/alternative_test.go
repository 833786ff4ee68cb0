// SPDX-License-Identifier: GPL-2.0-only OR MIT

package alternative

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// kernel returns a kernel's BTF with these types.
func kernel(t *testing.T, types ...btf.Type) func() (*btf.Spec, error) {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return func() (*btf.Spec, error) { return spec, nil }
}

var returnSeven = asm.Instructions{asm.Mov.Imm(asm.R0, 7), asm.Return()}

// TestKfuncProgram: the program calls the function that selects the queue, and the kfunc
// with the queue unless that is negative.
func TestKfuncProgram(t *testing.T) {
	kfunc := &btf.Func{Name: kfuncName, Type: &btf.FuncProto{Return: &btf.Void{}}, Linkage: btf.StaticFunc}
	types := kernel(t, &btf.Int{Name: "int", Size: 4}, kfunc)
	spec, err := programSpec(Kfunc, returnSeven, types)
	if err != nil {
		t.Fatal(err)
	}
	if spec.Type != ebpf.SchedCLS || spec.AttachType != ebpf.AttachTCXEgress || spec.License != "GPL" || spec.Name != "alternative" {
		t.Errorf("the program is %+v", spec)
	}
	const want = `0: MovReg dst: r6 src: r1
1: Call -1 <choose>
2: JSLT32Imm dst: r0 off: -1 imm: 0 <next>
3: MovReg dst: r1 src: r6
4: MovReg32 dst: r2 src: r0
5: Call Kfunc
6: MovImm dst: r0 imm: -1
7: Exit
8: MovImm dst: r0 imm: 7
9: Exit
`
	var got strings.Builder
	for i, ins := range spec.Instructions {
		text := fmt.Sprint(ins)
		if i == 5 {
			text = "Call"
			if ins.OpCode.JumpOp() == asm.Call && ins.Src == asm.PseudoKfuncCall {
				text = "Call Kfunc"
			}
		}
		got.WriteString(string(rune('0'+i)) + ": " + text + "\n")
	}
	if got.String() != want {
		t.Errorf("got\n%s\nexpected\n%s", &got, want)
	}
	all, err := types()
	if err != nil {
		t.Fatal(err)
	}
	var found *btf.Func
	if err := all.TypeByName(kfuncName, &found); err != nil {
		t.Fatal(err)
	}
	if id, err := all.TypeID(found); err != nil || spec.Instructions[5].Constant != int64(id) {
		t.Errorf("calls type %d, expected %d: %v", spec.Instructions[5].Constant, id, err)
	}
	for i, symbol := range map[int]string{6: "next", 8: chooseName} {
		if got := spec.Instructions[i].Symbol(); got != symbol {
			t.Errorf("instruction %d is %q, expected %q", i, got, symbol)
		}
	}
	if returnSeven[0].Symbol() != "" {
		t.Error("the instructions of the caller changed")
	}
}

func TestProgramSpec(t *testing.T) {
	broken := errors.New("no BTF")
	spec, err := programSpec(StructOps, returnSeven, nil)
	if err != nil || spec.Type != ebpf.StructOps || spec.AttachTo != "xps_ops:select_queue" || len(spec.Instructions) != 2 {
		t.Errorf("%+v, %v", spec, err)
	}
	if _, err := programSpec("nosuch", returnSeven, nil); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), `"nosuch"`) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := programSpec(Kfunc, returnSeven, func() (*btf.Spec, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("a kernel without BTF: %v", err)
	}
	if _, err := programSpec(Kfunc, returnSeven, kernel(t, &btf.Int{Name: "int", Size: 4})); !errors.Is(err, btf.ErrNotFound) || !strings.Contains(err.Error(), kfuncName) {
		t.Errorf("a kernel without the kfunc: %v", err)
	}
}

// TestUnknown: Load and Attach reject unknown keys. Load also fails for a known one, since
// the kernel of this machine does not have the alternatives.
func TestUnknown(t *testing.T) {
	if p, err := Load("nosuch", returnSeven); !errors.Is(err, ErrUnknown) || p != nil {
		t.Errorf("load: %v, %v", p, err)
	}
	if c, err := Attach("nosuch", 1, nil); !errors.Is(err, ErrUnknown) || c != nil {
		t.Errorf("attach: %v, %v", c, err)
	}
	for _, key := range []string{Kfunc, StructOps} {
		if p, err := Load(key, returnSeven); err == nil || p != nil {
			t.Errorf("load %s on a kernel without it: %v", key, err)
		}
	}
}

// types returns the struct in the map. It has other members first, so that no offset is 0.
func types(inner btf.Type, members ...string) []btf.Type {
	word := &btf.Int{Name: "int", Size: 4}
	ops := &btf.Struct{Name: opsName, Size: 24}
	for i, m := range members {
		ops.Members = append(ops.Members, btf.Member{Name: m, Type: word, Offset: btf.Bits(64 * (i + 1))})
	}
	if inner == nil {
		inner = ops
	}
	return []btf.Type{&btf.Struct{Name: opsValue, Size: 40, Members: []btf.Member{
		{Name: "other", Type: word}, {Name: opsData, Type: inner, Offset: 128},
	}}}
}

func TestOpsMap(t *testing.T) {
	spec, err := kernel(t, types(nil, opsMember, opsIfindex)...)()
	if err != nil {
		t.Fatal(err)
	}
	m, value, err := opsMap(spec, 5, 9)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 40)
	binary.NativeEndian.PutUint64(want[16+8:], 9)
	binary.NativeEndian.PutUint32(want[16+16:], 5)
	if !bytes.Equal(value, want) {
		t.Errorf("value %x, expected %x", value, want)
	}
	if m.Type != ebpf.StructOpsMap || m.KeySize != 4 || m.ValueSize != 40 || m.MaxEntries != 1 {
		t.Errorf("the map is %+v", m)
	}
	key, _ := btf.As[*btf.Int](m.Key)
	ops, _ := btf.As[*btf.Struct](m.Value)
	if key == nil || key.Size != 4 || ops == nil || ops.Name != opsName || ops.Size != 24 {
		t.Errorf("the map has the types %v and %v", m.Key, m.Value)
	}
}

func TestOpsMapFails(t *testing.T) {
	word := &btf.Int{Name: "int", Size: 4}
	for want, all := range map[string][]btf.Type{
		"find struct " + opsValue + " in BTF: ":             {word},
		"struct " + opsValue + " has no member data":        {&btf.Struct{Name: opsValue, Size: 8}},
		"struct " + opsValue + ": data is not a struct":     types(word),
		"struct " + opsName + " has no member select_queue": types(nil, opsIfindex),
		"struct " + opsName + " has no member ifindex":      types(nil, opsMember),
	} {
		spec, err := kernel(t, all...)()
		if err != nil {
			t.Fatal(err)
		}
		if m, _, err := opsMap(spec, 5, 9); err == nil || !strings.HasPrefix(err.Error(), want) || m != nil {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}
