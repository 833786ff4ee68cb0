// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"fmt"
	"os"

	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// OpenLink opens a link that [Link.Pin] pinned. The caller closes it.
//
// OpenLink looks path up on the calling thread, in its mount namespace and working
// directory. The lookup ignores ctx, which limits only the wait for changes of devices.
//
// The error wraps [os.ErrNotExist] if there is no file at path, and [ErrPermission] if its
// mode does not permit reading and writing it. It wraps [ErrNotLink] if the file is not a
// pinned link to the hook.
func OpenLink(ctx context.Context, path string) (*Link, error) {
	if ctx.Err() != nil {
		return nil, newError(opOpen, 0, context.Cause(ctx))
	}
	fd, err := objGet(path)
	if err != nil {
		return nil, newError(opOpen, 0, explainOpen(path, err))
	}
	if isLink, _ := isLink(fd); !isLink {
		unix.Close(fd)
		return nil, &Error{Op: opOpen, Err: fmt.Errorf("%w: another object is pinned at %s", ErrNotLink, path)}
	}
	l, err := openFD(ctx, fd)
	if err != nil {
		return nil, err
	}
	l.pinned = path
	return l, nil
}

// OpenLinkID opens the link of this id. The caller closes it. It needs
// CAP_SYS_ADMIN.
//
// The error wraps [ErrNotLink] if the link is not to the hook, [os.ErrNotExist]
// if there is no link of this id, and [ErrPermission].
func OpenLinkID(ctx context.Context, id ebpflink.ID) (*Link, error) {
	return openLink(ctx, func() (ebpflink.Link, error) {
		l, err := ebpflink.NewFromID(id)
		return l, answered(callLinkByID, err)
	}, func() {})
}

// LinkFromFD returns a Link for a descriptor, of [Link.Disown] or received from
// another process. The caller keeps and closes fd; the Link has a descriptor of
// its own, and the caller closes the Link.
//
// The error wraps [ErrNotLink] if fd is not a link to the hook, and EBADF if it is
// not open.
func LinkFromFD(ctx context.Context, fd int) (*Link, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, newError(opOpen, 0, os.NewSyscallError("fcntl", err))
	}
	if isLink, kind := isLink(own); !isLink {
		unix.Close(own)
		return nil, &Error{Op: opOpen, Err: fmt.Errorf("%w: descriptor %d is %s", ErrNotLink, fd, kind)}
	}
	return openFD(ctx, own)
}

// isLink reports whether fd is a BPF link, and returns its kind. BPF_OBJ_GET_INFO_BY_FD
// would also succeed for a program or a map. Without /proc, isLink returns true.
func isLink(fd int) (bool, string) {
	kind, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return err != nil || kind == "anon_inode:bpf_link" || kind == "anon_inode:bpf-link", kind
}

// openFD returns the Link for a descriptor. It takes over fd.
func openFD(ctx context.Context, fd int) (*Link, error) {
	taken := false
	return openLink(ctx, func() (ebpflink.Link, error) {
		taken = true
		l, err := ebpflink.NewFromFD(fd)
		return l, answered(callObjInfo, err)
	}, func() {
		if !taken {
			unix.Close(fd)
		}
	})
}

// openLink returns the Link for the link that open returns. It calls release after
// open, or instead of open.
func openLink(ctx context.Context, open func() (ebpflink.Link, error), release func()) (*Link, error) {
	l, err := await(ctx, work[*Link]{
		do: func() (*Link, error) {
			opened, err := open()
			if err != nil {
				return nil, err
			}
			// Package link returns a RawLink only for kinds of links that it does
			// not know.
			raw, ok := opened.(*ebpflink.RawLink)
			if !ok {
				opened.Close()
				return nil, fmt.Errorf("%w: it is a %T", ErrNotLink, opened)
			}
			if _, err := linkInfo(raw); err != nil {
				raw.Close()
				return nil, err
			}
			return newLink(raw), nil
		},
		discard: func(l *Link) { l.Close() },
		release: release,
	})
	return l, newError(opOpen, 0, err)
}
