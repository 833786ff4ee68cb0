// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// ErrNotBPFFS: the path is not in a BPF file system.
var ErrNotBPFFS = errors.New("not in a BPF file system")

// Pin makes a file in a BPF file system that holds the link, so that the link
// outlives Close and the process. [OpenLink] opens it. If the Link has such a file
// already, Pin moves it to path.
//
// The error wraps [os.ErrExist] if there is a file at path, and [ErrNotBPFFS] if path is
// in another file system. It wraps [ErrPermission] or [os.ErrPermission] if the directory
// is not writable, and [ErrBadOptions] if path is empty.
func (l *Link) Pin(path string) error {
	return l.use(context.Background(), opPin, func(raw *ebpflink.RawLink) error {
		if err := checkBPFFS(path); err != nil {
			return err
		}
		l.pin.Lock()
		defer l.pin.Unlock()
		if l.pinned == path {
			return nil
		}
		if l.pinned != "" {
			// rename(2) would replace a file at path.
			err := unix.Renameat2(unix.AT_FDCWD, l.pinned, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
			if err == nil {
				l.pinned = path
				return nil
			}
			// Somebody else may have removed the file.
			if err != unix.ENOENT {
				return &os.LinkError{Op: "rename", Old: l.pinned, New: path, Err: err}
			}
		}
		if err := objPin(raw, path); err != nil {
			return err
		}
		l.pinned = path
		return nil
	}, nil)
}

// Unpin removes the file that [Link.Pin] made, or from which [OpenLink] opened the
// Link. Without such a file it does nothing.
func (l *Link) Unpin() error {
	return l.use(context.Background(), opUnpin, func(*ebpflink.RawLink) error {
		l.pin.Lock()
		defer l.pin.Unlock()
		if l.pinned == "" {
			return nil
		}
		if err := os.Remove(l.pinned); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		l.pinned = ""
		return nil
	}, nil)
}

// objPin pins the link at path.
func objPin(raw *ebpflink.RawLink, path string) error {
	attr := &uapi.BpfAttr{}
	*attr.BpfFd() = uint32(raw.FD())
	_, err := objCall(uapi.BPF_OBJ_PIN, attr, path)
	runtime.KeepAlive(raw)
	return answered(callObjPin, err)
}

// objGet returns a descriptor of the object that is pinned at path. Package link would
// also read the state of the link, which waits for changes of devices.
func objGet(path string) (int, error) { return objCall(uapi.BPF_OBJ_GET, &uapi.BpfAttr{}, path) }

// objCall makes a system call for an object at path.
func objCall(cmd uintptr, attr *uapi.BpfAttr, path string) (int, error) {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	var pin runtime.Pinner
	pin.Pin(name)
	defer pin.Unpin()
	*attr.Pathname() = uint64(uintptr(unsafe.Pointer(name)))
	fd, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// explainOpen explains an error of BPF_OBJ_GET. The kernel answers EACCES if the mode
// forbids access, and for files of other file systems and directories.
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
	if errors.As(cause, &errno) && (errno == unix.EACCES || errno == unix.EPERM) &&
		unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK|unix.W_OK, unix.AT_EACCESS) != nil {
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
