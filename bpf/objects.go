// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"xpsgen/uapi"
)

// ErrUnknown: there is no object of this name in [Names].
var ErrUnknown = errors.New("no such BPF object")

// object is one compiled source: its name and its ELF file, in the byte order
// of the machine that this package was built for.
type object struct {
	name string
	elf  []byte
}

func objectTable() []object {
	return []object{
		{"hello0", _Hello0Bytes},
		{"hello1", _Hello1Bytes},
		{"hello2", _Hello2Bytes},
		{"hello_neg1", _HelloNeg1Bytes},
		{"test_cb", _TestCbBytes},
		{"test_const", _TestConstBytes},
		{"test_count", _TestCountBytes},
		{"xps_cpu", _XpsCpuBytes},
		{"xps_flow_hash", _XpsFlowHashBytes},
		{"xps_mark", _XpsMarkBytes},
		{"xps_port", _XpsPortBytes},
		{"xps_uid", _XpsUidBytes},
	}
}

// Names returns the names of all objects, sorted. Each object holds one
// program, which has the object's name.
func Names() []string {
	table := objectTable()
	names := make([]string, len(table))
	for i, o := range table {
		names[i] = o.name
	}
	return names
}

// Object returns the ELF file of the object called name. Written to a file, it can be
// loaded with iproute2 or bpftool. The caller owns the bytes. The error wraps
// [ErrUnknown] if there is no such object.
func Object(name string) ([]byte, error) {
	elf, err := lookup(name)
	return slices.Clone(elf), err
}

// Spec returns the object called name. The caller may change it, and loads it with
// package ebpf. Unlike the generated Load functions, Spec calls [SetType]: the section
// "hello" does not imply a type. The error wraps [ErrUnknown] if there is no such
// object.
func Spec(name string) (*ebpf.CollectionSpec, error) {
	elf, err := lookup(name)
	if err != nil {
		return nil, err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		return nil, fmt.Errorf("BPF object %q: %w", name, err)
	}
	SetType(spec)
	return spec, nil
}

// SetType sets the type BPF_PROG_TYPE_SOCKET_FILTER for every program in spec
// without a type. It sets the attach type BPF_XPS, which links to the hook need, for
// every socket filter without an attach type. A kernel without the hook ignores the
// attach type.
func SetType(spec *ebpf.CollectionSpec) {
	for _, prog := range spec.Programs {
		if prog.Type == ebpf.UnspecifiedProgram {
			prog.Type = ebpf.SocketFilter
		}
		if prog.Type == ebpf.SocketFilter && prog.AttachType == ebpf.AttachNone {
			prog.AttachType = ebpf.AttachType(uapi.BPF_XPS)
		}
	}
}

func lookup(name string) ([]byte, error) {
	for _, o := range objectTable() {
		if o.name == name {
			return o.elf, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
}
