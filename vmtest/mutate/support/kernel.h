/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_XMUT_H
#define _LINUX_XMUT_H

/* Set by a write to /proc/xmut. It is one aligned word: no read sees half of it. */
extern unsigned int xmut_chosen;
extern unsigned char xmut_hits[];

#define XMUT(n) (xmut_hits[n] = 1, *(volatile unsigned int *)&xmut_chosen == (n))

#endif
