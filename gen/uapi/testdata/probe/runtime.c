// SPDX-License-Identifier: GPL-2.0-only OR MIT

/*
 * Runtime of a program of probes. It has no C library: Debian has none for some
 * of the targets, and a static program without one starts quickly under QEMU.
 * The probes, a table of them and NPROBES precede this text.
 */

typedef unsigned long long u64;

static u64 buf[1 << 13] __attribute__((aligned(64)));

static long sys3(long nr, long a, long b, long c)
{
#if defined(__x86_64__)
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
#elif defined(__i386__)
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#elif defined(__arm__)
	register long r7 __asm__("r7") = nr, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
	__asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
	return r0;
#elif defined(__s390x__)
	register long r1 __asm__("1") = nr, r2 __asm__("2") = a, r3 __asm__("3") = b, r4 __asm__("4") = c;
	__asm__ volatile("svc 0" : "+d"(r2) : "d"(r1), "d"(r3), "d"(r4) : "memory");
	return r2;
#endif
}

#if defined(__x86_64__)
enum { nr_write = 1, nr_exit = 60 };
#elif defined(__aarch64__)
enum { nr_write = 64, nr_exit = 93 };
#else
enum { nr_write = 4, nr_exit = 1 };
#endif

/* The compiler calls these for structs and large constants. */
void *memset(void *p, int c, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		((volatile char *)p)[i] = c;
	return p;
}

void *memcpy(void *p, const void *q, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		((volatile char *)p)[i] = ((const char *)q)[i];
	return p;
}

/* libgcc reports a division by zero with it. */
int raise(int sig)
{
	(void)sig;
	sys3(nr_exit, 2, 0, 0);
	return 0;
}

static char text[1 << 16];
static unsigned long used;

static void flush(void)
{
	unsigned long at = 0;

	while (at < used) {
		long n = sys3(nr_write, 1, (long)(text + at), used - at);

		if (n <= 0)
			sys3(nr_exit, 1, 0, 0);
		at += n;
	}
	used = 0;
}

static void put(char c)
{
	text[used++] = c;
	if (used == sizeof(text))
		flush();
}

/* In hexadecimal: to divide 64 bits takes a library on some targets. */
static void number(u64 v)
{
	int shift = 60;

	while (shift && !(v >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[v >> shift & 15]);
}

static u64 value(int round, char kind)
{
	static const u64 values[] = { 0x8182838485868788ULL, 0x0123456789abcdefULL, 0x55aa33cc0ff05511ULL };

	return kind == 'b' ? round != 1 : values[round];
}

static void probe(unsigned int n, const struct probe *p)
{
	unsigned char *bytes = (unsigned char *)buf;

	for (int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < p->span; i++)
			bytes[i] = round == 0 ? 0 : round == 1 ? 0xff : i * 7 + 3;
		p->set(buf, value(round, p->kind));
		number(n);
		put(' ');
		for (unsigned int i = 0; i < p->span; i++) {
			put("0123456789abcdef"[bytes[i] >> 4]);
			put("0123456789abcdef"[bytes[i] & 15]);
		}
		put(' ');
		number(p->get(buf));
		put('\n');
	}
}

__attribute__((used)) void start_c(void)
{
	for (unsigned int i = 0; i < NPROBES; i++)
		probe(i, &probes[i]);
	flush();
	sys3(nr_exit, 0, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: and $-16, %rsp\n call start_c\n");
#elif defined(__i386__)
__asm__(".globl _start\n_start: and $-16, %esp\n call start_c\n");
#elif defined(__s390x__)
__asm__(".globl _start\n_start: aghi %r15, -160\n brasl %r14, start_c\n");
#else
__asm__(".globl _start\n_start: bl start_c\n");
#endif
