// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/* Return -1: the kernel selects the queue as if no program were attached. */
#include "hello.h"

XPS_HELLO(hello_neg1, -1);
