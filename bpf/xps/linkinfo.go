// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// linkInfo makes the system call itself, because package link does not return the
// device of links of this type.
func linkInfo(l *ebpflink.RawLink) (LinkInfo, error) {
	// The request holds the address as an integer, which does not follow the
	// memory if it moves.
	raw := &uapi.BpfLinkInfo{}
	var pin runtime.Pinner
	pin.Pin(raw)
	defer pin.Unpin()

	attr := &uapi.BpfAttr{}
	*attr.Info() = uapi.BpfAttrInfo{
		BpfFd:   uint32(l.FD()),
		InfoLen: uint32(unsafe.Sizeof(*raw)),
		Info:    uint64(uintptr(unsafe.Pointer(raw))),
	}
	_, _, errno := unix.Syscall(unix.SYS_BPF, uapi.BPF_OBJ_GET_INFO_BY_FD,
		uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	runtime.KeepAlive(l)
	if errno != 0 {
		return LinkInfo{}, &callError{call: callObjInfo, errno: errno}
	}
	if raw.Type != uapi.BPF_LINK_TYPE_XPS {
		return LinkInfo{}, fmt.Errorf("%w: it is a link of type %d", ErrNotLink, raw.Type)
	}
	return LinkInfo{
		ID:        ebpflink.ID(raw.Id),
		ProgramID: ebpf.ProgramID(raw.ProgId),
		Ifindex:   int(raw.Xps().Ifindex),
	}, nil
}
