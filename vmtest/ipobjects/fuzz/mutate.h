/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* The bytes that follow the object, see fuzz.c. */
#define CONTROL_BYTES	2

/* Change an object in place: a quarter of the time at random, else fields of ELF
 * structures or a control byte. An object that is too short for an ELF header is
 * changed at random. Returns the new size.
 */
size_t mutate(uint8_t *data, size_t size, size_t max, unsigned int seed);

#endif
