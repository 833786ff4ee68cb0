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

// ErrUnknown is wrapped by the errors about a name that is not in [Names].
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

// Object returns the ELF file called name, for writing to name+".o" where
// iproute2 or bpftool can take it. The bytes are the caller's. Returns an error
// wrapping [ErrUnknown] if there is none of that name.
func Object(name string) ([]byte, error) {
	elf, err := lookup(name)
	return slices.Clone(elf), err
}

// Spec returns the object called name, ready to be changed and loaded: like
// the Load functions, but with the type set that the XPS hook wants, which
// the section "hello" does not tell. Returns an error wrapping [ErrUnknown] if
// there is none of that name.
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
// without a type, and the attach type BPF_XPS, which links to the hook need, for
// every socket filter without one. A kernel without the hook ignores the latter.
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
