/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#pragma once
#include <linux/time.h>
typedef __kernel_old_time_t time_t;
