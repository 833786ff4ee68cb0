// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// handle is a program in a request. It has its own descriptor, because the kernel may
// look the descriptor up after the call has returned. By then, the caller may have
// closed the program, and its descriptor may refer to another file.
type handle struct {
	fd  int
	typ ebpf.ProgramType
	// owned says that close closes fd.
	owned bool
}

// usable rejects a program that is nil or closed. A closed program has the
// descriptor -1, which in a request means to detach, or to expect no program.
func usable(op string, ifindex int, prog *ebpf.Program) error {
	switch {
	case prog == nil:
		return &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: it is nil", ErrBadProgram)}
	case prog.FD() < 0:
		return &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: it is closed", ErrBadProgram)}
	}
	return nil
}

// handleOf returns a handle of a program. The caller closes it.
func handleOf(op string, ifindex int, prog *ebpf.Program) (handle, error) {
	if err := usable(op, ifindex, prog); err != nil {
		return handle{fd: -1}, err
	}
	return duplicate(op, ifindex, prog)
}

func duplicate(op string, ifindex int, prog *ebpf.Program) (handle, error) {
	fd, err := unix.FcntlInt(uintptr(prog.FD()), unix.F_DUPFD_CLOEXEC, 0)
	runtime.KeepAlive(prog)
	if err != nil {
		return handle{fd: -1}, newError(op, ifindex, fmt.Errorf("duplicate the program: %w", err))
	}
	return handle{fd: fd, typ: prog.Type(), owned: true}, nil
}

// close closes the descriptor. A handle of no program has none.
func (h handle) close() {
	if h.owned {
		unix.Close(h.fd)
	}
}

// clone returns prog with a descriptor of its own. The caller closes it.
func clone(op string, ifindex int, prog *ebpf.Program) (*ebpf.Program, error) {
	if err := usable(op, ifindex, prog); err != nil {
		return nil, err
	}
	p, err := prog.Clone()
	if err != nil {
		return nil, newError(op, ifindex, fmt.Errorf("duplicate the program: %w", err))
	}
	return p, nil
}

// cloneFilter is clone for a program that must be a socket filter. It checks the type,
// because EINVAL of the kernel has other causes, too.
func cloneFilter(op string, ifindex int, prog *ebpf.Program) (*ebpf.Program, error) {
	p, err := clone(op, ifindex, prog)
	if err == nil && p.Type() != ebpf.SocketFilter {
		err = &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: its type is %s, want %s", ErrBadProgram, p.Type(), ebpf.SocketFilter)}
		p.Close()
		p = nil
	}
	return p, err
}
