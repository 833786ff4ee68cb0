// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// powerOff ends the machine without sync(2). It restarts the kernel, and QEMU's -no-reboot
// turns that into an exit. A microvm without ACPI has no other way to end.
func powerOff() {
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	// Reached only if the kernel refuses. The host's watchdog then ends the guest.
	pause()
}

func pause() {
	for {
		time.Sleep(time.Hour)
	}
}

// complain writes an error to the kernel's log, and so to the console. It is for errors
// before the control port is open.
func complain(err error) {
	text := "<3>xpsgen init: " + err.Error() + "\n"
	for _, name := range []string{"/dev/kmsg", "/dev/console"} {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		_, err = f.WriteString(text)
		f.Close()
		if err == nil {
			return
		}
	}
}
