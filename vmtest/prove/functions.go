// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import "slices"

// part is a part of the series that the model contains. The model tests PART_NAME where
// it needs the part.
type part struct {
	name string
	// mark is a function that the series adds: a tree with fewer patches has the part if
	// it has this one.
	mark string
	cuts []cut
}

// cut are functions of the patched tree.
type cut struct {
	// files may define the functions. The first one that does counts: a series may move
	// them.
	files     []string
	functions []string
	// whole takes the whole file without its #include lines.
	whole bool
}

// parts are in the order in which C needs them.
var parts = []part{
	{"CORE", "dev_xps_set_prog", []cut{
		{files: []string{"include/linux/netdevice.h", "net/core/dev.c"}, functions: []string{"xps_prog_enabled"}},
		{files: []string{"net/core/dev.c"}, functions: []string{"xps_prog_run", "dev_xps_set_prog", "get_xps_queue"}},
	}},
	{"GETTER", "dev_xps_prog", []cut{
		{files: []string{"net/core/dev.h"}, functions: []string{"dev_xps_prog"}},
	}},
	{"LINK", "bpf_xps_link_attach", []cut{
		{files: []string{"net/core/dev.h"}, functions: []string{"dev_xps_has_link"}},
		{files: []string{"net/core/xps_link.c"}, whole: true, functions: []string{
			"dev_xps_uninstall", "xps_link_notify", "xps_link_install",
			"bpf_xps_link_release", "bpf_xps_link_detach", "bpf_xps_link_dealloc", "bpf_xps_link_update",
			"bpf_xps_link_ifindex", "bpf_xps_link_show_fdinfo", "bpf_xps_link_fill_link_info", "bpf_xps_link_attach",
		}},
	}},
	{"NETLINK", "rtnl_xps_prepare", []cut{
		{files: []string{"net/core/rtnetlink.c"}, functions: []string{
			"rtnl_xps_size", "rtnl_xps_fill", "rtnl_xps_prog_get", "rtnl_xps_check_expected", "rtnl_xps_check_flags", "rtnl_xps_prepare",
		}},
	}},
	{"DRIVER", "dev_xps_prog_run", []cut{
		{files: []string{"net/core/dev.c"}, functions: []string{"dev_xps_prog_run"}},
	}},
	{"TUN", "tun_xps_select_queue", []cut{
		{files: []string{"drivers/net/tun.c"}, functions: []string{"tun_xps_select_queue", "tun_select_queue"}},
	}},
}

// mapQueue is the lookup in the XPS maps, which the model replaces. Before the series makes
// it a function, get_xps_queue() contains it.
var mapQueue = cut{files: []string{"net/core/dev.c"}, functions: []string{"xps_map_queue"}}

// tunMaps is defined if a tap asks the XPS maps. The model replaces the function.
var tunMaps = cut{files: []string{"net/core/dev.c"}, functions: []string{"dev_xps_map_queue"}}

// tunSelect calls it.
var tunSelect = cut{files: []string{"drivers/net/tun.c"}, functions: []string{"tun_xps_select_queue"}}

// outside are functions that the series adds or changes and that are not in the model, with
// the reason.
var outside = []struct {
	why   string
	names []string
}{
	{"compares types", []string{"bpf_prog_attach_check_attach_type", "attach_type_to_prog_type"}},
	{"the model does what it does before bpf_xps_link_attach()", []string{"link_create"}},
	{"500 lines of other attributes; the model repeats its two blocks", []string{"do_setlink"}},
	{"the model does its step for one device", []string{"unregister_netdevice_many_notify"}},
	{"refuses the attribute", []string{"rtnl_create_link"}},
	{"only calls rtnl_xps_fill()", []string{"rtnl_fill_ifinfo"}},
	{"only adds rtnl_xps_size()", []string{"if_nlmsg_size"}},
	{"the model replaces the XPS maps by a number", []string{"dev_xps_map_queue", "xps_map_queue", "xps_map_enabled",
		"__get_xps_queue_idx", "__netif_set_xps_queue", "netif_reset_xps_queues", "reset_xps_maps"}},
	{"the model replaces the flow table by a number", []string{"tun_automq_save_rps", "tun_automq_xmit"}},
	{"calls get_xps_queue()", []string{"netdev_pick_tx", "netdev_core_pick_tx", "packet_pick_tx_queue", "packet_xmit"}},
	{"READ_ONCE() or WRITE_ONCE() of the number of queues, which the model has no use for: it runs one statement at a time", []string{"netdev_cap_txqueue", "skb_tx_hash",
		"netif_set_real_num_tx_queues", "queue_process", "pktgen_setup_inject", "set_cur_queue_map", "set_target_v3",
		"tcf_skbedit_act", "__xsk_generic_xmit"}},
	{"the number of queues when a device is registered", []string{"netdev_queue_update_kobjects", "register_queue_kobjects",
		"remove_queue_kobjects"}},
}

// excluded returns why the table excludes a function from the model, or "".
func excluded(name string) string {
	for _, o := range outside {
		if slices.Contains(o.names, name) {
			return o.why
		}
	}
	return ""
}
