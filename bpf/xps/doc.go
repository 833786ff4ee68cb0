// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package xps attaches BPF programs to the tx queue selection of network
// devices: what ip link set dev D xps does, for Go programs.
//
// A program at this hook is of type BPF_PROG_TYPE_SOCKET_FILTER. The kernel
// runs it where it would otherwise look into the XPS maps, once for each flow
// rather than for each packet, as sockets keep the queue they were given. A
// result that is not negative is the index of the queue, taken modulo the
// number of tx queues in use; any negative result leaves the choice to the
// kernel. A device has one program or none.
//
// # Needs
//
// The hook is not in any released kernel: it takes the patches that this
// repository carries (kernel-patches), with CONFIG_XPS and CONFIG_BPF_SYSCALL. A
// kernel without it takes the request to attach for granted and ignores it;
// this package finds out beforehand, and every function then returns an error
// wrapping [ErrNotSupported]. Changing anything takes CAP_NET_ADMIN in the
// user namespace that owns the network namespace; asking and watching takes
// nothing.
//
// # Lifetime
//
// While attached, a program is held by the device: the program may be closed,
// and the process may end. It goes when it is replaced, detached, or when the
// device goes, and stays when the device moves to another network namespace.
//
// That is for what shall stay. What shall end with its process is attached by
// [AttachLink]: the [Link] owns the attachment, nobody else can take it away by
// netlink, and the program is detached when the last holder of the link is gone.
//
// # Errors
//
// Errors of the kernel are of type [*Error], carry what the kernel said, and
// wrap the errno as well as one of the Err values below where the errno means
// something that a caller may want to handle. Arguments that make no sense are
// refused with an error wrapping [ErrBadOptions] or [ErrBadProgram] before the
// kernel is asked.
package xps
