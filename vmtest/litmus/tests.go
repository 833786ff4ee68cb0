// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

// tests are the litmus tests. The text of each is in tests/NAME.litmus. Its outcome must
// be impossible.
var tests = []Test{
	{
		Name:  "publish",
		Claim: "who finds an attached program finds its instructions",
		Code:  []Code{setProg, progRun},
		Twins: []Twin{
			{Name: "plain-store", Want: Sometimes, Edits: []Edit{{"rcu_assign_pointer(*prog, insns);", "WRITE_ONCE(*prog, insns);"}}},
			{Name: "no-dependency", Want: Sometimes, Edits: []Edit{{"P1(int **prog)", "P1(int *insns, int **prog)"}, {"r1 = *r0;", "r1 = *insns;"}}},
		},
	},
	{
		Name:  "replace",
		Claim: "during a replace, the old or the new program runs, and neither is free",
		Code:  []Code{setProg, progRun, linkUpdate, putNoref, queueXmit, packetXmit},
		Twins: []Twin{
			{Name: "plain-store", Want: Sometimes, Edits: []Edit{{"rcu_assign_pointer(*prog, second);", "WRITE_ONCE(*prog, second);"}}},
			{Name: "no-grace-period", Want: Sometimes, Edits: noGracePeriod},
			{Name: "no-reader", Want: Sometimes, Edits: noReader},
		},
	},
	{
		Name:  "detach",
		Claim: "a detached program is not free while it runs",
		Code:  []Code{setProg, progRun, putNoref, queueXmit, packetXmit},
		Twins: []Twin{
			{Name: "no-grace-period", Want: Sometimes, Edits: noGracePeriod},
			{Name: "no-reader", Want: Sometimes, Edits: noReader},
			{Name: "early-read", Want: Sometimes, Edits: []Edit{{"rcu_read_lock();", ""},
				{"r0 = rcu_dereference(*prog);", "r0 = rcu_dereference(*prog); rcu_read_lock();"}}},
		},
	},
	{
		Name:  "recheck",
		Claim: "a program that is detached after xps_prog_enabled() does not run as NULL",
		Code:  []Code{progEnabled, progRun, setProg},
		Twins: []Twin{{Name: "no-recheck", Want: Sometimes, Edits: []Edit{{"if (r2) {", "if (r1) {"}}}},
	},
	{
		Name:  "key",
		Claim: "who sees in a dump that a program is attached has it run for later packets",
		Code:  []Code{setProg, progEnabled, getQueue, rtnlFill},
		Twins: []Twin{
			{Name: "no-rtnl", Want: Sometimes, Edits: []Edit{{"spin_lock(rtnl); // dump", ""}, {"spin_unlock(rtnl); // dumped", ""}}},
			{Name: "late-key", Want: Sometimes, Edits: []Edit{{"atomic_inc(key);", ""},
				{"spin_unlock(rtnl); // attached", "spin_unlock(rtnl); atomic_inc(key);"}}},
		},
	},
	{
		Name:  "writers",
		Claim: "two requests to detach put the program once",
		Code:  []Code{setProg, rtnlProg},
		Twins: []Twin{{Name: "no-rtnl", Want: Sometimes, Edits: noRTNL}},
	},
	{
		Name:  "link",
		Claim: "an update of a link does not attach to a device that is unregistered",
		Code:  []Code{linkUninstall, linkUpdate, linkRelease, linkInstall, setProg},
		Twins: []Twin{{Name: "no-rtnl", Want: Sometimes, Edits: noRTNL}},
	},
	{
		Name:  "shrink",
		Claim: "no packet stays in a queue above the number of queues",
		Code:  []Code{getQueue, setQueues, queueXmit},
		Twins: []Twin{
			{Name: "no-grace-period", Want: Sometimes, Edits: noGracePeriod},
			{Name: "no-reader", Want: Sometimes, Edits: noReader},
		},
	},
	{
		Name:  "once",
		Claim: "the number of queues that is tested is the one that the result is reduced to",
		Code:  []Code{getQueue, progRun, setQueues, tunQueue},
		Twins: []Twin{
			{Name: "second-read", Want: Sometimes, Edits: []Edit{{"r1 = r0;", "r1 = READ_ONCE(*num);"}}},
			{Name: "plain-read", Want: DataRace, Edits: []Edit{{"r0 = READ_ONCE(*num);", "r0 = *num;"}}},
		},
	},
}

// Edits of several tests.
var (
	noGracePeriod = []Edit{{"synchronize_rcu();", ""}}
	noReader      = []Edit{{"rcu_read_lock();", ""}, {"rcu_read_unlock();", ""}}
	noRTNL        = []Edit{{"spin_lock(rtnl);", ""}, {"spin_unlock(rtnl);", ""}}
)

// Functions that the series adds are modelled as a whole.
var (
	setProg       = Code{File: "net/core/dev.c", Function: "dev_xps_set_prog"}
	progRun       = Code{File: "net/core/dev.c", Function: "xps_prog_run"}
	getQueue      = Code{File: "net/core/dev.c", Function: "get_xps_queue"}
	progEnabled   = Code{File: "include/linux/netdevice.h", Function: "xps_prog_enabled"}
	rtnlProg      = Code{File: "net/core/dev.h", Function: "dev_xps_prog"}
	rtnlFill      = Code{File: "net/core/rtnetlink.c", Function: "rtnl_xps_fill"}
	linkUninstall = Code{File: "net/core/xps_link.c", Function: "dev_xps_uninstall"}
	linkInstall   = Code{File: "net/core/xps_link.c", Function: "xps_link_install"}
	linkUpdate    = Code{File: "net/core/xps_link.c", Function: "bpf_xps_link_update"}
	linkRelease   = Code{File: "net/core/xps_link.c", Function: "bpf_xps_link_release"}
	tunQueue      = Code{File: "drivers/net/tun.c", Function: "tun_xps_select_queue"}
)

// Of other functions, only a few lines matter. A newer base may change the others.
var (
	// BH-off regions are RCU readers, for call_rcu() as well.
	queueXmit = Code{File: "net/core/dev.c", Function: "__dev_queue_xmit",
		Lines: []string{"rcu_read_lock_bh();", "txq = netdev_core_pick_tx(dev, skb, sb_dev);", "rcu_read_unlock_bh();"}}
	packetXmit = Code{File: "net/packet/af_packet.c", Function: "packet_xmit",
		Lines: []string{"rcu_read_lock_bh();", "queue_index = packet_pick_tx_queue(skb);", "rcu_read_unlock_bh();"}}
	// bpf_prog_put() frees the program after a grace period.
	putNoref = Code{File: "kernel/bpf/syscall.c", Function: "__bpf_prog_put_noref",
		Lines: []string{"if (deferred) {", "call_rcu(&prog->aux->rcu, __bpf_prog_put_rcu);"}}
	setQueues = Code{File: "net/core/dev.c", Function: "netif_set_real_num_tx_queues",
		Lines: []string{"WRITE_ONCE(dev->real_num_tx_queues, txq);", "synchronize_net();", "qdisc_reset_all_tx_gt(dev, txq);"}}
)
