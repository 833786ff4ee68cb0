// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"os"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// lineDisciplineSLIP is N_SLIP of linux/tty.h.
const lineDisciplineSLIP = 1

// initNetNS is the initial network namespace, to which devices without rtnl_link_ops
// return.
const initNetNS = "/proc/1/ns/net"

// slip makes a SLIP device, which has no rtnl_link_ops, in the initial network
// namespace, and returns its name. hangup deletes it.
func slip(t *check.T) (name string, hangup func()) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	t.Must(err, "open /dev/ptmx")
	t.Cleanup(func() { tty.Close() })
	err = unix.IoctlSetPointerInt(int(tty.Fd()), unix.TIOCSETD, lineDisciplineSLIP)
	t.Must(err, "TIOCSETD (the kernel needs CONFIG_SLIP)")
	return "sl0", func() { tty.Close() }
}

// returnKeeps deletes the network namespace of a device, which then returns to the
// initial one.
func (e lifetimeTests) returnKeeps(t *check.T) {
	file, err := os.Open(initNetNS)
	t.Must(err, "open the first network namespace")
	defer file.Close()
	first := &netns{file: file}
	away := e.newNetNS(t)
	name, hangup := slip(t)
	first.do(t, func() {
		t.Must(dial(t).Move(index(t, name), int(away.file.Fd())), "move away")
	})
	prog := constant(t, 1)
	id := idOf(t, prog)
	away.do(t, func() {
		attach(t, &nic{name: name, index: index(t, name)}, prog)
	})
	t.Must(prog.Close(), "close")
	away.close()
	first.do(t, func() {
		t.Eventually(ioPatience, name+" returning", func() bool {
			infos, err := dial(t).Dump()
			t.Must(err, "dump links")
			for _, info := range infos {
				if info.Name == name {
					return true
				}
			}
			return false
		})
		expectAttached(t, &nic{name: name, index: index(t, name)}, "after its network namespace ended", id)
	})
	hangup()
	expectGone(t, id, "the device went")
}
