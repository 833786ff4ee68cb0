// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/* Returns -1: the kernel chooses as if no program were attached. */
#include "hello.h"

XPS_HELLO(hello_neg1, -1);
