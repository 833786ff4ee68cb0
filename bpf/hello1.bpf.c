// SPDX-License-Identifier: GPL-2.0-only
//go:build ignore

/* Return 1: every packet that reaches the hook leaves by queue 1. */
#include "hello.h"

XPS_HELLO(hello1, 1);
