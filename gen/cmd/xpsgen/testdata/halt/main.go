// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command halt halts the machine at once, as halt -f does.
package main

import "golang.org/x/sys/unix"

func main() {
	if unix.Getpid() != 1 && unix.Access("/xpsgen/bin/ip", unix.F_OK) == nil {
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_HALT)
	}
}
