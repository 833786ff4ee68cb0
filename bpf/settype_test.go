// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"testing"

	"github.com/cilium/ebpf"

	"xpsgen/bpf"
	"xpsgen/uapi"
)

// TestSetType: SetType changes only programs without a type, and socket filters without
// an attach type.
func TestSetType(t *testing.T) {
	const hook = ebpf.AttachType(uapi.BPF_XPS)
	for name, tt := range map[string]struct {
		typ, wantType      ebpf.ProgramType
		attach, wantAttach ebpf.AttachType
	}{
		"no type":                        {ebpf.UnspecifiedProgram, ebpf.SocketFilter, ebpf.AttachNone, hook},
		"socket filter":                  {ebpf.SocketFilter, ebpf.SocketFilter, ebpf.AttachNone, hook},
		"socket filter with attach type": {ebpf.SocketFilter, ebpf.SocketFilter, ebpf.AttachSkSKBStreamParser, ebpf.AttachSkSKBStreamParser},
		"another type":                   {ebpf.XDP, ebpf.XDP, ebpf.AttachNone, ebpf.AttachNone},
		"another type with attach type":  {ebpf.XDP, ebpf.XDP, ebpf.AttachXDPCPUMap, ebpf.AttachXDPCPUMap},
	} {
		prog := &ebpf.ProgramSpec{Type: tt.typ, AttachType: tt.attach}
		bpf.SetType(&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"p": prog}})
		if prog.Type != tt.wantType || prog.AttachType != tt.wantAttach {
			t.Errorf("%s: type %v, attach type %v, want %v and %v", name, prog.Type, prog.AttachType, tt.wantType, tt.wantAttach)
		}
	}
}
