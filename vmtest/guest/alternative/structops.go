// SPDX-License-Identifier: GPL-2.0-only OR MIT

package alternative

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Names of the struct_ops, of its function, and of the member that names the device.
const (
	opsName    = "xps_ops"
	opsMember  = "select_queue"
	opsIfindex = "ifindex"
	// opsValue is the kernel's value of the map, with opsData in it.
	opsValue = "bpf_struct_ops_" + opsName
	opsData  = "data"
)

// ops is a struct_ops that is attached.
type ops struct{ m *ebpf.Map }

// Close detaches the struct_ops.
func (o ops) Close() error { return errors.Join(o.m.Delete(uint32(0)), o.m.Close()) }

func attachOps(ifindex int, prog *ebpf.Program) (io.Closer, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("load the BTF of the kernel: %w", err)
	}
	mapSpec, bytes, err := opsMap(spec, ifindex, prog.FD())
	if err != nil {
		return nil, err
	}
	m, err := ebpf.NewMap(mapSpec)
	if err != nil {
		return nil, fmt.Errorf("create struct_ops: %w", err)
	}
	if err := m.Put(uint32(0), bytes); err != nil {
		return nil, errors.Join(fmt.Errorf("attach struct_ops: %w", err), m.Close())
	}
	return ops{m}, nil
}

// opsMap returns the map of the struct_ops, and the value that attaches the program prog to
// a device.
func opsMap(spec *btf.Spec, ifindex, prog int) (*ebpf.MapSpec, []byte, error) {
	var value *btf.Struct
	if err := spec.TypeByName(opsValue, &value); err != nil {
		return nil, nil, fmt.Errorf("find struct %s in BTF: %w", opsValue, err)
	}
	data, err := member(value, opsData)
	if err != nil {
		return nil, nil, err
	}
	inner, ok := btf.As[*btf.Struct](data.Type)
	if !ok {
		return nil, nil, fmt.Errorf("struct %s: %s is not a struct", opsValue, opsData)
	}
	function, err := member(inner, opsMember)
	if err != nil {
		return nil, nil, err
	}
	index, err := member(inner, opsIfindex)
	if err != nil {
		return nil, nil, err
	}
	bytes := make([]byte, value.Size)
	binary.NativeEndian.PutUint64(bytes[(data.Offset+function.Offset).Bytes():], uint64(prog))
	binary.NativeEndian.PutUint32(bytes[(data.Offset+index.Offset).Bytes():], uint32(ifindex))
	return &ebpf.MapSpec{
		Name: "alternative", Type: ebpf.StructOpsMap, KeySize: 4, ValueSize: value.Size, MaxEntries: 1,
		Key: &btf.Int{Name: "int", Size: 4}, Value: &btf.Struct{Name: opsName, Size: inner.Size},
	}, bytes, nil
}

// member returns a member of a struct.
func member(s *btf.Struct, name string) (btf.Member, error) {
	for _, m := range s.Members {
		if m.Name == name {
			return m, nil
		}
	}
	return btf.Member{}, fmt.Errorf("struct %s has no member %s", s.Name, name)
}
