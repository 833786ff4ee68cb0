/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Programs and links; see kernel/bpf/syscall.c. */

enum bpf_prog_type { BPF_PROG_TYPE_UNSPEC, BPF_PROG_TYPE_SOCKET_FILTER };
enum bpf_attach_type { BPF_NONE, BPF_XPS };
enum bpf_link_type { BPF_LINK_TYPE_UNSPEC, BPF_LINK_TYPE_XPS };

struct bpf_prog_aux { u32 id; };

struct bpf_prog {
	int refs;
	enum bpf_prog_type type;
	enum bpf_attach_type expected_attach_type;
	struct bpf_prog_aux *aux;
	/* The return value of the program. */
	int result;
};

/*
 * Two programs with the fds 0 and 1. Each object is a separate variable, because CBMC copies
 * a whole array if an index is not constant.
 */
static struct bpf_prog_aux aux_a = { .id = 10 }, aux_b = { .id = 11 };
static struct bpf_prog prog_a = { .aux = &aux_a }, prog_b = { .aux = &aux_b };

/* How many devices have the program. */
static int published(const struct bpf_prog *prog);

static void bpf_prog_inc(struct bpf_prog *prog)
{
	prove(prog->refs > 0, "a reference is taken only to a program that is alive");
	prog->refs++;
}

static void bpf_prog_put(struct bpf_prog *prog)
{
	prove(prog->refs > 1, "the last reference is the user's");
	prog->refs--;
	prove(prog->refs > published(prog), "a program is released only after no device has it");
}

static struct bpf_prog *bpf_prog_get_type(u32 fd, enum bpf_prog_type type)
{
	struct bpf_prog *prog = fd ? &prog_b : &prog_a;

	if (fd > 1)
		return ERR_PTR(-EBADF);
	if (prog->type != type)
		return ERR_PTR(-EINVAL);
	bpf_prog_inc(prog);
	return prog;
}

struct sk_buff;

static int prog_runs;

static int __bpf_prog_run_save_cb(const struct bpf_prog *prog, struct sk_buff *skb)
{
	prove(bh_disabled, "softirqs are off while a program runs");
	prove(prog->refs > 0, "a program that runs is alive");
	prog_runs++;
	return prog->result;
}

#ifdef PART_LINK
struct bpf_link;
struct seq_file { u32 shown; };
struct bpf_link_info { struct { u32 ifindex; } xps; };

struct bpf_link_ops {
	void (*release)(struct bpf_link *link);
	void (*dealloc)(struct bpf_link *link);
	int (*detach)(struct bpf_link *link);
	int (*update_prog)(struct bpf_link *link, struct bpf_prog *new_prog,
			   struct bpf_prog *old_prog);
	void (*show_fdinfo)(const struct bpf_link *link, struct seq_file *seq);
	int (*fill_link_info)(const struct bpf_link *link, struct bpf_link_info *info);
};

struct bpf_link {
	const struct bpf_link_ops *ops;
	struct bpf_prog *prog;
	enum bpf_link_type type;
	enum bpf_attach_type attach_type;
};

struct bpf_link_primer { struct bpf_link *link; };

union bpf_attr {
	struct {
		u32 target_ifindex;
		u32 attach_type;
		u32 flags;
	} link_create;
};

/* Linux 6.12 stores no attach type in the link. */
#define bpf_link_init(link, type, ops, prog, ...) \
	init_link(link, type, ops, prog, FIRST(__VA_ARGS__ __VA_OPT__(,) BPF_XPS,))
#define FIRST(x, ...) x

static void init_link(struct bpf_link *link, enum bpf_link_type type,
		      const struct bpf_link_ops *ops, struct bpf_prog *prog,
		      enum bpf_attach_type attach_type)
{
	link->type = type;
	link->ops = ops;
	link->prog = prog;
	link->attach_type = attach_type;
}

static int bpf_link_prime(struct bpf_link *link, struct bpf_link_primer *primer)
{
	if (nondet_bool())
		return -ENOMEM;
	primer->link = link;
	return 0;
}

/* The link to which bpf_link_settle() gave a file. */
static struct bpf_link *installed;

static int bpf_link_settle(struct bpf_link_primer *primer)
{
	installed = primer->link;
	return 3;
}

/* The last close of a link's file; see bpf_link_free() of the kernel. */
static void bpf_link_free(struct bpf_link *link)
{
	struct bpf_prog *prog;

	if (link->prog)
		link->ops->release(link);
	/* release() must not change link->prog: read it afterwards. */
	prog = link->prog;
	if (prog)
		bpf_prog_put(prog);
	link->ops->dealloc(link);
}

static void bpf_link_cleanup(struct bpf_link_primer *primer)
{
	prove(!rtnl, "RTNL is not held where a link may be released");
	primer->link->prog = NULL;
	bpf_link_free(primer->link);
}

/* Memory for two links. */
static void *alloc_link(size_t size);
static void free_link(const void *p);

#define GFP_USER 2
#define kzalloc(size, flags) alloc_link(size)
#define kzalloc_obj(obj, flags) alloc_link(sizeof(obj))
#define kfree(p) free_link(p)

static void seq_printf(struct seq_file *seq, const char *format, u32 value)
{
	seq->shown = value;
}
#endif /* PART_LINK */
