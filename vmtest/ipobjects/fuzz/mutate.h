/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* The bytes that follow the object, see fuzz.c. */
#define CONTROL_BYTES	2

/* Change an object in place: half of the time at random, else a field of an
 * ELF structure. Returns the new size.
 */
size_t mutate(uint8_t *data, size_t size, size_t max, unsigned int seed);

#endif
