/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XMUT_H
#define XMUT_H

int xmut(unsigned int n);

#define XMUT(n) xmut(n)

#endif
