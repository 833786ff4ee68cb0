/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#pragma once
#include <stddef.h>
typedef unsigned short sa_family_t;
struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};
#define MSG_FIN 0x200
