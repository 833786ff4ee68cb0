// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses one of the mutants that are compiled into this program, and tells
 * which were reached, in a file that the test shares. Only for tests.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xmut.h"

static unsigned char *map_file(size_t *size)
{
	void *p = MAP_FAILED;
	struct stat st;
	int fd;

	fd = open(XMUT_FILE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st)) {
		*size = st.st_size;
		p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

int xmut(unsigned int n)
{
	static unsigned char *map;
	static size_t size;
	static int tried;
	uint32_t chosen;

	if (!tried) {
		tried = 1;
		map = map_file(&size);
	}
	if (!map || size < sizeof(chosen) + n + 1)
		return 0;
	map[sizeof(chosen) + n] = 1;
	memcpy(&chosen, map, sizeof(chosen));
	return chosen == n;
}
