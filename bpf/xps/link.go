// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// LinkOptions say where [AttachLink] attaches. The zero value means the network
// namespace of the calling thread.
type LinkOptions struct {
	// NetNS is a file descriptor of the network namespace of the device. The
	// caller keeps it. 0 means the namespace of the calling thread.
	NetNS int
}

// UpdateOptions are the conditions of [Link.Update]. The zero value has none.
type UpdateOptions struct {
	// Expected, if not nil, replaces only this program. The caller keeps and
	// closes it.
	Expected *ebpf.Program
}

// LinkInfo describes a link.
type LinkInfo struct {
	// ID is the id of the link.
	ID ebpflink.ID
	// ProgramID is the id of the program. A detached link still has its program.
	ProgramID ebpf.ProgramID
	// Ifindex is the index of the device in the network namespace of the device. It
	// is 0 if the link is detached or the device is gone.
	Ifindex int
}

// Link is an attachment that lasts until nobody holds the link any more, or the device
// is deleted. While it lasts, nobody can replace or detach the program by netlink.
//
// The kernel detaches the program when the last descriptor of the link is closed and
// no file pins it. A Link closes its descriptor in [Link.Close]. The garbage
// collector also closes the descriptor of a Link that the Go program can no longer
// reach, such as one in a local variable that the function no longer uses. To keep the
// attachment, defer [Link.Close], or call [Link.Pin] or [Link.Disown].
//
// Several goroutines may use a Link. After Close, [Link.FD] returns -1, and every other
// method but Close returns an error wrapping [os.ErrClosed].
//
// If the context ends a call, the kernel may still change the link.
type Link struct {
	mu     sync.Mutex
	raw    *ebpflink.RawLink // nil in the zero Link
	users  int               // calls that use raw
	closed bool
	// free closes raw. It may wait for other changes of network devices, so no caller
	// holds mu.
	free func() error

	pin    sync.Mutex
	pinned string // the file that holds the link, empty if there is none known
}

// AttachLink attaches prog to a device until nobody holds the link any more: see
// [Link]. A nil opt means the defaults. The caller closes the Link, and may close prog
// at once.
//
// It needs a kernel whose hook has links (see [Client.Features]) and
// CAP_NET_ADMIN in the user namespace of the network namespace.
//
// The error wraps [ErrAttached] if the device has a program, and [ErrBadProgram] if
// prog cannot be linked to the hook. It wraps [ErrNotSupported] if the kernel does not
// have links to the hook. Others are [ErrDevice], [ErrNoDevice], [ErrNetNS] and
// [ErrPermission]. If ctx ends the call, nothing stays attached.
func AttachLink(ctx context.Context, ifindex int, prog *ebpf.Program, opt *LinkOptions) (*Link, error) {
	if opt == nil {
		opt = &LinkOptions{}
	}
	if err := checkIfindex(opLink, ifindex); err != nil {
		return nil, err
	}
	own, err := cloneFilter(opLink, ifindex, prog)
	if err != nil {
		return nil, err
	}
	raw, err := await(ctx, work[*ebpflink.RawLink]{
		do: func() (raw *ebpflink.RawLink, err error) {
			err = inNetNS(opt.NetNS, func() (err error) {
				raw, err = createLink(ifindex, own)
				return err
			})
			return raw, err
		},
		discard: func(raw *ebpflink.RawLink) { raw.Close() },
		release: func() { own.Close() },
	})
	if err != nil {
		return nil, newError(opLink, ifindex, err)
	}
	return newLink(raw), nil
}

// newLink returns the Link of raw, and takes over raw.
func newLink(raw *ebpflink.RawLink) *Link { return &Link{raw: raw, free: raw.Close} }

// createLink returns a link to the hook of a device.
func createLink(ifindex int, prog *ebpf.Program) (*ebpflink.RawLink, error) {
	raw, err := ebpflink.AttachRawLink(ebpflink.RawLinkOptions{Target: ifindex, Program: prog, Attach: AttachType})
	if err == nil {
		return raw, nil
	}
	if errors.Is(err, ebpflink.ErrNotSupported) {
		return nil, fmt.Errorf("%w: %w", ErrNotSupported, err)
	}
	ce := (*callError)(nil)
	if err = answered(callLinkCreate, err); errors.As(err, &ce) && (ce.errno == unix.EINVAL || ce.errno == unix.EOPNOTSUPP) {
		return nil, explainCreate(ce, probeLinks)
	}
	return nil, err
}

// explainCreate explains EINVAL and EOPNOTSUPP of BPF_LINK_CREATE. A kernel without
// links to the hook answers every request with one of them. probe is [probeLinks].
func explainCreate(ce *callError, probe func() (bool, error)) error {
	e := &Error{Op: opLink, Call: string(ce.call), Errno: ce.errno}
	has, err := probe()
	switch {
	case err != nil:
		// The errno of the probe is not the one of the call.
		e.Err = fmt.Errorf("%w, and the check for BPF links to the hook failed: %v", ce.errno, err)
	case !has:
		e.Err = fmt.Errorf("%w: it does not support BPF links to the hook", ErrNotSupported)
	case ce.errno == unix.EOPNOTSUPP:
		e.Err = ErrDevice
	default:
		e.Err, e.Remedy = ErrBadProgram, needAttachType
	}
	return e
}

// Update replaces the program of the link. The change is atomic: the kernel runs the
// old or the new program for each packet. A nil opt means no conditions. Updating to
// the same program changes nothing and is not an error. The caller may close prog
// afterwards.
//
// The error wraps [ErrUnexpectedProgram] if a condition in opt does not hold, and
// [ErrDetached] if the link is detached or its device is gone. It wraps
// [ErrBadProgram] if prog cannot be linked to the hook.
func (l *Link) Update(ctx context.Context, prog *ebpf.Program, opt *UpdateOptions) error {
	if opt == nil {
		opt = &UpdateOptions{}
	}
	progs := make([]*ebpf.Program, 0, 2)
	closeAll := func() {
		for _, p := range progs {
			p.Close()
		}
	}
	p, err := cloneFilter(opUpdate, 0, prog)
	if err != nil {
		return err
	}
	progs = append(progs, p)
	if opt.Expected != nil {
		p, err := clone(opUpdate, 0, opt.Expected)
		if err != nil {
			closeAll()
			return err
		}
		progs = append(progs, p)
	}
	return l.use(ctx, opUpdate, func(raw *ebpflink.RawLink) error { return update(raw, progs) }, closeAll)
}

// update replaces the program of raw by the first of progs. If there is a second, it
// replaces only that one.
func update(raw *ebpflink.RawLink, progs []*ebpf.Program) error {
	if len(progs) == 1 {
		return answered(callLinkUpdate, raw.UpdateArgs(ebpflink.RawLinkUpdateOptions{New: progs[0]}))
	}
	return answered(callLinkReplace, raw.UpdateArgs(ebpflink.RawLinkUpdateOptions{
		New: progs[0], Old: progs[1], Flags: uapi.BPF_F_REPLACE,
	}))
}

// Detach detaches the program. The link cannot attach it again. The caller still
// closes the Link. Detaching twice is not an error.
func (l *Link) Detach(ctx context.Context) error {
	return l.use(ctx, opDetach, func(raw *ebpflink.RawLink) error {
		return answered(callLinkDetach, raw.Detach())
	}, nil)
}

// Info returns the state of the link.
func (l *Link) Info(ctx context.Context) (LinkInfo, error) {
	return useLink(ctx, l, opInfo, linkInfo, nil)
}

// FD returns the descriptor of the link, for passing it to another process. The
// Link keeps and closes it. FD returns -1 once the Link is closed.
func (l *Link) FD() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.raw == nil {
		return -1
	}
	return l.raw.FD()
}

// Disown closes the Link and returns a descriptor that holds the attachment.
// Neither this package nor the garbage collector closes it: the program stays
// attached until the caller closes the descriptor, or the process ends. The
// descriptor is close-on-exec. [LinkFromFD] makes a Link of it.
func (l *Link) Disown() (fd int, err error) {
	free := func() error { return nil }
	fd, err = -1, errClosed
	l.mu.Lock()
	if !l.closed && l.raw != nil {
		fd, err = unix.FcntlInt(uintptr(l.raw.FD()), unix.F_DUPFD_CLOEXEC, 0)
		if err = os.NewSyscallError("fcntl", err); err == nil {
			free = l.close()
		}
	}
	l.mu.Unlock()
	if err != nil {
		return -1, newError(opDisown, 0, err)
	}
	return fd, newError(opClose, 0, free())
}

// Close releases the link. If nobody else holds it, the kernel detaches the program.
// Close then waits while the kernel makes other changes of network devices. If calls
// of l are in progress, Close returns at once, and the last of them releases the link.
// Closing twice does nothing.
func (l *Link) Close() error {
	l.mu.Lock()
	free := l.close()
	l.mu.Unlock()
	return newError(opClose, 0, free())
}

// close marks the Link as closed. The caller holds mu, and calls the result without mu.
func (l *Link) close() (free func() error) {
	if l.closed || l.raw == nil || l.users > 0 {
		free = func() error { return nil }
	} else {
		free = l.free
	}
	l.closed = true
	return free
}

// acquire returns the link for a call, which calls release when it ends.
func (l *Link) acquire() (*ebpflink.RawLink, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.raw == nil {
		return nil, errClosed
	}
	l.users++
	return l.raw, nil
}

func (l *Link) release() {
	l.mu.Lock()
	l.users--
	last := l.closed && l.users == 0
	l.mu.Unlock()
	if last {
		// Nobody waits for an error.
		_ = l.free()
	}
}

// use calls f with the link. It calls done after f, or instead of f.
func (l *Link) use(ctx context.Context, op string, f func(*ebpflink.RawLink) error, done func()) error {
	_, err := useLink(ctx, l, op, func(raw *ebpflink.RawLink) (struct{}, error) { return struct{}{}, f(raw) }, done)
	return err
}

// useLink is use for an f with a result.
func useLink[T any](ctx context.Context, l *Link, op string, f func(*ebpflink.RawLink) (T, error), done func()) (T, error) {
	if done == nil {
		done = func() {}
	}
	raw, err := l.acquire()
	if err != nil {
		done()
		var none T
		return none, newError(op, 0, err)
	}
	v, err := await(ctx, work[T]{
		do:      func() (T, error) { return f(raw) },
		release: func() { done(); l.release() },
	})
	return v, newError(op, 0, err)
}
