// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Prints IFLA_XPS of RTM_GETLINK, of one link and of the same link in a dump, one
 * JSON object per line. The code that reads it is made by the kernel's own
 * generator from the specification rt-link.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ynl.h>

#include "rt-link-user.h"

static void show(const char *how, unsigned int present,
		 const struct rt_link_xps_attrs *xps)
{
	printf("{\"how\":\"%s\",\"present\":%s", how, present ? "true" : "false");
	if (xps->_present.fd)
		printf(",\"fd\":%d", xps->fd);
	if (xps->_present.attached)
		printf(",\"attached\":%u", xps->attached);
	if (xps->_present.flags)
		printf(",\"flags\":%u", xps->flags);
	if (xps->_present.prog_id)
		printf(",\"prog_id\":%u", xps->prog_id);
	if (xps->_present.expected_fd)
		printf(",\"expected_fd\":%d", xps->expected_fd);
	if (xps->_present.expected_id)
		printf(",\"expected_id\":%u", xps->expected_id);
	printf("}\n");
}

static int get(struct ynl_sock *ys, int ifindex)
{
	struct rt_link_getlink_req *req = rt_link_getlink_req_alloc();
	struct rt_link_getlink_rsp *rsp;

	req->_hdr.ifi_index = ifindex;
	rsp = rt_link_getlink(ys, req);
	rt_link_getlink_req_free(req);
	if (!rsp)
		return -1;
	show("get", rsp->_present.xps, &rsp->xps);
	rt_link_getlink_rsp_free(rsp);
	return 0;
}

static int dump(struct ynl_sock *ys, int ifindex)
{
	struct rt_link_getlink_req_dump *req = rt_link_getlink_req_dump_alloc();
	struct rt_link_getlink_list *all;

	all = rt_link_getlink_dump(ys, req);
	rt_link_getlink_req_dump_free(req);
	if (!all)
		return -1;
	ynl_dump_foreach(all, link) {
		if (link->_hdr.ifi_index == ifindex)
			show("dump", link->_present.xps, &link->xps);
	}
	rt_link_getlink_list_free(all);
	return 0;
}

int main(int argc, char **argv)
{
	struct ynl_error err;
	struct ynl_sock *ys;
	int ifindex, ret;

	if (argc != 2) {
		fprintf(stderr, "usage: %s IFINDEX\n", argv[0]);
		return 2;
	}
	ifindex = atoi(argv[1]);
	ys = ynl_sock_create(&ynl_rt_link_family, &err);
	if (!ys) {
		fprintf(stderr, "%s: %s\n", argv[0], err.msg);
		return 1;
	}
	ret = get(ys, ifindex) || dump(ys, ifindex);
	if (ret)
		fprintf(stderr, "%s: %s\n", argv[0], ys->err.msg);
	ynl_sock_destroy(ys);
	return ret;
}
