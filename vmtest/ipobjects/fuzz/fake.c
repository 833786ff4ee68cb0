// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * fake.c	bpf(2) without a kernel
 *
 * Both loaders reach bpf(2) through syscall(3), which this file replaces. A
 * fake call reads and writes all memory that the kernel would, so that ASan
 * sees a wrong size. It returns a descriptor of a file in memory.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "fake.h"

#define MAX_FDS		1024
#define MAX_MAP_BYTES	(1 << 26)	/* a greater map is refused */

enum kind { NONE, MAP, PROG, BTF, LINK };

static struct {
	enum kind kind;
	uint32_t type, key_size, value_size, max_entries, flags;
	ino_t inode;
} fds[MAX_FDS];

static int calls, fail_at;
static volatile uint8_t sink;

static void read_all(uint64_t from, size_t len)
{
	const uint8_t *p = (const uint8_t *)(unsigned long)from;
	uint8_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += p[i];
	sink = sum;
}

static void write_all(uint64_t to, size_t len)
{
	if (to)
		memset((void *)(unsigned long)to, 0, len);
}

static void read_string(uint64_t from)
{
	sink = strlen((const char *)(unsigned long)from);
}

static bool is_open(int fd)
{
	struct stat st;

	return fd >= 0 && fd < MAX_FDS && fds[fd].kind != NONE &&
	       !fstat(fd, &st) && st.st_ino == fds[fd].inode;
}

/* A descriptor may be a duplicate: a duplicate has the same inode. */
static int find(int fd, enum kind kind)
{
	struct stat st;
	int i;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	for (i = 0; i < MAX_FDS; i++)
		if (fds[i].kind == kind && fds[i].inode == st.st_ino)
			return i;
	return -1;
}

static int new_fd(enum kind kind, size_t bytes)
{
	struct stat st;
	int fd;

	fd = memfd_create("bpf", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	if (fd >= MAX_FDS) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	if ((bytes && ftruncate(fd, bytes)) || fstat(fd, &st))
		abort();
	memset(&fds[fd], 0, sizeof(fds[fd]));
	fds[fd].kind = kind;
	fds[fd].inode = st.st_ino;
	return fd;
}

/* As in the kernel: some types have keys or values of one size only. */
static bool sizes_of_type(const union bpf_attr *attr)
{
	switch (attr->map_type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
		return attr->key_size == 4 && attr->value_size == 4;
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return attr->value_size == 4;
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return attr->key_size == 4;
	default:
		return true;
	}
}

static int map_create(const union bpf_attr *attr)
{
	uint64_t bytes = ((uint64_t)attr->value_size + 7) / 8 * 8;
	int fd;

	if (strnlen(attr->map_name, sizeof(attr->map_name)) ==
	    sizeof(attr->map_name)) {
		errno = EINVAL;
		return -1;
	}
	if (!attr->max_entries || attr->max_entries > MAX_MAP_BYTES ||
	    bytes > MAX_MAP_BYTES || bytes * attr->max_entries > MAX_MAP_BYTES ||
	    attr->key_size > MAX_MAP_BYTES) {
		errno = E2BIG;
		return -1;
	}
	if (!sizes_of_type(attr)) {
		errno = EINVAL;
		return -1;
	}
	bytes *= attr->max_entries;
	fd = new_fd(MAP, (bytes + 4095) / 4096 * 4096 + 4096);
	if (fd < 0)
		return fd;
	fds[fd].type = attr->map_type;
	fds[fd].key_size = attr->key_size;
	fds[fd].value_size = attr->value_size;
	fds[fd].max_entries = attr->max_entries;
	fds[fd].flags = attr->map_flags;
	return fd;
}

static int prog_load(const union bpf_attr *attr)
{
	int fd;

	if (!attr->insn_cnt) {
		errno = EINVAL;
		return -1;
	}
	read_all(attr->insns, (size_t)attr->insn_cnt * sizeof(struct bpf_insn));
	read_string(attr->license);
	write_all(attr->log_buf, attr->log_size);
	if (attr->func_info_cnt)
		read_all(attr->func_info, (size_t)attr->func_info_cnt *
					  attr->func_info_rec_size);
	if (attr->line_info_cnt)
		read_all(attr->line_info, (size_t)attr->line_info_cnt *
					  attr->line_info_rec_size);
	fd = new_fd(PROG, 0);
	if (fd >= 0)
		fds[fd].type = attr->prog_type;
	return fd;
}

static int get_info(union bpf_attr *attr)
{
	int i = find(attr->info.bpf_fd, MAP);
	struct bpf_map_info map = {};

	write_all(attr->info.info, attr->info.info_len);
	if (i < 0 || attr->info.info_len < sizeof(map))
		return 0;
	map.type = fds[i].type;
	map.key_size = fds[i].key_size;
	map.value_size = fds[i].value_size;
	map.max_entries = fds[i].max_entries;
	map.map_flags = fds[i].flags;
	memcpy((void *)(unsigned long)attr->info.info, &map, sizeof(map));
	return 0;
}

static int element(const union bpf_attr *attr, bool write)
{
	int i = find(attr->map_fd, MAP);

	if (i < 0) {
		errno = EBADF;
		return -1;
	}
	read_all(attr->key, fds[i].key_size);
	if (write)
		write_all(attr->value, fds[i].value_size);
	else
		read_all(attr->value, fds[i].value_size);
	return 0;
}

static int fake_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	union bpf_attr copy = {};
	int fd;

	read_all((unsigned long)attr, size);
	memcpy(&copy, attr, size < sizeof(copy) ? size : sizeof(copy));

	if (calls++ == fail_at) {
		errno = EPERM;
		return -1;
	}

	switch (cmd) {
	case BPF_MAP_CREATE:
		return map_create(&copy);
	case BPF_PROG_LOAD:
		return prog_load(&copy);
	case BPF_BTF_LOAD:
		read_all(copy.btf, copy.btf_size);
		write_all(copy.btf_log_buf, copy.btf_log_size);
		return new_fd(BTF, 0);
	case BPF_MAP_UPDATE_ELEM:
		return element(&copy, false);
	case BPF_MAP_LOOKUP_ELEM:
		return element(&copy, true);
	case BPF_MAP_FREEZE:
		return 0;
	case BPF_OBJ_PIN:
		read_string(copy.pathname);
		return 0;
	case BPF_OBJ_GET:
		read_string(copy.pathname);
		/* Half of the pins exist, always the same ones. */
		if (strlen((const char *)(unsigned long)copy.pathname) % 2) {
			errno = ENOENT;
			return -1;
		}
		fd = new_fd(MAP, 1 << 20);
		return fd;
	case BPF_OBJ_GET_INFO_BY_FD:
		return get_info(&copy);
	default:
		errno = EINVAL;
		return -1;
	}
}

/* Replaces that of the C library for all that is linked with this file. ASan
 * would object to arguments that the caller did not pass.
 */
__attribute__((no_sanitize("address", "undefined")))
long syscall(long nr, ...)
{
	static long (*real)(long nr, ...);
	long a[6];
	va_list args;
	int i;

	va_start(args, nr);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);

	if (nr == __NR_bpf)
		return fake_bpf(a[0], (union bpf_attr *)a[1], a[2]);
	if (!real)
		real = dlsym(RTLD_NEXT, "syscall");
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

void fake_start(int fail)
{
	calls = 0;
	fail_at = fail;
}

void fake_check_loaded(int fd)
{
	if (find(fd, PROG) >= 0)
		return;
	dprintf(STDERR_FILENO, "fd %d is not a program\n", fd);
	abort();
}

void fake_end(void)
{
	int i, left = 0;

	fail_at = -1;
	for (i = 0; i < MAX_FDS; i++) {
		if (is_open(i)) {
			dprintf(STDERR_FILENO, "fd %d of kind %d is open\n",
				i, fds[i].kind);
			left++;
		}
		fds[i].kind = NONE;
	}
	if (left)
		abort();
}
