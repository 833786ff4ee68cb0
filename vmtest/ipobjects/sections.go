// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

// sectionNames are the section names from which some libbpf derives the type of
// a program, with a target where libbpf needs one. TestSectionNames compares
// them with the libbpf of both kernels.
var sectionNames = []string{
	"action",
	"cgroup/bind4", "cgroup/bind6", "cgroup/connect4", "cgroup/connect6", "cgroup/connect_unix", "cgroup/dev",
	"cgroup/getpeername4", "cgroup/getpeername6", "cgroup/getpeername_unix",
	"cgroup/getsockname4", "cgroup/getsockname6", "cgroup/getsockname_unix", "cgroup/getsockopt",
	"cgroup/post_bind4", "cgroup/post_bind6", "cgroup/recvmsg4", "cgroup/recvmsg6", "cgroup/recvmsg_unix",
	"cgroup/sendmsg4", "cgroup/sendmsg6", "cgroup/sendmsg_unix", "cgroup/setsockopt",
	"cgroup/skb", "cgroup/sock", "cgroup/sock_create", "cgroup/sock_release", "cgroup/sysctl",
	"cgroup_skb/egress", "cgroup_skb/ingress", "classifier",
	"fentry/nosuch", "fentry.multi/nosuch", "fentry.multi.s/nosuch", "fentry.s/nosuch",
	"fexit/nosuch", "fexit.multi/nosuch", "fexit.multi.s/nosuch", "fexit.s/nosuch",
	"flow_dissector", "fmod_ret/nosuch", "fmod_ret.s/nosuch", "freplace/nosuch",
	"fsession/nosuch", "fsession.multi/nosuch", "fsession.multi.s/nosuch", "fsession.s/nosuch",
	"iter/task", "iter.s/task",
	"kprobe/nosuch", "kprobe.multi/nosuch", "kprobe.session/nosuch", "kretprobe/nosuch", "kretprobe.multi/nosuch",
	"kretsyscall/nosuch", "ksyscall/nosuch", "lirc_mode2", "lsm/file_open", "lsm.s/file_open", "lsm_cgroup/socket_bind",
	"lwt_in", "lwt_out", "lwt_seg6local", "lwt_xmit", "netfilter", "netkit/peer", "netkit/primary", "perf_event",
	"raw_tp/nosuch", "raw_tp.s/nosuch", "raw_tp.w/nosuch",
	"raw_tracepoint/nosuch", "raw_tracepoint.s/nosuch", "raw_tracepoint.w/nosuch",
	"sk_lookup", "sk_msg", "sk_reuseport", "sk_reuseport/migrate",
	"sk_skb", "sk_skb/stream_parser", "sk_skb/stream_verdict", "sk_skb/verdict", "socket", "sockops",
	"struct_ops/nosuch", "struct_ops.s/nosuch", "syscall",
	"tc", "tc/egress", "tc/ingress", "tcx/egress", "tcx/ingress",
	"tp/x/nosuch", "tp.s/x/nosuch", "tp_btf/nosuch", "tp_btf.s/nosuch", "tracepoint/x/nosuch", "tracepoint.s/x/nosuch",
	"uprobe/x:nosuch", "uprobe.multi/x:nosuch", "uprobe.multi.s/x:nosuch", "uprobe.s/x:nosuch",
	"uprobe.session/x:nosuch", "uprobe.session.s/x:nosuch",
	"uretprobe/x:nosuch", "uretprobe.multi/x:nosuch", "uretprobe.multi.s/x:nosuch", "uretprobe.s/x:nosuch",
	"usdt/x:y:nosuch", "usdt.s/x:y:nosuch",
	"xdp", "xdp.frags", "xdp.frags/cpumap", "xdp.frags/devmap", "xdp/cpumap", "xdp/devmap", "xps",
	// A name with a target that libbpf does not expect, and names without a
	// target.
	"socket/1", "fentry", "iter", "freplace", "lsm", "struct_ops", "uprobe", "tp_btf",
	// Names of iproute2, of other tools, and unknown names.
	"prog", ".text", "anything", "a b", "off", "-force", "1/0", "%s%s%s%n", "filter.s",
}
