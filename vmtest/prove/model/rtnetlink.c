/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Operations by rtnetlink, and their documented results. */

static struct nlattr *any_attr(struct nlattr *attr, s32 least, s32 most)
{
	if (nondet_bool())
		return NULL;
	attr->value = nondet_int();
	assume(attr->value >= least && attr->value <= most);
	return attr;
}

static s32 value_of(const struct nlattr *attr)
{
	return attr ? attr->value : ABSENT;
}

/* The program of a file descriptor in a request: NULL for -1, or an error pointer. */
static struct bpf_prog *prog_of_fd(const struct nlattr *attr)
{
	struct bpf_prog *prog;

	if (attr->value == -1)
		return NULL;
	if (attr->value < 0 || attr->value > 1)
		return ERR_PTR(-EBADF);
	prog = attr->value ? &prog_b : &prog_a;
	return prog->type == BPF_PROG_TYPE_SOCKET_FILTER ? prog : ERR_PTR(-EINVAL);
}

/* RTM_SETLINK with IFLA_XPS; see do_setlink(). */
static void setlink(void)
{
	struct nlattr nest, fd, flag, expected_fd, expected_id;
	struct nlattr *a_fd = any_attr(&fd, -2, 2);
	struct nlattr *a_flags = any_attr(&flag, 0, 3);
	struct nlattr *a_efd = any_attr(&expected_fd, -2, 2);
	struct nlattr *a_eid = any_attr(&expected_id, 0, 20);
	struct netlink_ext_ack extack = { 0 };
	struct net_device *dev = any_device();
	struct bpf_prog *cur = dev->xps_prog, *prog = NULL, *want = NULL, *expected = NULL;
	u32 flags = a_flags ? a_flags->value : 0;
	bool replace = flags & XPS_FLAGS_REPLACE;
	bool noexist = flags & XPS_FLAGS_UPDATE_IF_NOEXIST;
	bool invalid, unsupported, busy, differs = false, bad_fd, bad_expected_fd = false;
	int err;

	assume(dev->registered);
	request_is_bad = nondet_bool();
	tell("RTM_SETLINK on $device: fd $int, flags $flags, expected fd $int, expected id $int, malformed $bool",
	     dev, value_of(a_fd), value_of(a_flags), value_of(a_efd), value_of(a_eid), request_is_bad);
	request[IFLA_XPS_FD] = a_fd;
	request[IFLA_XPS_FLAGS] = a_flags;
	request[IFLA_XPS_EXPECTED_FD] = a_efd;
	request[IFLA_XPS_EXPECTED_ID] = a_eid;

	rtnl_lock();
	err = rtnl_xps_prepare(dev, &nest, &prog, &extack);
	tell("the check returns $errno", err);

	invalid = request_is_bad || !a_fd || (replace && noexist) || (a_efd && a_eid) ||
		  replace != (a_efd || a_eid);
	if (a_fd)
		want = prog_of_fd(a_fd);
	bad_fd = IS_ERR(want);
	unsupported = want && !bad_fd && dev->lag_master;
	busy = has_link(dev) || (noexist && want && cur);
	if (replace && a_eid) {
		differs = (u32)a_eid->value != (cur ? cur->aux->id : 0);
	} else if (replace && a_efd) {
		expected = prog_of_fd(a_efd);
		bad_expected_fd = IS_ERR(expected);
		differs = !bad_expected_fd && expected != cur;
	}

	prove(dev->xps_prog == cur, "a check changes nothing");
	prove((err == 0) == !(invalid || bad_fd || unsupported || busy || bad_expected_fd || differs),
	      "a request is refused for one of the documented reasons only");
	if (invalid)
		prove(err == -EINVAL, "an invalid request is reported first");
	else if (bad_fd)
		prove(err == PTR_ERR(want), "a bad fd is reported as such");
	else if (unsupported)
		prove(err == -EOPNOTSUPP, "a bond or team is reported as such");
	else if (busy)
		prove(err == -EBUSY, "a link or NOEXIST is reported before the expected program");
	else if (bad_expected_fd)
		prove(err == PTR_ERR(expected), "a bad expected fd is reported as such");
	else if (differs)
		prove(err == -EEXIST, "EEXIST means another program than expected");
	if (err && !request_is_bad) {
		prove(extack.bad && (extack.bad == &nest || extack.bad == a_fd || extack.bad == a_flags ||
				     extack.bad == a_efd || extack.bad == a_eid),
		      "a refusal names an attribute of the request");
		prove(a_fd || (extack.miss_nest == &nest && extack.miss_type == IFLA_XPS_FD),
		      "a missing fd is reported as missing");
	}

	if (!err) {
		prove(prog == want, "the checked program is the one of the request");
		if (nondet_bool()) {
			tell("a later attribute of the request fails with $errno", -EINVAL);
			if (prog)
				bpf_prog_put(prog);
		} else {
			prove(dev_xps_set_prog(dev, prog) == (cur != want),
			      "dev_xps_set_prog() reports whether the program changed");
			prove(dev->xps_prog == want, "the program is set");
		}
	}
	rtnl_unlock();
}

/* RTM_GETLINK */
static void getlink(void)
{
	struct net_device *dev = any_device();
	struct sk_buff skb = { .attached = -1 };
	int err;

	tell("RTM_GETLINK on $device", dev);
	rtnl_lock();
	err = rtnl_xps_fill(&skb, dev);
	rtnl_unlock();
	tell("it returns $errno", err);
	prove(!skb.open, "no nest is left open");
	if (err) {
		prove(err == -EMSGSIZE, "an answer without room is reported as such");
		prove(skb.attached == -1 && skb.used == 0, "an incomplete nest is removed");
		return;
	}
	prove(skb.attached == (dev->xps_prog != NULL), "an answer reports whether a program is attached");
	prove(skb.has_id == (dev->xps_prog != NULL), "an answer has an id if a program is attached");
	prove(skb.used <= rtnl_xps_size(), "an answer has the room that was reserved");
	if (skb.has_id) {
		prove(skb.id == dev->xps_prog->aux->id, "an answer has the program's id");
		prove(skb.used == rtnl_xps_size(), "no more room is reserved than the longest answer takes");
	}
}

/* RTM_SETLINK and RTM_GETLINK in a kernel without CONFIG_XPS_BPF. */
static void without_option(void)
{
	struct net_device *dev = any_device();
	struct sk_buff skb = { .attached = -1 };
	struct netlink_ext_ack extack = { 0 };
	struct bpf_prog *prog = NULL;
	struct nlattr nest;

	tell("RTM_SETLINK and RTM_GETLINK on $device without CONFIG_XPS_BPF", dev);
	xps_bpf_enabled = false;
	rtnl_lock();
	prove(rtnl_xps_prepare(dev, &nest, &prog, &extack) == -EOPNOTSUPP && !prog && extack.bad == &nest,
	      "without the option a request is refused");
	prove(rtnl_xps_fill(&skb, dev) == 0 && skb.used == 0 && rtnl_xps_size() == 0,
	      "without the option an answer has no nest");
	rtnl_unlock();
	xps_bpf_enabled = true;
}
