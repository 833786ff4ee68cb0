// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// list returns tests that send a packet while its device is unregistered. The sender
// sleeps after the test for IFF_UP and selects the queue later. Without the fix the
// first one divides by zero, and the second one loops with bottom halves disabled.
// This shows it on the base:
//
//	make unpatched RUN=unregister/d32
func (e fixTests) list() check.Group {
	return check.Group{Name: "unregister", Tests: []check.Test{
		{Name: "d32-bypass-of-an-unregistered-dummy-selects-a-queue", Run: func(t *check.T) {
			e.sendAfterUnregister(t, e.dummy(t, "dummy0", 2), true)
		}},
		{Name: "d33-sending-through-an-unregistered-bond-selects-a-queue", Run: func(t *check.T) {
			n := e.bond(t)
			t.Must(dial(t).SetUp(n.index, true), "bring up")
			e.sendAfterUnregister(t, n, false)
		}},
	}}.Need(needsFix)
}

func (e fixTests) sendAfterUnregister(t *check.T, n *nic, bypass bool) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "packet socket")
	defer unix.Close(fd)
	if bypass {
		t.Must(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1), "PACKET_QDISC_BYPASS")
	}
	page := newFaultingPage(t)
	sent := make(chan error, 1)
	go func() {
		to := &unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: n.index, Halen: 6}
		sent <- unix.Sendto(fd, page.memory, 0, to)
	}()
	page.await(t)

	// The kernel answers after the sender has released the device.
	c := dial(t)
	deleted := make(chan error, 1)
	go func() { deleted <- c.Delete(n.index) }()
	dir := filepath.Join(n.sysfs, "class/net", n.name)
	t.Eventually(ioPatience, n.name+" leaving sysfs", func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist)
	})
	select {
	case err := <-sent:
		t.Fatalf("the sender ended before its page was there: %v", err)
	default:
	}

	page.resolve(t)
	patience := time.After(t.Scaled(10 * time.Second))
	for range 2 {
		select {
		case err := <-sent:
			t.Logf("send: %v", err)
		case err := <-deleted:
			t.Must(err, "delete")
		case <-patience:
			t.Fatalf("neither the sender nor the deletion of its device ended")
		}
	}
}

// faultingPage is memory that blocks every access until resolve.
type faultingPage struct {
	uffd   int
	memory []byte
}

// Requests of userfaultfd(2), from linux/userfaultfd.h.
const (
	uffdAPI      = 0xc018aa3f
	uffdRegister = 0xc020aa00
	uffdZeroPage = 0xc020aa04

	uffdVersion         = 0xaa
	uffdRegisterMissing = 1
	uffdEventPageFault  = 0x12
	uffdMessageSize     = 32
)

func newFaultingPage(t *check.T) *faultingPage {
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC, 0, 0)
	if errno != 0 {
		t.Fatalf("userfaultfd: %v (the kernel needs CONFIG_USERFAULTFD)", errno)
	}
	t.Cleanup(func() { unix.Close(int(fd)) })
	memory, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	t.Must(err, "mmap")
	t.Cleanup(func() { unix.Munmap(memory) })
	p := &faultingPage{uffd: int(fd), memory: memory[:64:64]}
	api := [3]uint64{uffdVersion}
	p.ioctl(t, uffdAPI, unsafe.Pointer(&api), "UFFDIO_API")
	register := [4]uint64{p.address(), uint64(len(memory)), uffdRegisterMissing}
	p.ioctl(t, uffdRegister, unsafe.Pointer(&register), "UFFDIO_REGISTER")
	return p
}

func (p *faultingPage) address() uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(p.memory))))
}

func (p *faultingPage) ioctl(t *check.T, request uintptr, arg unsafe.Pointer, name string) {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.uffd), request, uintptr(arg))
	runtime.KeepAlive(p)
	if errno != 0 {
		t.Fatalf("%s: %v", name, errno)
	}
}

// await waits for an access to the page.
func (p *faultingPage) await(t *check.T) {
	poll := []unix.PollFd{{Fd: int32(p.uffd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(poll, int(t.Scaled(ioPatience).Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		t.Must(err, "poll userfaultfd")
		if n == 0 {
			t.Fatalf("nobody touched the page")
		}
		break
	}
	message := make([]byte, uffdMessageSize)
	n, err := unix.Read(p.uffd, message)
	t.Must(err, "read userfaultfd")
	if n != len(message) || message[0] != uffdEventPageFault {
		t.Fatalf("message of userfaultfd\n  expected: a page fault\n  seen:     % x", message[:n])
	}
}

// resolve unblocks the accesses to the page.
func (p *faultingPage) resolve(t *check.T) {
	zero := [4]uint64{p.address(), uint64(os.Getpagesize())}
	p.ioctl(t, uffdZeroPage, unsafe.Pointer(&zero), "UFFDIO_ZEROPAGE")
}
