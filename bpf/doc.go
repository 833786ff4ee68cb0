// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package bpf holds the BPF programs of the workbench, compiled: the four of
// the 2019 RFC's demonstration (hello0, hello1, hello2, hello_neg1), policies
// one would deploy (xps_cpu, xps_flow_hash, xps_mark, xps_port), and probes
// that the tests attach (test_cb, test_const, test_count).
//
// All are of type BPF_PROG_TYPE_SOCKET_FILTER and return the index of a tx
// queue, which the kernel takes modulo the number of queues in use, or a
// negative number to leave the choice to the kernel. They can be loaded on any
// kernel from Linux 5.3; to attach one takes a kernel with the XPS hook, see
// package xpsgen/bpf/xps.
//
// What each program does and what can be set stands in the head of its
// source. Constants are set before loading:
//
//	spec, err := bpf.Spec("xps_flow_hash")
//	...
//	err = spec.Variables[bpf.XpsFlowHashVarQueues].Set(uint32(4))
//
// Maps are filled at any time.
//
// The same objects can be loaded by iproute2, with the constants at their
// defaults. The section is "hello" for the first four and "socket" for all
// others:
//
//	ip link set dev eth0 xps object xps_cpu.o section socket
//
// An iproute2 that was built without libbpf (ip -V does not name it) loads only
// the first four, as it knows neither constants nor maps of this kind.
//
// The objects are committed. go generate ./bpf compiles them anew; the tests
// of this package fail while they do not match their sources.
package bpf
