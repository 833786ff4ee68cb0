// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * mutate.c	mutations that know ELF
 *
 * A random change of a byte mostly hits instructions or debug information.
 * This changes a field of the header, a section header, a symbol or a
 * relocation, a byte of a string table, or a word of another section, such as
 * BTF or the definitions of maps.
 */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "mutate.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static uint64_t state;

static uint32_t next(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33;
}

static uint64_t value(uint64_t old, size_t size)
{
	switch (next() % 8) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return old + 1;
	case 3:
		return old - 1;
	case 4:
		return next() % 32;
	case 5:
		return next() % (size + 16);
	case 6:
		return old ^ (1ULL << next() % 64);
	default:
		return ((uint64_t)next() << 32) | next();
	}
}

/* Change the field of width bytes at off. */
static void change(uint8_t *data, size_t size, uint64_t off, size_t width)
{
	uint64_t old = 0;

	if (off > size || width > size - off)
		return;
	memcpy(&old, data + off, width);
	old = value(old, size);
	memcpy(data + off, &old, width);
}

/* The offset and width of a field. A width of 0 ends a table of fields. */
struct field {
	uint8_t off, width;
};

#define FIELD(type, member) { offsetof(type, member), sizeof(((type *)0)->member) }

static const struct field ehdr[] = {
	{ EI_CLASS, 1 }, { EI_DATA, 1 },
	FIELD(Elf64_Ehdr, e_type), FIELD(Elf64_Ehdr, e_machine),
	FIELD(Elf64_Ehdr, e_version), FIELD(Elf64_Ehdr, e_shoff),
	FIELD(Elf64_Ehdr, e_shentsize), FIELD(Elf64_Ehdr, e_shnum),
	FIELD(Elf64_Ehdr, e_shstrndx),
};

static const struct field shdr[] = {
	FIELD(Elf64_Shdr, sh_name), FIELD(Elf64_Shdr, sh_type),
	FIELD(Elf64_Shdr, sh_flags), FIELD(Elf64_Shdr, sh_offset),
	FIELD(Elf64_Shdr, sh_size), FIELD(Elf64_Shdr, sh_link),
	FIELD(Elf64_Shdr, sh_info), FIELD(Elf64_Shdr, sh_addralign),
	FIELD(Elf64_Shdr, sh_entsize),
};

static const struct field sym[] = {
	FIELD(Elf64_Sym, st_name), FIELD(Elf64_Sym, st_info),
	FIELD(Elf64_Sym, st_other), FIELD(Elf64_Sym, st_shndx),
	FIELD(Elf64_Sym, st_value), FIELD(Elf64_Sym, st_size),
};

static const struct field rel[] = {
	FIELD(Elf64_Rel, r_offset), { 8, 4 }, { 12, 4 },
};

static const struct field word[] = {
	{ 0, 4 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Change a field of one of count records of len bytes at off. */
static void change_record(uint8_t *data, size_t size, uint64_t off,
			  uint64_t count, size_t len, const struct field *f,
			  size_t fields)
{
	uint64_t at = off + (count ? next() % count : 0) * len;

	f += next() % fields;
	change(data, size, at + f->off, f->width);
}

static void change_elf(uint8_t *data, size_t size)
{
	Elf64_Ehdr h;
	Elf64_Shdr s;
	uint64_t at;

	memcpy(&h, data, sizeof(h));
	if (!h.e_shnum || next() % 16 == 0) {
		change_record(data, size, 0, 1, 0, ehdr, COUNT(ehdr));
		return;
	}
	if (next() % 3 == 0) {
		change_record(data, size, h.e_shoff, h.e_shnum, sizeof(s),
			      shdr, COUNT(shdr));
		return;
	}

	at = h.e_shoff + next() % h.e_shnum * sizeof(s);
	if (at > size || sizeof(s) > size - at)
		return;
	memcpy(&s, data + at, sizeof(s));
	if (!s.sh_size || s.sh_offset > size)
		return;

	switch (s.sh_type) {
	case SHT_SYMTAB:
		change_record(data, size, s.sh_offset, s.sh_size / sizeof(Elf64_Sym),
			      sizeof(Elf64_Sym), sym, COUNT(sym));
		break;
	case SHT_REL:
		change_record(data, size, s.sh_offset, s.sh_size / sizeof(Elf64_Rel),
			      sizeof(Elf64_Rel), rel, COUNT(rel));
		break;
	case SHT_STRTAB:
		change(data, size, s.sh_offset + next() % s.sh_size, 1);
		break;
	default:
		change_record(data, size, s.sh_offset, s.sh_size / 4, 4, word,
			      COUNT(word));
	}
}

size_t mutate(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t object = size - CONTROL_BYTES;

	state = seed;
	next();
	if (size < sizeof(Elf64_Ehdr) + CONTROL_BYTES || next() % 4 == 0)
		return LLVMFuzzerMutate(data, size, max);

	do {
		if (next() % 8)
			change_elf(data, object);
		else
			data[object + next() % CONTROL_BYTES] = next();
	} while (next() % 3 == 0);
	return size;
}
