/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Netlink. An attribute has only its value, no type and no length. */

enum {
	IFLA_XPS = 70,
};

enum {
	IFLA_XPS_UNSPEC,
	IFLA_XPS_FD,
	IFLA_XPS_ATTACHED,
	IFLA_XPS_FLAGS,
	IFLA_XPS_PROG_ID,
	IFLA_XPS_EXPECTED_FD,
	IFLA_XPS_EXPECTED_ID,
	__IFLA_XPS_MAX,
};
#define IFLA_XPS_MAX (__IFLA_XPS_MAX - 1)

#define XPS_FLAGS_UPDATE_IF_NOEXIST (1U << 0)
#define XPS_FLAGS_REPLACE (1U << 1)

struct nlattr { s32 value; };
struct nla_policy { int type; };
struct netlink_ext_ack {
	const struct nlattr *bad;
	const struct nlattr *miss_nest;
	int miss_type;
};

static const struct nla_policy ifla_xps_policy[1];

#define NL_SET_ERR_MSG_ATTR(extack, attr, msg) ((extack)->bad = (attr))
#define NL_SET_ERR_ATTR_MISS(extack, nest, type) \
	((extack)->miss_nest = (nest), (extack)->miss_type = (type))
#define NL_REQ_ATTR_CHECK(extack, nest, tb, type) \
	((tb)[type] ? 0 : (NL_SET_ERR_ATTR_MISS(extack, nest, type), 1))

static s32 nla_get_s32(const struct nlattr *attr)
{
	return attr->value;
}

static u32 nla_get_u32(const struct nlattr *attr)
{
	return attr->value;
}

static u32 nla_get_u32_default(const struct nlattr *attr, u32 value)
{
	return attr ? (u32)attr->value : value;
}

/* The request that is parsed next, and whether parsing it fails. */
static struct nlattr *request[IFLA_XPS_MAX + 1];
static bool request_is_bad;

static int nla_parse_nested(struct nlattr **tb, int max, const struct nlattr *nest,
			    const struct nla_policy *policy, struct netlink_ext_ack *extack)
{
	if (request_is_bad)
		return -EINVAL;
	prove(max == IFLA_XPS_MAX, "all attributes of the nest are read");
	/* Not a loop, which CBMC would have to unwind further than all others. */
	tb[IFLA_XPS_FD] = request[IFLA_XPS_FD];
	tb[IFLA_XPS_ATTACHED] = NULL;
	tb[IFLA_XPS_FLAGS] = request[IFLA_XPS_FLAGS];
	tb[IFLA_XPS_PROG_ID] = NULL;
	tb[IFLA_XPS_EXPECTED_FD] = request[IFLA_XPS_EXPECTED_FD];
	tb[IFLA_XPS_EXPECTED_ID] = request[IFLA_XPS_EXPECTED_ID];
	return 0;
}

/* An answer. Any attribute may find no room. */

#define nla_total_size(payload) (4 + (((payload) + 3) & ~(size_t)3))

static struct nlattr *nla_nest_start(struct sk_buff *skb, int type)
{
	static struct nlattr nest;

	prove(type == IFLA_XPS, "the nest is IFLA_XPS");
	if (nondet_bool())
		return NULL;
	skb->used += nla_total_size(0);
	skb->open = true;
	return &nest;
}

static int nla_put_u8(struct sk_buff *skb, int type, u8 value)
{
	prove(skb->open && type == IFLA_XPS_ATTACHED, "IFLA_XPS_ATTACHED is in the nest");
	if (nondet_bool())
		return -EMSGSIZE;
	skb->used += nla_total_size(1);
	skb->attached = value;
	return 0;
}

static int nla_put_u32(struct sk_buff *skb, int type, u32 value)
{
	prove(skb->open && type == IFLA_XPS_PROG_ID, "IFLA_XPS_PROG_ID is in the nest");
	if (nondet_bool())
		return -EMSGSIZE;
	skb->used += nla_total_size(4);
	skb->id = value;
	skb->has_id = true;
	return 0;
}

static void nla_nest_cancel(struct sk_buff *skb, struct nlattr *nest)
{
	prove(skb->open, "an open nest is cancelled");
	*skb = (struct sk_buff){ .attached = -1 };
}

static void nla_nest_end(struct sk_buff *skb, struct nlattr *nest)
{
	prove(skb->open, "an open nest is closed");
	skb->open = false;
}
