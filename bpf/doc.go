// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package bpf holds compiled BPF programs for the XPS hook: policies to deploy
// (xps_cpu, xps_flow_hash, xps_mark, xps_port, xps_uid), the four of the 2019 RFC's
// demonstration (hello0, hello1, hello2, hello_neg1), and probes that tests attach
// (test_cb, test_const, test_count).
//
// All are of type BPF_PROG_TYPE_SOCKET_FILTER. They return the index of a tx queue,
// which the kernel takes modulo the number of queues in use, or a negative number
// for no preference. Any kernel from Linux 5.3 loads them; package
// xpsgen/bpf/xps attaches them to a kernel with the hook.
//
// Package xpsgen/bpf/policy loads the policies with checked options, a random
// seed, and queues that hold when a device shrinks. To load one here, set its
// constants first; the head of its source, here bpf/xps_flow_hash.bpf.c, lists them:
//
//	spec, err := bpf.Spec("xps_flow_hash")
//	...
//	err = spec.Variables[bpf.XpsFlowHashVarSymmetric].Set(uint32(1))
//
// Maps are filled at any time.
//
// iproute2 loads the same objects, with the constants at their defaults. The
// section is "hello" for the four of the demonstration and "socket" for all others:
//
//	ip link set dev eth0 xps object xps_cpu.o section socket
//
// An iproute2 without libbpf (ip -V does not name it) loads only those four: it
// supports neither constants nor these maps.
//
// The objects are committed. go generate ./bpf recompiles them. The tests of this
// package fail while they do not match their sources.
package bpf
