// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/* Return 0: every packet that reaches the hook leaves by queue 0. */
#include "hello.h"

XPS_HELLO(hello0, 0);
