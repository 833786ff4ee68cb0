/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#pragma once
#include <sys/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
