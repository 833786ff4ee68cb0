/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Operations by BPF links, and their documented results. */

static struct bpf_link **any_file(void)
{
	struct bpf_link **file = nondet_bool() ? &file_a : &file_b;

	assume(*file != NULL);
	return file;
}

/* BPF_LINK_CREATE; see link_create(). */
static void link_create(void)
{
	struct bpf_prog *prog = any_prog(), *had = NULL;
	struct net_device *dev = NULL;
	union bpf_attr attr;
	int ret, notified = 0;

	assume(!file_a || !file_b);
	/* link_create() of the kernel checks these. */
	assume(prog->type == BPF_PROG_TYPE_SOCKET_FILTER && prog->expected_attach_type == BPF_XPS);
	the_user_ns.admin = nondet_bool();
	attr.link_create.target_ifindex = nondet_uint();
	attr.link_create.flags = nondet_uint();
	attr.link_create.attach_type = BPF_XPS;
	if (device_a.registered && device_a.ifindex == (int)attr.link_create.target_ifindex)
		dev = &device_a;
	if (device_b.registered && device_b.ifindex == (int)attr.link_create.target_ifindex)
		dev = &device_b;
	if (dev) {
		had = dev->xps_prog;
		notified = dev->notified;
	}
	tell("BPF_LINK_CREATE on $device: $prog, flags $int, CAP_NET_ADMIN $bool", dev, prog,
	     attr.link_create.flags, the_user_ns.admin);

	bpf_prog_inc(prog);
	installed = NULL;
	ret = bpf_xps_link_attach(&attr, prog);
	tell("it returns $errno", ret);
	prove(!rtnl, "a link is made without RTNL at the end");
	if (ret < 0) {
		bpf_prog_put(prog);
		prove(!installed, "a failed BPF_LINK_CREATE makes no file");
		prove(!dev || (dev->xps_prog == had && dev->notified == notified), "a failed BPF_LINK_CREATE changes nothing");
		prove(ret != -EINVAL || attr.link_create.flags, "EINVAL means a flag");
		prove(ret != -EPERM || !the_user_ns.admin, "EPERM means that a capability is missing");
		prove(ret != -ENODEV || !dev, "ENODEV means that there is no such device");
		prove(ret != -EOPNOTSUPP || dev->lag_master, "EOPNOTSUPP means a bond or team");
		prove(ret != -EBUSY || had, "EBUSY means that a program is attached");
		prove(ret == -EINVAL || ret == -EPERM || ret == -ENODEV || ret == -EOPNOTSUPP ||
		      ret == -EBUSY || ret == -ENOMEM, "the error is a documented one");
		return;
	}
	prove(!attr.link_create.flags && the_user_ns.admin && dev && !dev->lag_master && !had,
	      "a link is refused for each of the documented reasons");
	prove(installed != NULL, "a link that is made has a file");
	if (!file_a)
		file_a = installed;
	else
		file_b = installed;
	prove(dev->xps_prog == prog && dev->xps_link == xps_link_of(installed), "the link attaches its program");
	prove(dev->notified == notified + 1, "a link that attaches is notified once");
}

/* BPF_LINK_UPDATE; see link_update(). */
static void link_update(void)
{
	struct bpf_link *link = *any_file();
	struct bpf_prog *new = any_prog(), *old = nondet_bool() ? any_prog() : NULL;
	struct net_device *dev = xps_link_of(link)->dev;
	struct bpf_prog *had = link->prog;
	int notified = dev ? dev->notified : 0;
	bool unlike = new->type != had->type || new->expected_attach_type != had->expected_attach_type;
	int ret;

	tell("BPF_LINK_UPDATE of $link: new $prog, expected $prog", link, new, old);
	bpf_prog_inc(new);
	if (old)
		bpf_prog_inc(old);
	ret = link->ops->update_prog(link, new, old);
	tell("it returns $errno", ret);
	if (old)
		bpf_prog_put(old);
	if (ret) {
		bpf_prog_put(new);
		prove(link->prog == had, "an update that fails changes nothing");
	} else {
		prove(link->prog == new, "an update sets the program of the link");
	}
	prove((ret == 0) == (dev && (!old || old == had) && !unlike),
	      "an update is refused for one of the documented reasons only");
	if (!dev)
		prove(ret == -ENOLINK, "a detached link is reported as such");
	else if (old && old != had)
		prove(ret == -EPERM, "another program than expected is reported as such");
	else if (unlike)
		prove(ret == -EINVAL, "a program of another type is reported as such");
	if (dev)
		prove(dev->notified == notified + (ret == 0 && new != had), "a replaced program is notified once");
}

/* BPF_LINK_DETACH */
static void link_detach(void)
{
	struct bpf_link *link = *any_file();
	struct net_device *dev = xps_link_of(link)->dev;
	int notified = dev ? dev->notified : 0;

	tell("BPF_LINK_DETACH of $link", link);
	prove(link->ops->detach(link) == 0, "a detach does not fail");
	prove(!xps_link_of(link)->dev, "a detached link has no device");
	if (dev)
		prove(!dev->xps_prog && !dev->xps_link && dev->notified == notified + 1, "a detach is notified once");
}

/* The last close() of the link's file. */
static void link_close(void)
{
	struct bpf_link **file = any_file();
	struct net_device *dev = xps_link_of(*file)->dev;
	int notified = dev ? dev->notified : 0;

	tell("close() of $link", *file);
	bpf_link_free(*file);
	*file = NULL;
	if (dev)
		prove(!dev->xps_prog && !dev->xps_link && dev->notified == notified + 1,
		      "the last close of a link detaches and is notified once");
}

/* BPF_OBJ_GET_INFO_BY_FD, and /proc/PID/fdinfo/FD */
static void link_info(void)
{
	struct bpf_link *link = *any_file();
	struct net_device *dev = xps_link_of(link)->dev;
	u32 ifindex = dev ? (u32)dev->ifindex : 0;
	struct bpf_link_info info;
	struct seq_file seq = { .shown = ABSENT };

	tell("BPF_OBJ_GET_INFO_BY_FD and fdinfo of $link", link);
	prove(link->ops->fill_link_info(link, &info) == 0 && info.xps.ifindex == ifindex,
	      "a link reports the index of its device, or 0");
	link->ops->show_fdinfo(link, &seq);
	prove(seq.shown == ifindex, "fdinfo shows the index of the device, or 0");
}
