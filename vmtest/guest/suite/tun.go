// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/pong"
)

// tunSteering uses both programs that a tap can have. The steering program, set by the
// owner of the queues, runs first. It does not treat negative values specially.
func (e hookTests) tunSteering(t *check.T) {
	tap, n := e.tap(t)
	p := newProbe(t, n, frameSender(t, n, false))
	for q := range stationQueues {
		other := 1 - q
		steering := constant(t, int32(other))
		with := fmt.Sprintf("with an XPS program that returns %d", q)
		attach(t, n, constant(t, int32(q)))
		p.expect(with, q)
		setSteering(t, tap.Queue(0), steering.FD())
		p.expect(fmt.Sprintf("%s, and TUNSETSTEERINGEBPF %d", with, other), other)
		setSteering(t, tap.Queue(0), -1)
		p.expect(with+", and TUNSETSTEERINGEBPF taken back", q)
		detach(t, n)
		setSteering(t, tap.Queue(0), steering.FD())
		p.expect(fmt.Sprintf("with TUNSETSTEERINGEBPF %d alone", other), other)
		setSteering(t, tap.Queue(0), -1)
	}
}

// setSteering sets the steering program of a tap with TUNSETSTEERINGEBPF, or removes it
// for -1.
func setSteering(t *check.T, queue *os.File, fd int) {
	arg := int32(fd)
	ioctl(t, queue, unix.TUNSETSTEERINGEBPF, unsafe.Pointer(&arg), "TUNSETSTEERINGEBPF")
}

// tunQueues detaches queues of a tap. The program's return value is taken modulo the
// remaining queues.
func (e hookTests) tunQueues(t *check.T) {
	const queues = 4
	tap, n := e.tapWith(t, queues)
	c := counting(t, 0)
	attach(t, n, c.prog)
	p := newProbe(t, n, frameSender(t, n, false))
	for left := queues; left > 1; left-- {
		for _, ret := range []int32{1, 2, 3, 5, 7} {
			c.set(t, ret)
			p.expect(fmt.Sprintf("with a program that returns %d, %d of %d queues attached", ret, left, queues), int(ret)%left)
		}
		// Detach the last one, so that the others keep their numbers.
		attachQueue(t, tap.Queue(left-1), false)
	}
	c.set(t, 1)
	p.expect("with a program that returns 1, a single queue attached", 0)
	check.Equal(t, "runs of the program with a single queue attached", 0, c.runs(t))
	attachQueue(t, tap.Queue(1), true)
	p.expect("with a program that returns 1, a second queue attached again", 1)
}

// attachQueue attaches a queue of a tap, or detaches it.
func attachQueue(t *check.T, queue *os.File, attach bool) {
	ifr, err := unix.NewIfreq("")
	t.Must(err, "struct ifreq")
	ifr.SetUint16(unix.IFF_DETACH_QUEUE)
	if attach {
		ifr.SetUint16(unix.IFF_ATTACH_QUEUE)
	}
	ioctl(t, queue, unix.TUNSETQUEUE, unsafe.Pointer(ifr), "TUNSETQUEUE")
}

// ioctl calls ioctl(2) on a file without removing it from the poller.
func ioctl(t *check.T, f *os.File, req uintptr, arg unsafe.Pointer, name string) {
	conn, err := f.SyscallConn()
	t.Must(err, name)
	var errno unix.Errno
	t.Must(conn.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, req, uintptr(arg))
	}), name)
	if errno != 0 {
		t.Fatalf("%s: %v", name, errno)
	}
}

// tap makes tap0 with two queues and a responder.
func (e lab) tap(t *check.T) (*pong.Tap, *nic) { return e.tapWith(t, stationQueues) }

// tapWith is tap with another number of queues.
func (e lab) tapWith(t *check.T, queues int) (*pong.Tap, *nic) {
	tap, err := pong.OpenTap("tap0", queues, pong.Host{Addr: peerAddr, MAC: pong.MAC{2, 0, 0, 0, 0xfe, 1}})
	t.Must(err, "tap device")
	t.Cleanup(func() {
		if err := tap.Close(); err != nil {
			t.Errorf("pong: %v", err)
		}
	})
	n := &nic{name: tap.Name, index: index(t, tap.Name), sysfs: e.sysfs(), queues: queues}
	n.configure(t, dial(t))
	return tap, n
}
