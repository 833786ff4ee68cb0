// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package xps attaches BPF programs to the tx queue selection of network devices:
// what ip link set dev D xps does, for Go programs.
//
// A program at this hook is of type BPF_PROG_TYPE_SOCKET_FILTER. The kernel runs it
// before it looks at the XPS maps. A result that is not negative is the index of
// the queue, modulo the number of tx queues in use. A negative result has no
// preference: the kernel falls back to the XPS maps or the flow hash. A device has
// one program or none.
//
// # A program that attaches
//
//	c, err := xps.Dial(nil)
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	eth0, err := net.InterfaceByName("eth0")
//	if err != nil {
//		return err
//	}
//	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
//		Type:       ebpf.SocketFilter,
//		AttachType: xps.AttachType,
//		License:    "GPL",
//		Instructions: asm.Instructions{
//			asm.Mov.Imm(asm.R0, 1), // every packet leaves by queue 1
//			asm.Return(),
//		},
//	})
//	if err != nil {
//		return err
//	}
//	defer prog.Close() // the device keeps its own reference
//	return c.Attach(ctx, eth0.Index, prog, nil)
//
// Package xpsgen/bpf/policy has programs to deploy.
//
// # When the program runs
//
// The kernel asks the program when a socket has no queue yet, and for each packet
// without a socket. A socket keeps its queue while it has packets in flight. On
// Linux 6.12 only TCP tells when nothing is in flight, so a connected UDP socket
// keeps its queue until its route changes. On 7.3 every socket does, so a UDP
// socket with nothing in flight asks for each packet, and net.core.txq_reselection_ms
// limits how long a busy flow keeps its queue. An unconnected UDP socket asks for
// each packet on both.
//
// # Needs
//
// No released kernel has the hook. It takes the patches of this repository
// (kernel-patches) on Linux 6.12 or 7.3, with CONFIG_XPS and CONFIG_BPF_SYSCALL. A
// kernel without the hook ignores a request to attach and reports success. This
// package finds out first, and every function then returns an error wrapping
// [ErrNotSupported]. Attaching and detaching need CAP_NET_ADMIN in the user
// namespace that owns the network namespace; querying and watching need nothing.
//
// # Lifetime
//
// A device holds the program attached by [Client.Attach]. The program may be
// closed and the process may end. The device releases it when it is replaced or
// detached or the device is deleted, and keeps it when it moves to another network
// namespace.
//
// [AttachLink] attaches for as long as somebody holds the [Link]. Keep the Link, or
// pin it: see there.
//
// # Contexts
//
// Every call that can wait takes a context. A change of devices waits in the kernel
// for all others, where nothing can interrupt it. A call therefore returns when its
// context is done, and the kernel may still make the change. Calls run on threads
// of this package that have the network namespace and the capabilities of the
// calling thread.
//
// # Errors
//
// Every error is an [*Error]. It names the operation, the device, and the kernel
// interface that answered; it wraps the errno, and one of these values where a
// caller may want to decide:
//
//	                     Dial Attach Detach Query List Watch Next | AttachLink OpenLink* Update Info
//	ErrNotSupported            x      x      x     x    x         |     x
//	ErrDevice                  x                                  |     x
//	ErrAttached                x                                  |     x
//	ErrLinked                  x      x                           |
//	ErrUnexpectedProgram       x      x                           |                       x
//	ErrBadProgram              x      x                           |     x                 x
//	ErrBadOptions              x      x                           |
//	ErrNoDevice                x      x      x                    |     x
//	ErrPermission         x    x      x      x     x    x         |     x          x      x
//	ErrNetNS              x                             x         |     x
//	ErrDetached                                                   |                       x
//	ErrNotLink                                                    |                x             x
//	ErrInterrupted                                 x    x    x    |
//	ErrOverrun                                               x    |
//
// OpenLink* stands for [OpenLink], [OpenLinkID] and [LinkFromFD]. The first also
// returns [os.ErrNotExist]. [Link.Pin] returns [ErrNotBPFFS] and [os.ErrExist].
// Query and List return ErrPermission only with the option Links, and their result
// besides. All return [os.ErrClosed] after Close, and the cause of a context that is
// done; a call that [Config.Timeout] ends returns [context.DeadlineExceeded].
// Arguments that make no sense are rejected before the kernel is asked.
package xps
