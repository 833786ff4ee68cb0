/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef FAKE_H
#define FAKE_H

/* Begin an input. The call of bpf(2) number fail fails, none if negative. */
void fake_start(int fail);

/* End an input. Aborts if it left descriptors of bpf(2) open. */
void fake_end(void);

/* Abort unless fd is a program that bpf(2) returned. */
void fake_check_loaded(int fd);

#endif
