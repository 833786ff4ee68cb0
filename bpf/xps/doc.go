// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package xps attaches BPF programs that select the tx queues of network devices.
// It is the Go counterpart of "ip link set dev eth0 xps" of the patched iproute2.
//
// A program for this hook has the type BPF_PROG_TYPE_SOCKET_FILTER
// ([ebpf.SocketFilter]). The kernel runs it before it looks at the XPS maps. A
// result of 0 or more selects a queue: the result modulo the number of tx queues in
// use, so any result is accepted: 7 selects queue 3 of 4. A negative result has no
// preference: the kernel falls back to the XPS maps or the flow hash. A device has at
// most one program; attaching replaces it, unless the options say otherwise.
//
// # A complete program
//
// This command attaches a program to the device it is given, prints the result, and
// detaches the program when it is interrupted:
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
// The module path, xpsgen, has no dot: "go get" does not find it. Tell Go where its
// source is, here in DIR:
//
//	go mod init example.com/steer
//	go mod edit -require=xpsgen@v0.0.0 -replace=xpsgen=DIR
//	go mod tidy
//	go build -o steer .
//
// To try it without a machine that has the hook, run it in the guest of the
// repository: "DIR/bin/xpsgen vm shell" starts a shell there, in the current directory.
// "ip link add d0 numtxqueues 4 type dummy" makes a device with queues. The first
// start builds a kernel, which takes minutes.
//
// # Programs to load
//
//   - Instructions, as above.
//   - A policy of package xpsgen/bpf/policy, such as a hash of flows over some of the
//     queues. Attach the Program of the value that its Load functions return.
//   - An object file: load it by [ebpf.LoadCollectionSpec]. Set the type
//     [ebpf.SocketFilter] and the attach type [AttachType] of its program, or call
//     SetType of package xpsgen/bpf, then [ebpf.NewCollection].
//
// [Client.Attach] takes programs with and without [AttachType]; [AttachLink] needs
// it.
//
// # When the kernel runs the program
//
// The kernel runs the program when a socket has no queue yet, and for each packet
// without a socket. A socket keeps its queue while it has packets in flight. When
// none is in flight, the kernel runs the program again:
//
//	sender                         Linux 6.12                     Linux 7.3
//	TCP                            once nothing is in flight      once nothing is in flight
//	UDP, connected                 once the route has changed     once nothing is in flight
//	UDP, not connected             for each packet                for each packet
//	forwarded, raw, packet socket  for each packet                for each packet
//
// On Linux 7.3, net.core.txq_reselection_ms limits how long a busy flow keeps its
// queue. Replacing or detaching a program does not move flows at once.
//
// # Requirements
//
// No released kernel has the hook. It takes the patches of this repository
// (kernel-patches) for Linux 6.12 or 7.3, and CONFIG_XPS and CONFIG_BPF_SYSCALL. A
// kernel without the hook ignores a request to attach and reports success, so this
// package looks for the hook first. Without it, every function returns an error
// wrapping [ErrNotSupported].
//
// Loading a program is up to package ebpf and has its errors. It needs CAP_BPF. A
// simple program without maps needs nothing where sysctl
// kernel.unprivileged_bpf_disabled is 0. Attaching
// and detaching need CAP_NET_ADMIN in the user namespace that owns the network
// namespace. [Client.Query], [Client.List] and [Watch] need no capability, except to
// find links.
//
// # Lifetime
//
// The device holds a program that [Client.Attach] attached. The caller may close the
// program and the process may end: the program keeps running. The device releases it
// when it is replaced or detached, or when the device is deleted. A device that moves
// to another network namespace keeps its program.
//
// [AttachLink] attaches a program for as long as somebody holds the [Link]. Use it
// for a program that must not outlive its process, or that others must not replace.
//
// # Contexts
//
// Every call that can wait takes a context. The kernel makes one change of network
// devices at a time, and nothing interrupts a caller that waits for its turn.
// A call returns when its context is done; the kernel may still make the change.
// Such calls run on threads of this package. These have the network namespace and
// the capabilities of the calling thread.
//
// # Errors
//
// Every error of this package is an [*Error]. It names the operation, the device, and the kernel
// interface that failed. It wraps the errno, and one of these values where a caller
// may want to decide. Test for them with [errors.Is]. Left of the line are clients and
// watchers, right of it links; (x) is only with the option Links, and with a result:
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
//	ErrNotLink                                                    |             x           x
//	ErrInterrupted                                 x    x    x    |
//	ErrOverrun                                               x    |
//
// Open is [OpenLink], [OpenLinkID] and [LinkFromFD]; the first two also return
// [os.ErrNotExist]. [Link.Pin] returns [ErrNotBPFFS] and [os.ErrExist]. [Client.Supported]
// returns what Query returns. After
// Close, every method returns [os.ErrClosed]. When a context is done, a call returns
// its cause; when [Config.Timeout] ends a call, [context.DeadlineExceeded]. Invalid
// arguments are rejected before the kernel is asked.
package xps
