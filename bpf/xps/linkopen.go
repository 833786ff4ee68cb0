// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// ErrNotBPFFS: the path is not in a BPF file system.
var ErrNotBPFFS = errors.New("not in a BPF file system")

// OpenLink opens a link that [Link.Pin] pinned. The caller closes it.
//
// The error wraps [ErrNotLink] if path is anything but a pinned link to the hook,
// [os.ErrNotExist] if there is no such file, and [ErrPermission] if its mode does
// not permit reading and writing it.
//
// The path is looked up on another thread, unless ctx cannot end. A caller whose
// thread has a mount namespace of its own has to pass [context.Background].
func OpenLink(ctx context.Context, path string) (*Link, error) {
	return openLink(ctx, func() (ebpflink.Link, error) {
		l, err := ebpflink.LoadPinnedLink(path, nil)
		if err != nil {
			return nil, explainOpen(path, err)
		}
		return l, nil
	})
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
	})
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
	// Only then is what the descriptor refers to asked as a link.
	if kind, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", own)); err == nil && kind != "anon_inode:bpf_link" && kind != "anon_inode:bpf-link" {
		unix.Close(own)
		return nil, &Error{Op: opOpen, Err: fmt.Errorf("%w: descriptor %d is %s", ErrNotLink, fd, kind)}
	}
	return openLink(ctx, func() (ebpflink.Link, error) {
		l, err := ebpflink.NewFromFD(own)
		return l, answered(callObjInfo, err)
	})
}

// openLink returns the Link for what open returns.
func openLink(ctx context.Context, open func() (ebpflink.Link, error)) (*Link, error) {
	l, err := await(ctx, work[*Link]{
		do: func() (*Link, error) {
			opened, err := open()
			if err != nil {
				return nil, err
			}
			// Links of types that package link knows are of another type.
			raw, ok := opened.(*ebpflink.RawLink)
			if !ok {
				opened.Close()
				return nil, fmt.Errorf("%w: it is a %T", ErrNotLink, opened)
			}
			if _, err := linkInfo(raw); err != nil {
				raw.Close()
				return nil, err
			}
			return &Link{raw: raw}, nil
		},
		discard: func(l *Link) { l.Close() },
		release: func() {},
	})
	return l, newError(opOpen, 0, err)
}

// explainOpen says what an error of BPF_OBJ_GET means. The kernel answers EACCES
// to a mode that forbids access, to a file of another file system, and to a
// directory; and package link has an error without a type for a program or a map.
func explainOpen(path string, cause error) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w", err)
	case errors.Is(err, os.ErrPermission):
		return &Error{Op: opOpen, Err: fmt.Errorf("%w: %w", ErrPermission, err)}
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %s is not a pinned object", ErrNotLink, path)
	}
	if err := isBPFFS(path); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLink, err)
	}
	errno := unix.Errno(0)
	if !errors.As(cause, &errno) {
		return fmt.Errorf("%w: another object is pinned at %s", ErrNotLink, path)
	}
	if (errno == unix.EACCES || errno == unix.EPERM) && unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK|unix.W_OK, unix.AT_EACCESS) != nil {
		return &Error{Op: opOpen, Call: string(callObjGet), Errno: errno, Err: ErrPermission,
			Remedy: "needs read and write permission for " + path}
	}
	return answered(callObjGet, cause)
}

// checkBPFFS rejects a path for a new file that is not in a BPF file system.
func checkBPFFS(path string) error {
	if path == "" {
		return fmt.Errorf("%w: the path is empty", ErrBadOptions)
	}
	return isBPFFS(filepath.Dir(path))
}

func isBPFFS(path string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	if int64(st.Type) != unix.BPF_FS_MAGIC {
		return fmt.Errorf("%w: %s", ErrNotBPFFS, path)
	}
	return nil
}
