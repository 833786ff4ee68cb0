/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Parts of the kernel that the functions under proof use: types, locks, RCU, the static
 * key. A stub asserts the rules of the function that it replaces. If the kernel may fail,
 * the stub chooses by nondet_bool(), and CBMC tries both.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef __SIZE_TYPE__ size_t;
typedef _Bool bool;
#define NULL ((void *)0)
#define true 1
#define false 0

#define __always_inline inline
#define noinline
#define __rcu
#define likely(x) (x)
#define unlikely(x) (x)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, val) ((x) = (val))

/* In the model, one statement runs at a time. It does not check concurrency. */
#define assume(cond) __CPROVER_assume(cond)
#define prove(cond, what) __CPROVER_assert(cond, what)

/*
 * Add a line to the trace that xpsgen prints for a failure. Each $word in the text stands
 * for the next argument; the word selects the format.
 */
#define tell(...) __CPROVER_output(__VA_ARGS__)
#define ABSENT 1000

/* In a mutant, xpsgen prove --mutants inserts XMUT() where the code differs. */
static _Bool mutant_reached;
#define XMUT(n) (mutant_reached = 1)

_Bool nondet_bool(void);
int nondet_int(void);
unsigned int nondet_uint(void);

/* CONFIG_XPS_BPF can be off for one operation. */
static bool xps_bpf_enabled = true;
#define CONFIG_XPS_BPF xps_bpf_enabled
#define CONFIG_XPS 1
#define IS_ENABLED(option) (option)

#define EPERM 1
#define EBADF 9
#define ENOMEM 12
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENOLINK 67
#define EMSGSIZE 90
#define EOPNOTSUPP 95

/*
 * An error pointer points to an object for its errno. As a number it could be any address,
 * and CBMC would copy all memory where it is used.
 */
static char error_ebadf, error_einval;
#define ERR_PTR(err) ((void *)((err) == -EBADF ? &error_ebadf : &error_einval))
#define PTR_ERR(ptr) ((const void *)(ptr) == &error_ebadf ? -EBADF : -EINVAL)
#define IS_ERR(ptr) ((const void *)(ptr) == &error_ebadf || (const void *)(ptr) == &error_einval)

/* In all structures under proof, the member is the first one. */
#define container_of(ptr, type, member) ((type *)(ptr))
#define container_of_const(ptr, type, member) ((const type *)(ptr))

/* Locks. */

static int rtnl, bh_disabled, rcu_depth;

static void rtnl_lock(void)
{
	prove(!rtnl, "RTNL is not taken twice");
	rtnl = 1;
}

static void rtnl_unlock(void)
{
	prove(rtnl, "RTNL is released only while it is held");
	rtnl = 0;
}

static void rcu_read_lock(void)
{
	rcu_depth++;
}

static void rcu_read_unlock(void)
{
	prove(rcu_depth > 0, "the RCU read lock is released only while it is held");
	rcu_depth--;
}

#define ASSERT_RTNL() prove(rtnl, "RTNL is held")
#define rtnl_dereference(p) (({ prove(rtnl, "RTNL is held where a pointer is read"); }), (p))
#define rcu_dereference(p) (({ prove(rcu_depth, "RCU is held where a pointer is read"); }), (p))
#define rcu_dereference_bh(p) (({ prove(bh_disabled, "softirqs are off where a program runs"); }), (p))
#define rcu_access_pointer(p) (p)
#define rcu_assign_pointer(p, v) ((p) = (v))
#define xchg(p, v) ({ typeof(*(p)) old = *(p); *(p) = (v); old; })

/* The static key. */

struct static_key { int enabled; };

static struct static_key xps_prog_needed;

static void static_branch_inc(struct static_key *key)
{
	key->enabled++;
}

static void static_branch_dec(struct static_key *key)
{
	prove(key->enabled > 0, "the static key does not go below zero");
	key->enabled--;
}

#define static_branch_unlikely(key) ((key)->enabled > 0)
