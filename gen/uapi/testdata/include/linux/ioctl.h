/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef SAMPLE_IOCTL_H
#define SAMPLE_IOCTL_H
#define _IOC(dir, type, nr, size) (((dir) << 30) | ((type) << 8) | (nr) | ((size) << 16))
#define _IOR(type, nr, arg) _IOC(2U, (type), (nr), sizeof(arg))
#endif
