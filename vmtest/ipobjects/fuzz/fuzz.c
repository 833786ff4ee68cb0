// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * fuzz.c	libFuzzer's entry to the object loaders of iproute2
 *
 * It loads an object the way "ip link set ... xps object FILE" does. Which
 * loader runs depends on the lib/libutil.a that it is linked with: the legacy
 * loader, or the one on libbpf. fake.c takes the place of bpf(2).
 *
 * An input is an object and two bytes, which select the program and the call of
 * bpf(2) that fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "utils.h"
#include "bpf_util.h"

#include "fake.h"
#include "mutate.h"

/* Bits of the second to last byte. */
#define SELECT_MASK	0x1f
#define SELECT_FAIL	0x80	/* one call of bpf(2) fails */
#define SELECT_VERBOSE	0x40
#define SELECT_XDP	0x20

/* iproute2's own main files define these. */
int show_stats, show_details, show_raw, timestamp;
int preferred_family, force, max_flush_loops;
int batch_mode, json, oneline, brief, echo_request;
bool do_all;

/* What ip is asked for. The names are those of the objects of the matrix. */
static const struct {
	const char *keyword;
	const char *name;
} selections[] = {
	{ "section", "prog" },
	{ "section", "xps" },
	{ "section", ".text" },
	{ "section", "socket" },
	{ "section", "xdp" },
	{ "section", "tc" },
	{ "section", "one" },
	{ "section", "two" },
	{ "section", "1/0" },
	{ "section", "" },
	{ "program", "p" },
	{ "program", "q" },
	{ "program", "sub" },
	{ "program", "" },
};

static int object_fd;
static char object_path[64];

static void loaded(void *raw, int fd, const char *annotation)
{
	int *prog_fd = raw;

	*prog_fd = fd;
}

static const struct bpf_cfg_ops ops = {
	.ebpf_cb = loaded,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	/* What the loaders print would hide the reports, which go to fd 2. */
	stdout = stderr = fdopen(null, "w");
	object_fd = memfd_create("object", 0);
	if (!stderr || object_fd < 0)
		abort();
	snprintf(object_path, sizeof(object_path), "/proc/self/fd/%d",
		 object_fd);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int byte, which;
	char keyword[16], name[16], verbose[] = "verbose", object[] = "object";
	char *argv[] = { object, object_path, keyword, name, verbose, NULL };
	struct bpf_cfg_in cfg = {
		.argv = argv,
	};
	int fail, prog_fd = -1;

	if (size < CONTROL_BYTES)
		return 0;
	fail = data[--size];
	byte = data[--size];

	which = (byte & SELECT_MASK) % ARRAY_SIZE(selections);
	cfg.type = byte & SELECT_XDP ? BPF_PROG_TYPE_XDP :
				       BPF_PROG_TYPE_SOCKET_FILTER;
	cfg.argc = byte & SELECT_VERBOSE ? 5 : 4;
	strcpy(keyword, selections[which].keyword);
	strcpy(name, selections[which].name);
	if (ftruncate(object_fd, 0) ||
	    pwrite(object_fd, data, size, 0) != (ssize_t)size)
		abort();

	fake_start(byte & SELECT_FAIL ? fail : -1);
	if (bpf_parse_and_load_common(&cfg, &ops, &prog_fd) >= 0)
		fake_check_loaded(prog_fd);
	if (prog_fd >= 0)
		close(prog_fd);
	fake_end();
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed)
{
	return mutate(data, size, max, seed);
}
