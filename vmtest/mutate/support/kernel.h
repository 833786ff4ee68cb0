/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_XMUT_H
#define _LINUX_XMUT_H

/* Written by one reader at a time of /proc/xmut; torn values cannot be. */
extern unsigned int xmut_chosen;
extern unsigned char xmut_hits[];

#define XMUT(n) (xmut_hits[n] = 1, *(volatile unsigned int *)&xmut_chosen == (n))

#endif
