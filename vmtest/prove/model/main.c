/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Two devices, two programs and two links, and operations on them in any order.
 *
 * With DEPTH, a run has DEPTH operations and begins with nothing attached. Without DEPTH, it
 * has one operation and begins in any state that satisfies the invariants. That proves the
 * invariants for any number of operations.
 */

/* CBMC is faster if the operations are constants. */
#ifndef FIRST_OPERATION
#define FIRST_OPERATION nondet_uint()
#endif
#ifndef SECOND_OPERATION
#define SECOND_OPERATION nondet_uint()
#endif

static void operation(unsigned int which)
{
	switch (which) {
	case 0: unregister(); break;
	case 1: transmit(); break;
#ifdef PART_NETLINK
	case 2: setlink(); break;
	case 3: getlink(); break;
	case 4: without_option(); break;
#endif
#ifdef PART_LINK
	case 5: link_create(); break;
	case 6: link_update(); break;
	case 7: link_detach(); break;
	case 8: link_close(); break;
	case 9: link_info(); break;
#endif
#ifdef PART_DRIVER
	case 10: driver_transmit(); break;
#endif
#ifdef PART_TUN
	case 11: tap_transmit(); break;
#endif
	default: assume(false);
	}
	check_state();
}

#ifdef DEPTH
static void end(struct net_device *dev)
{
	rtnl_lock();
	dev->registered = false;
#ifdef PART_LINK
	dev_xps_uninstall(dev);
#else
	dev_xps_set_prog(dev, NULL);
#endif
	rtnl_unlock();
}
#endif

int main(void)
{
	start();
#ifdef DEPTH
	check_state();
	for (int step = 0; step < DEPTH; step++)
		operation(step == 0 ? FIRST_OPERATION : step == 1 ? SECOND_OPERATION : nondet_uint());
#ifdef PART_LINK
	if (file_a)
		bpf_link_free(file_a);
	if (file_b)
		bpf_link_free(file_b);
	file_a = file_b = NULL;
#endif
	end(&device_a);
	end(&device_b);
	check_state();
	prove(xps_prog_needed.enabled == 0 && prog_a.refs == 1 && prog_b.refs == 1, "nothing is left at the end");
#else
	any_state();
	operation(FIRST_OPERATION);
#endif
#ifdef REACH
	/* This must fail. */
	prove(false, "the operation can end");
#endif
#ifdef REACH_MUTANT
	prove(!mutant_reached, "the mutant is not reached");
#endif
	return 0;
}
