/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The invariants, which hold before and after each operation. */

/* Assume the invariants for an arbitrary state, instead of proving them. */
static bool assuming;

#define rule(cond, what) do {		\
	if (assuming)			\
		assume(cond);		\
	else				\
		prove(cond, what);	\
} while (0)

#ifdef PART_LINK
/* Memory for two links, and the links with an open file. */
static struct bpf_xps_link room_a, room_b;
static bool room_a_used, room_b_used;
static struct bpf_link *file_a, *file_b;

static void *alloc_link(size_t size)
{
	prove(size == sizeof(struct bpf_xps_link), "a link gets the memory that it needs");
	if (nondet_bool())
		return NULL;
	assume(!room_a_used || !room_b_used);
	if (!room_a_used) {
		room_a_used = true;
		room_a = (struct bpf_xps_link){ 0 };
		return &room_a;
	}
	room_b_used = true;
	room_b = (struct bpf_xps_link){ 0 };
	return &room_b;
}

static void free_link(const void *p)
{
	prove((p == &room_a && room_a_used) || (p == &room_b && room_b_used), "memory is freed once");
	if (p == &room_a)
		room_a_used = false;
	else
		room_b_used = false;
}

static struct bpf_xps_link *xps_link_of(struct bpf_link *link)
{
	return container_of(link, struct bpf_xps_link, link);
}

static void check_link(struct bpf_link *link)
{
	struct bpf_xps_link *xps_link = xps_link_of(link);

	rule(link->ops == &bpf_xps_link_lops && link->type == BPF_LINK_TYPE_XPS &&
	     link->attach_type == BPF_XPS, "a link has its type");
	rule(link->prog && link->prog->type == BPF_PROG_TYPE_SOCKET_FILTER &&
	     link->prog->expected_attach_type == BPF_XPS, "the program of a link is an XPS program");
	rule(!xps_link->dev || xps_link->dev->xps_link == xps_link, "a link and its device agree");
}

static int links_with(const struct bpf_prog *prog)
{
	return (file_a && file_a->prog == prog) + (file_b && file_b->prog == prog);
}
#else
static int links_with(const struct bpf_prog *prog)
{
	return 0;
}
#endif /* PART_LINK */

static void check_device(const struct net_device *dev)
{
	rule(dev->registered || !dev->xps_prog, "an unregistered device has no program");
	rule(!dev->lag_master || !dev->xps_prog, "a bond or team has no program");
	rule(!dev->xps_prog || dev->xps_prog->type == BPF_PROG_TYPE_SOCKET_FILTER,
	     "the program of a device is a socket filter");
#ifdef PART_LINK
	if (dev->xps_link) {
		rule((dev->xps_link == &room_a && room_a_used) || (dev->xps_link == &room_b && room_b_used),
		     "the link of a device is not freed");
		rule(dev->xps_link->dev == dev, "a device and its link agree");
		rule(dev->xps_prog && dev->xps_link->link.prog == dev->xps_prog,
		     "the program of a link is the program of its device");
	}
#endif
}

static bool has_link(const struct net_device *dev)
{
#ifdef PART_LINK
	return dev->xps_link;
#else
	return false;
#endif
}

static int owners(const struct bpf_prog *prog)
{
	/* The user holds one reference. */
	return 1 + published(prog) + links_with(prog);
}

static void check_state(void)
{
	rule(!rtnl, "no operation keeps RTNL");
	rule(!rcu_depth, "no operation keeps the RCU read lock");
#ifdef PART_LINK
	rule(file_a == (room_a_used ? &room_a.link : NULL) && file_b == (room_b_used ? &room_b.link : NULL),
	     "each link has a file");
	if (file_a)
		check_link(file_a);
	if (file_b)
		check_link(file_b);
#endif
	check_device(&device_a);
	check_device(&device_b);
	rule(xps_prog_needed.enabled == (device_a.xps_prog != NULL) + (device_b.xps_prog != NULL),
	     "the static key counts the devices with a program");
	rule(prog_a.refs == owners(&prog_a) && prog_b.refs == owners(&prog_b), "each reference has an owner");
}

static struct net_device *any_device(void)
{
	return nondet_bool() ? &device_a : &device_b;
}

static struct bpf_prog *any_prog(void)
{
	return nondet_bool() ? &prog_a : &prog_b;
}

/* Choose the properties that no operation changes. */
static void start_prog(struct bpf_prog *prog)
{
	prog->refs = 1;
#ifdef DEPTH
	/* Division is expensive for CBMC. The run without DEPTH tries all values. */
	prog->result = nondet_bool() ? -1 : nondet_uint() & 15;
#else
	prog->result = nondet_int();
#endif
	prog->type = nondet_bool() ? BPF_PROG_TYPE_SOCKET_FILTER : BPF_PROG_TYPE_UNSPEC;
	prog->expected_attach_type = nondet_bool() ? BPF_XPS : BPF_NONE;
	tell("$prog: socket filter $bool, expected attach type BPF_XPS $bool, returns $int", prog,
	     prog->type == BPF_PROG_TYPE_SOCKET_FILTER, prog->expected_attach_type == BPF_XPS, prog->result);
}

static void start_device(struct net_device *dev)
{
	dev->lag_master = nondet_bool();
	dev->registered = true;
	tell("$device: bond or team $bool", dev, dev->lag_master);
}

static void start(void)
{
	start_prog(&prog_a);
	start_prog(&prog_b);
	start_device(&device_a);
	start_device(&device_b);
}

/* Choose any state that satisfies the invariants, as after any number of operations. */

#ifdef PART_LINK
static struct bpf_link *any_link(struct bpf_xps_link *room, bool *used)
{
	struct bpf_link *link = &room->link;

	*used = nondet_bool();
	if (!*used)
		return NULL;
	init_link(link, BPF_LINK_TYPE_XPS, &bpf_xps_link_lops, any_prog(), BPF_XPS);
	room->dev = nondet_bool() ? any_device() : NULL;
	tell("$link is open: $prog, attached to $device", room, link->prog, room->dev);
	return link;
}
#endif

static void any_attachment(struct net_device *dev)
{
	dev->registered = nondet_bool();
	dev->xps_prog = nondet_bool() ? any_prog() : NULL;
	tell("$device: registered $bool, $prog", dev, dev->registered, dev->xps_prog);
#ifdef PART_LINK
	dev->xps_link = nondet_bool() ? (nondet_bool() ? &room_a : &room_b) : NULL;
#endif
}

static void any_state(void)
{
#ifdef PART_LINK
	file_a = any_link(&room_a, &room_a_used);
	file_b = any_link(&room_b, &room_b_used);
#endif
	any_attachment(&device_a);
	any_attachment(&device_b);
	prog_a.refs = owners(&prog_a);
	prog_b.refs = owners(&prog_b);
	xps_prog_needed.enabled = (device_a.xps_prog != NULL) + (device_b.xps_prog != NULL);
	assuming = true;
	check_state();
	assuming = false;
}
