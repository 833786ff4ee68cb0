// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/* Return 2, which on a device with two queues wraps to queue 0. */
#include "hello.h"

XPS_HELLO(hello2, 2);
