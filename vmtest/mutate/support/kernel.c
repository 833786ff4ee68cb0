// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses one of the mutants that are compiled into this kernel, and tells
 * which were reached. Only for tests.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/xmut.h>

unsigned int xmut_chosen;
unsigned char xmut_hits[XMUT_END];

static int xmut_show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < XMUT_END; i++)
		if (xmut_hits[i])
			seq_printf(m, "%u ", i);
	seq_putc(m, '\n');
	return 0;
}

static int xmut_open(struct inode *inode, struct file *file)
{
	return single_open(file, xmut_show, NULL);
}

static ssize_t xmut_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *pos)
{
	unsigned int n;
	int err;

	err = kstrtouint_from_user(buf, count, 10, &n);
	if (err)
		return err;
	WRITE_ONCE(xmut_chosen, n);
	memset(xmut_hits, 0, sizeof(xmut_hits));
	return count;
}

static const struct proc_ops xmut_ops = {
	.proc_open	= xmut_open,
	.proc_read	= seq_read,
	.proc_lseek	= seq_lseek,
	.proc_write	= xmut_write,
	.proc_release	= single_release,
};

static int __init xmut_init(void)
{
	return proc_create("xmut", 0600, NULL, &xmut_ops) ? 0 : -ENOMEM;
}
fs_initcall(xmut_init);
