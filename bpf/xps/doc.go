// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package xps attaches BPF programs that select the tx queues of network devices.
// It is the Go counterpart of "ip link set dev eth0 xps" of the patched iproute2.
//
// A program for this hook has the type BPF_PROG_TYPE_SOCKET_FILTER
// ([ebpf.SocketFilter]). The kernel runs it before the XPS maps. A result of 0 or more
// selects the queue: the kernel takes it modulo the number of tx queues in use. On a
// device with 4 queues, 7 selects queue 3. A negative result means no preference: the
// kernel falls back to the XPS maps or the flow hash. A device has at most one program;
// [Client.Attach] replaces it, unless the options say otherwise.
//
// # A complete program
//
// This command attaches a program to the device in its argument and prints the id of
// the program. On SIGINT it detaches the program:
//
//	package main
//
//	import (
//		"context"
//		"errors"
//		"fmt"
//		"log"
//		"net"
//		"os"
//		"os/signal"
//
//		"github.com/cilium/ebpf"
//		"github.com/cilium/ebpf/asm"
//
//		"xpsgen/bpf/xps"
//	)
//
//	func main() {
//		if len(os.Args) != 2 {
//			log.Fatal("usage: steer DEVICE")
//		}
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//		defer stop()
//		err := steer(ctx, os.Args[1])
//		switch {
//		case errors.Is(err, xps.ErrNotSupported):
//			log.Fatal(err, ": boot a kernel with the XPS hook")
//		case errors.Is(err, xps.ErrPermission), errors.Is(err, os.ErrPermission):
//			log.Fatal(err, ": run as root")
//		case err != nil:
//			log.Fatal(err)
//		}
//	}
//
//	func steer(ctx context.Context, device string) error {
//		dev, err := net.InterfaceByName(device)
//		if err != nil {
//			return err
//		}
//		client, err := xps.Dial(nil)
//		if err != nil {
//			return err
//		}
//		defer client.Close() // does not detach
//		if err := client.Supported(ctx); err != nil {
//			return err
//		}
//
//		prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
//			Name:       "queue1",
//			Type:       ebpf.SocketFilter,
//			AttachType: xps.AttachType,
//			License:    "GPL",
//			Instructions: asm.Instructions{
//				asm.Mov.Imm(asm.R0, 1), // select queue 1 for every packet
//				asm.Return(),
//			},
//		})
//		if err != nil {
//			return fmt.Errorf("load the program: %w", err)
//		}
//		defer prog.Close() // the device holds the program, too
//
//		// NoReplace: fail with ErrAttached if the device has a program.
//		err = client.Attach(ctx, dev.Index, prog, &xps.AttachOptions{NoReplace: true})
//		if err != nil {
//			return err
//		}
//		state, err := client.Query(ctx, dev.Index, nil)
//		if err != nil {
//			return err
//		}
//		fmt.Printf("%s: attached program %d\n", state.Name, state.ProgramID)
//
//		<-ctx.Done()
//		// ctx has ended: detach under another one, and only this program.
//		return client.Detach(context.Background(), dev.Index, &xps.DetachOptions{Expected: prog})
//	}
//
// The module path, xpsgen, has no dot, so "go get" does not find it. Tell Go where the
// source of the module is, here DIR:
//
//	go mod init example.com/steer
//	go mod edit -require=xpsgen@v0.0.0 -replace=xpsgen=DIR
//	go mod tidy
//	go build -o steer .
//
// If your machine does not have the hook, try the command in the guest of the
// repository. The command "DIR/bin/xpsgen vm shell" starts a shell there, in the current
// directory. The first start builds a kernel, which takes minutes. In the guest, "ip link
// add d0 numtxqueues 4 type dummy" makes a device with queues.
//
// # Programs to load
//
//   - Instructions, as above.
//   - A policy of package xpsgen/bpf/policy, such as a hash of flows over some of the
//     queues. Attach the Program of the value that its Load functions return.
//   - An object file: read it with [ebpf.LoadCollectionSpec]. Set the type
//     [ebpf.SocketFilter] and the attach type [AttachType] of its program, or call
//     SetType of package xpsgen/bpf, then [ebpf.NewCollection].
//
// [Client.Attach] takes programs with and without [AttachType]; [AttachLink] needs
// it.
//
// # When the kernel runs the program
//
// The kernel runs the program for a packet without a socket, and if the socket has no
// saved queue. Only connected sockets save their queue. They keep it while one of their
// packets is queued: in a qdisc or in the driver. The table shows when the kernel runs
// the program again:
//
//	sender                         Linux 6.12                     Linux 7.3
//	TCP                            when no packet is queued       when no packet is queued
//	UDP, connected                 after the route changes        when no packet is queued
//	raw, connected                 after the route changes        after the route changes
//	UDP and raw, not connected     for each packet                for each packet
//	forwarded, packet sockets      for each packet                for each packet
//
// On Linux 7.3, sysctl net.core.txq_reselection_ms limits how long a busy flow keeps
// its queue. Replacing or detaching a program does not move flows at once. The kernel
// does not run the program on a device with one tx queue in use.
//
// # Requirements
//
// No released kernel has the hook. Apply the patches of this repository
// (kernel-patches) to Linux 6.12 or 7.3, and set CONFIG_XPS and CONFIG_BPF_SYSCALL. A
// kernel without the hook ignores a request to attach and reports success, so this
// package looks for the hook first. If the kernel does not have it, the functions in
// the first row of the table below return an error wrapping [ErrNotSupported].
//
// Package ebpf loads the programs, and returns its own errors. Loading needs CAP_BPF. If
// sysctl kernel.unprivileged_bpf_disabled is 0, simple programs without maps need nothing.
// [Client.Attach], [Client.Detach] and [AttachLink] need CAP_NET_ADMIN in the user
// namespace that owns the network namespace. [Client.Query], [Client.List] and [Watch]
// need no capability, except CAP_SYS_ADMIN to find links.
//
// # Lifetime
//
// The device holds a program that [Client.Attach] attached. The caller may close the
// program and the process may end: the program keeps running. The device releases the
// program when somebody replaces or detaches it, or when the device is deleted. A
// device that moves to another network namespace keeps its program.
//
// [AttachLink] attaches a program until nobody holds the [Link] any more. Use it
// for a program that must not outlive its process, or that others must not replace.
//
// # Contexts
//
// Every call that can wait takes a context, except [Link.Close]. The kernel makes one
// change of network devices at a time (RTNL), and nothing interrupts a caller that
// waits for its turn. A call returns when its context is done; the kernel may still
// make the change. Such calls run on threads of this package, which have the network
// namespace and the capabilities of the calling thread.
//
// # Errors
//
// Every error of this package is or wraps an [*Error]. It names the operation, the
// device, and the kernel interface that failed. It wraps the errno, and one of the
// values in the table where a caller may want to decide. Test for them with
// [errors.Is]. Clients and watchers are left of the line, links are right of it. An x in
// parentheses needs the option Links; the call then returns a result with the error:
//
//	                     Dial Attach Detach Query List Watch Next | AttachLink Open Update Info
//	ErrNotSupported            x      x      x     x    x         |     x
//	ErrDevice                  x                                  |     x
//	ErrAttached                x                                  |     x
//	ErrLinked                  x      x                           |
//	ErrUnexpectedProgram       x      x                           |                   x
//	ErrBadProgram              x      x                           |     x             x
//	ErrBadOptions              x      x                           |
//	ErrNoDevice                x      x      x                    |     x
//	ErrPermission         x    x      x     (x)   (x)   x         |     x       x     x
//	ErrNetNS              x                             x         |     x
//	ErrDetached                                                   |                   x
//	ErrNotLink                                                    |             x
//	ErrInterrupted                                 x    x    x    |
//	ErrOverrun                                               x    |
//
// Open is [OpenLink], [OpenLinkID] and [LinkFromFD]; the first two also return
// [os.ErrNotExist]. [Link.Pin] returns [ErrNotBPFFS], [ErrPermission] and [os.ErrExist].
// [Client.Supported] returns the errors of Query, [Client.Features] and [Links] also
// [ErrPermission].
//
// After Close, every method returns [os.ErrClosed], except Close and [Link.FD]. When a
// context is done, a call returns its cause; when [Config.Timeout] ends a call,
// [context.DeadlineExceeded]. An invalid index, contradicting options, and a program
// that is nil or closed cause no request to the kernel.
package xps
