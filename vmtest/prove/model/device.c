/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Operations of the core on a device: unregister it, select its queues. */

/* unregister_netdevice(); see unregister_netdevice_many_notify(). */
static void unregister(void)
{
	struct net_device *dev = any_device();

	assume(dev->registered);
	tell("unregister $device", dev);
	rtnl_lock();
	dev->registered = false;
#ifdef PART_LINK
	dev_xps_uninstall(dev);
#else
	dev_xps_set_prog(dev, NULL);
#endif
	rtnl_unlock();
	prove(!dev->xps_prog && !has_link(dev), "an unregistered device has neither program nor link");
}

/* The queue that the program selects from so many queues; negative for none. */
static int selected(const struct net_device *dev, unsigned int queues)
{
	if (!dev->xps_prog || queues <= 1 || dev->xps_prog->result < 0)
		return -1;
	return dev->xps_prog->result % queues;
}

static void any_queues(struct net_device *dev)
{
	dev->real_num_tx_queues = nondet_uint();
	assume(dev->real_num_tx_queues <= 6);
	map_enabled = nondet_bool();
	map_result = map_enabled ? nondet_int() : -1;
	assume(map_result >= -1 && map_result <= 6);
	prog_runs = 0;
}

/*
 * Send a packet as netdev_pick_tx() does. If sb_dev is not dev, the packet is of a
 * subordinate device.
 */
static void transmit(void)
{
	struct net_device *dev = any_device(), *sb_dev = any_device();
	struct sk_buff skb;
	int queue, want;

	any_queues(dev);
	enable_maps(sb_dev, map_enabled);
	tell("send a packet on $device with $int queues, as if on $device, maps select $int",
	     dev, dev->real_num_tx_queues, sb_dev, map_result);
	bh_disabled = 1;
	prove(xps_prog_enabled(dev) == (dev->xps_prog != NULL), "xps_prog_enabled() reports whether a device has a program");
	queue = get_xps_queue(dev, sb_dev, &skb);
	bh_disabled = 0;
	tell("queue $int is selected", queue);
	want = sb_dev == dev ? selected(dev, dev->real_num_tx_queues) : -1;
	prove(queue == (want >= 0 ? want : map_result),
	      "the queue is the result modulo the number of queues, or that of the maps");
	prove(prog_runs <= 1, "a program runs once");
}

#ifdef PART_DRIVER
/* ndo_select_queue() of a driver */
static void driver_transmit(void)
{
	struct net_device *dev = any_device();
	unsigned int queues = nondet_uint();
	struct sk_buff skb;
	int queue, want;

	assume(queues <= 6);
	tell("a driver sends a packet on $device and selects one of $int queues", dev, queues);
	bh_disabled = 1;
	queue = dev_xps_prog_run(dev, &skb, queues);
	bh_disabled = 0;
	tell("queue $int is selected", queue);
	want = selected(dev, queues);
	prove(want < 0 ? queue < 0 : queue == want, "a driver gets the result modulo its number of queues");
}
#endif

#ifdef PART_TUN
/* ndo_select_queue() of a tap */
static void tap_transmit(void)
{
	struct net_device *dev = any_device();
	static struct bpf_prog steering_prog;
	struct sk_buff skb;
	unsigned int queues;
	int want = -1;
	u16 queue;

	any_queues(dev);
	the_tun.dev = dev;
	the_tun.numqueues = nondet_uint();
	assume(the_tun.numqueues <= 6);
	the_tun.steering_prog = nondet_bool() ? &steering_prog : NULL;
	flow_result = nondet_uint();
	steering_result = nondet_uint();
	hash_saved = false;
	tell("a tap with $int files sends a packet on $device with $int queues, maps select $int, steering program $bool",
	     the_tun.numqueues, dev, dev->real_num_tx_queues, map_result, the_tun.steering_prog != NULL);
	bh_disabled = 1;
	queue = tun_select_queue(dev, &skb, dev);
	bh_disabled = 0;
	tell("queue $int is selected", queue);

	queues = min(the_tun.numqueues, dev->real_num_tx_queues);
	if (dev->xps_prog)
		want = selected(dev, queues);
#ifdef PART_TUN_MAPS
	if (want < 0 && map_enabled && map_result < (int)queues)
		want = map_result;
#endif
	if (the_tun.steering_prog) {
		prove(queue == steering_result && !prog_runs, "a steering program runs instead of the XPS program");
		return;
	}
	prove(queue == (want >= 0 ? want : flow_result),
	      "the queue of a tap is that of the program, or of the flow table");
	prove(hash_saved, "a tap saves the RPS hash");
}
#endif
