/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Two devices, and the functions that select their queues. */

#define CAP_NET_ADMIN 12
#define RTM_NEWLINK 16
#define GFP_KERNEL 1

struct user_namespace { bool admin; };
struct net { struct user_namespace *user_ns; };
struct nsproxy { struct net *net_ns; };
struct task_struct { struct nsproxy *nsproxy; };

static struct user_namespace the_user_ns;
static struct net the_net = { .user_ns = &the_user_ns };
static struct nsproxy the_nsproxy = { .net_ns = &the_net };
static struct task_struct the_task = { .nsproxy = &the_nsproxy };
#define current (&the_task)

static bool ns_capable(struct user_namespace *ns, int cap)
{
	return cap == CAP_NET_ADMIN && ns->admin;
}

struct bpf_xps_link;
struct xps_dev_maps { int id; };
struct sock;
enum xps_map_type { XPS_CPUS, XPS_RXQS, XPS_MAPS_MAX };

struct net_device {
	int ifindex;
	bool lag_master;
	bool registered;
	unsigned int real_num_tx_queues;
	struct bpf_prog *xps_prog;
#ifdef PART_LINK
	struct bpf_xps_link *xps_link;
#endif
#ifndef PART_MAP_QUEUE
	struct xps_dev_maps *xps_maps[XPS_MAPS_MAX];
#endif
	/* Number of notifications about the device. */
	int notified;
};

#define netif_is_lag_master(dev) ((dev)->lag_master)

static struct net_device device_a = { .ifindex = 5 }, device_b = { .ifindex = 6 };

static int published(const struct bpf_prog *prog)
{
	return (device_a.xps_prog == prog) + (device_b.xps_prog == prog);
}

static struct net_device *__dev_get_by_index(struct net *net, u32 ifindex)
{
	ASSERT_RTNL();
	if (device_a.registered && device_a.ifindex == (int)ifindex)
		return &device_a;
	if (device_b.registered && device_b.ifindex == (int)ifindex)
		return &device_b;
	return NULL;
}

static void rtmsg_ifinfo(int type, struct net_device *dev, unsigned int change,
			 int flags, u32 portid, void *nlh)
{
	ASSERT_RTNL();
	prove(type == RTM_NEWLINK && !change && flags == GFP_KERNEL && !portid && !nlh,
	      "a notification says that the link changed");
	dev->notified++;
}

/* An answer to RTM_GETLINK. */
struct sk_buff {
	size_t used;
	bool open;
	int attached;
	u32 id;
	bool has_id;
	struct sock *sk;
	unsigned int sender_cpu;
};

/* The queue that the XPS maps select; negative for none. */
static int map_result;

static int xps_map_queue(struct net_device *dev, struct net_device *sb_dev, struct sk_buff *skb)
{
	return map_result;
}

#ifndef PART_MAP_QUEUE
/* get_xps_queue() looks the packet up itself. */
static struct static_key xps_needed, xps_rxqs_needed;
static struct xps_dev_maps the_maps;

#define static_key_false(key) ((key)->enabled > 0)

static int sk_rx_queue_get(const struct sock *sk)
{
	return nondet_int();
}

static int __get_xps_queue_idx(struct net_device *dev, struct sk_buff *skb,
			       struct xps_dev_maps *dev_maps, unsigned int tci)
{
	prove(dev_maps == &the_maps && rcu_depth, "the maps of the device are read under RCU");
	return map_result;
}

static void enable_maps(struct net_device *dev, bool enabled)
{
	xps_needed.enabled = enabled || nondet_bool();
	xps_rxqs_needed.enabled = nondet_bool();
	dev->xps_maps[XPS_CPUS] = enabled ? &the_maps : NULL;
}
#else
#define enable_maps(dev, enabled) do { } while (0)
#endif

static bool map_enabled;
#define xps_map_enabled(dev) (map_enabled)
#define dev_xps_map_queue xps_map_queue

/* A tap. */
struct tun_struct {
	struct net_device *dev;
	unsigned int numqueues;
	struct bpf_prog *steering_prog;
};

static struct tun_struct the_tun;
#define netdev_priv(device) (prove(the_tun.dev == (device), "the tap is that of the device"), &the_tun)

static bool hash_saved;
static u16 flow_result, steering_result;

static u16 tun_automq_select_queue(struct tun_struct *tun, struct sk_buff *skb)
{
	hash_saved = true;
	return flow_result;
}

static u16 tun_ebpf_select_queue(struct tun_struct *tun, struct sk_buff *skb)
{
	return steering_result;
}

static void tun_automq_save_rps(struct tun_struct *tun, struct sk_buff *skb)
{
	hash_saved = true;
}
