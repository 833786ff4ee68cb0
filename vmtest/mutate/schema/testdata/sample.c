/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define TWICE(x) \
	((x) * 2)
struct pair { int a, b; };
static int (*table[2])(void) = { 0 };
int declared(int a, int b);
# define OTHER 3

static noinline __attribute__((unused)) long first(struct pair *p, int n)
{
	int i, total = 0, list[4] = { 1, 2, 3, 4 };
	char *text = "a;b}" "c", c = '\'', d = '\\';
	unsigned long mask = ~0UL << 4, hex = 0x1f, oct = 017, real = 1e3;

	if (!p || n <= 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (p->a > list[i & 3])
			continue;
		total += p[i].a * sizeof(*p) - (int)p->b;
	}
	while (n--) {
		if (n == 3) {
			break;
		} else if (n != 4 && total >= 7) {
			total = -total;
		} else
			total--;
	}
	do
		call(&total, *text, p->b ? c : d);
	while (total % 5 > 1);
	switch (n) {
	case 1 ... 3:
	case OTHER:
		total |= 1 << n;
		fallthrough;
	default:
		total &= ~mask;
	}
again:
	;
	list_for_each_entry(p, &head, list) {
		if (READ_ONCE(p->a) < total / 2)
			goto again;
	}
	for_each_bit(i, &mask)
		clear(i);
	call(a, b), call(total = 3, sizeof(struct pair));
	call((struct pair){ .a = 1 }, ({ int x = 2; x; }), typeof(n) - 1);
	asm volatile("nop" : : "r"(n + 1));
	WARN_ON(n > 1);
	*text++ = total ^ hex | oct;
	(*table[1])();
	p->b = n ? : total, n;
	return total + (n ? 1 : 0) - 3;
}

static void *second(void)
{
	u32 *p = NULL, **q = &p;
	struct pair *e;
	foo_t bar;
	size_t len = sizeof(bar) * 2;

	if (len < 3) {
		e = alloc(len);
	} else {
		return NULL;
	}
	{
		len = 1;
		again(len);
	}
#ifdef CONFIG_X
	len++;
#endif
	if (x(len,
	      "text"))
		return e->b == 2 || !q ? p : *q;
	return ERR_PTR(-EINVAL);
}

static bool third(int a)
{
	return a > TWICE(2) &&
	       a < 9; /* both */
}

void fourth(void) { return; }
