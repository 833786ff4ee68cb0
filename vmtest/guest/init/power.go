// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// powerOff ends the machine. The guest has no disk, so nothing waits to be
// written. The kernel is told to restart, which QEMU's -no-reboot turns into
// its end: a microvm without ACPI has no other way out.
func powerOff() {
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	// Not reached, unless the kernel refuses; the host's watchdog ends that.
	pause()
}

func pause() {
	for {
		time.Sleep(time.Hour)
	}
}

// complain puts an error where it is seen when there is no control port: into
// the kernel's log, and so on the console.
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
