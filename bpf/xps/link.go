// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// LinkOptions say where [AttachLink] attaches. The zero value means the network
// namespace of the calling thread.
type LinkOptions struct {
	// NetNS is a file descriptor of the network namespace that the device is
	// in. It is needed during the call only, and remains the caller's. 0
	// means the namespace of the calling thread.
	NetNS int
}

// UpdateOptions are the conditions of [Link.Update]. The zero value means none.
type UpdateOptions struct {
	// Expected, if not nil, updates only in place of this very program. It
	// remains the caller's.
	Expected *ebpf.Program
}

// LinkInfo is what a link is about.
type LinkInfo struct {
	// ID is the id of the link.
	ID ebpflink.ID
	// ProgramID is the id of the program, which the link keeps when it is
	// detached.
	ProgramID ebpf.ProgramID
	// Ifindex is the device, as it is numbered in the network namespace that
	// it is in; 0 if the link is detached, or the device gone.
	Ifindex int
}

// Link is an attachment that belongs to who holds it, and not to the device: it
// ends when the Link is closed, unless it was pinned or its descriptor passed on.
// Nobody else can replace or detach the program by netlink meanwhile: what
// [Client] and ip try fails, with an error wrapping [ErrLinked] from [Client].
//
// A Link may be used by several goroutines, but not closed meanwhile.
type Link struct{ raw *ebpflink.RawLink }

// AttachLink makes prog choose the tx queues of a device for as long as the link
// lives. A nil opt means the defaults. prog remains the caller's and may be
// closed afterwards. Close the Link after use.
//
// The kernel does not warn of a driver that chooses queues by itself when
// attaching by a link: if in doubt, [Client.Attach] once and look at
// [Config.Warn].
//
// The error wraps [ErrAttached] if the device has a program, however it was
// attached; [ErrBadProgram] if prog is not a socket filter, [ErrNoDevice],
// [ErrPermission], or [ErrNotSupported] if this kernel has no links to the hook.
func AttachLink(ifindex int, prog *ebpf.Program, opt *LinkOptions) (*Link, error) {
	if opt == nil {
		opt = &LinkOptions{}
	}
	if err := checkIfindex(opLink, ifindex); err != nil {
		return nil, err
	}
	p, err := handleOf(opLink, ifindex, prog)
	if err != nil {
		return nil, err
	}
	// The kernel tells a wrong type from an attach type that it does not know
	// by nothing: both are EINVAL.
	if p.typ != ebpf.SocketFilter {
		return nil, &Error{Op: opLink, Ifindex: ifindex,
			Err: fmt.Errorf("%w: its type is %s", ErrBadProgram, p.typ)}
	}

	var raw *ebpflink.RawLink
	err = inNetNS(opt.NetNS, func() (err error) {
		raw, err = ebpflink.AttachRawLink(ebpflink.RawLinkOptions{
			Target:  ifindex,
			Program: prog,
			Attach:  ebpf.AttachType(uapi.BPF_XPS),
		})
		return err
	})
	if err != nil {
		return nil, linkError(opLink, ifindex, err)
	}
	return &Link{raw}, nil
}

// OpenLink opens a link that was pinned. The error wraps [ErrNotLink] if
// something else is pinned there, and [os.ErrNotExist] if nothing is.
func OpenLink(path string) (*Link, error) {
	raw, err := ebpflink.LoadPinnedLink(path, nil)
	if err != nil {
		return nil, linkError(opOpen, 0, err)
	}
	r, ok := raw.(*ebpflink.RawLink)
	if !ok {
		raw.Close()
		return nil, &Error{Op: opOpen, Err: fmt.Errorf("%w: %s", ErrNotLink, path)}
	}
	l := &Link{r}
	if _, err := l.info(opOpen); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Update makes another program choose, at once, so that no packet is chosen for
// by neither. A nil opt means no conditions. Updating to the program that is
// there already changes nothing and is no error.
//
// The error wraps [ErrUnexpectedProgram] if a condition in opt does not hold,
// [ErrDetached] if the link is detached or its device gone, and [ErrBadProgram]
// if prog is not a socket filter.
func (l *Link) Update(prog *ebpf.Program, opt *UpdateOptions) error {
	if opt == nil {
		opt = &UpdateOptions{}
	}
	p, err := handleOf(opUpdate, 0, prog)
	if err != nil {
		return err
	}
	if p.typ != ebpf.SocketFilter {
		return &Error{Op: opUpdate, Err: fmt.Errorf("%w: its type is %s", ErrBadProgram, p.typ)}
	}
	args := ebpflink.RawLinkUpdateOptions{New: prog, Old: opt.Expected}
	if opt.Expected != nil {
		if _, err := handleOf(opUpdate, 0, opt.Expected); err != nil {
			return err
		}
		args.Flags = uapi.BPF_F_REPLACE
	}
	err = linkError(opUpdate, 0, l.raw.UpdateArgs(args))

	// EPERM is the answer to another program than the expected one, and to
	// somebody who may not call bpf at all.
	if e := (*Error)(nil); errors.As(err, &e) && e.Errno == unix.EPERM && opt.Expected != nil && !l.holds(opt.Expected) {
		e.Err = ErrUnexpectedProgram
	}
	return err
}

// holds tells whether prog is the program of the link, as far as can be found
// out.
func (l *Link) holds(prog *ebpf.Program) bool {
	got, err := l.info(opUpdate)
	if err != nil {
		return true
	}
	info, err := prog.Info()
	if err != nil {
		return true
	}
	id, ok := info.ID()
	return !ok || id == got.ProgramID
}

// Detach takes the program off the device for good: the link cannot be attached
// again. It remains to be closed. Detaching twice is no error.
func (l *Link) Detach() error { return linkError(opDetach, 0, l.raw.Detach()) }

// Info asks the kernel what the link is about.
func (l *Link) Info() (LinkInfo, error) { return l.info(opInfo) }

// Pin has a file in a BPF file system hold the link, so that it outlives Close
// and the process. [OpenLink] opens it again.
func (l *Link) Pin(path string) error { return linkError(opPin, 0, l.raw.Pin(path)) }

// Unpin removes the file that Pin made. The link ends when it is closed, then.
func (l *Link) Unpin() error { return linkError(opUnpin, 0, l.raw.Unpin()) }

// FD is the descriptor of the link, to be passed to another process. It remains
// the Link's.
func (l *Link) FD() int { return l.raw.FD() }

// Close gives the link up. If nobody else holds it, the program is detached, not
// necessarily before Close returns. Closing twice does no harm.
func (l *Link) Close() error { return linkError(opClose, 0, l.raw.Close()) }

// inNetNS calls f in a network namespace, that of the calling thread if netns
// is 0.
func inNetNS(netns int, f func() error) error {
	if netns == 0 {
		return f()
	}

	errs := make(chan error, 1)
	go func() {
		// The thread is thrown away with the goroutine: it is never
		// unlocked.
		runtime.LockOSThread()
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			errs <- fmt.Errorf("enter network namespace: %w", err)
			return
		}
		errs <- f()
	}()
	return <-errs
}
