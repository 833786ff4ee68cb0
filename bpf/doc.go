// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package bpf holds compiled BPF programs for the XPS hook:
//   - policies to deploy: xps_cpu, xps_flow_hash, xps_mark, xps_port, xps_uid,
//   - the demonstration of the 2019 RFC: hello0, hello1, hello2, hello_neg1,
//   - programs for tests: test_cb, test_const, test_count.
//
// All are of type BPF_PROG_TYPE_SOCKET_FILTER. They return the index of a tx queue,
// or a negative number for no preference. The kernel takes the index modulo the
// number of queues in use. Any kernel from Linux 5.3 loads them; package
// xpsgen/bpf/xps attaches them to a kernel with the hook.
//
// Package xpsgen/bpf/policy loads the policies. It checks the options, sets a random
// seed, and avoids excluded queues when fewer queues are in use. To load a policy with
// this package, set its constants first. The comment at the top of its source lists
// them, for example in bpf/xps_flow_hash.bpf.c:
//
//	spec, err := bpf.Spec("xps_flow_hash")
//	...
//	err = spec.Variables[bpf.XpsFlowHashVarSymmetric].Set(uint32(1))
//
// The maps can be filled at any time.
//
// iproute2 loads the same objects, with the constants at their defaults. The
// section is "hello" for the four of the demonstration and "socket" for all others:
//
//	ip link set dev eth0 xps object xps_cpu.o section socket
//
// An iproute2 without libbpf (ip -V does not name it) loads only those four: it
// supports neither constants nor these maps.
//
// The objects are committed, and go generate ./bpf compiles them again. The tests of
// this package fail if an object does not match its source.
package bpf
