// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// failNth makes allocations of the thread fail, one at a time.
type failNth struct {
	t  *check.T
	fd int
}

// newFailNth returns nil if the kernel cannot inject faults.
func newFailNth(t *check.T) *failNth {
	const failslab = "/sys/kernel/debug/failslab"
	fd, err := unix.Open("/proc/thread-self/fail-nth", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	t.Must(err, "open fail-nth")
	t.Cleanup(func() { unix.Close(fd) })
	// Let allocations that may wait fail as well. Print no stack: the verdict would
	// count it as a splat.
	for name, value := range map[string]string{"ignore-gfp-wait": "N", "verbose": "0"} {
		err := os.WriteFile(filepath.Join(failslab, name), []byte(value), 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		t.Must(err, "failslab "+name)
	}
	return &failNth{t, fd}
}

// during makes the nth allocation of one system call fail, and reports whether the call
// made that many. Nothing else may run on the thread meanwhile, since the runtime's
// allocations would count.
func (f *failNth) during(nth int, call func()) (injected bool) {
	number, off := []byte(strconv.Itoa(nth)), []byte("0")
	left := make([]byte, 16)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	_, err := unix.Pwrite(f.fd, number, 0)
	f.t.Must(err, "set fail-nth")
	call()
	n, err := unix.Pread(f.fd, left, 0)
	unix.Pwrite(f.fd, off, 0)
	f.t.Must(err, "read fail-nth")
	return strings.TrimSpace(string(left[:n])) == "0"
}

// mostAllocations exceeds the number of allocations of each call.
const mostAllocations = 200

// withoutMemory repeats each request with each of its allocations failing. The request
// must succeed, or fail with -ENOMEM and change nothing.
func (e lifetimeTests) withoutMemory(t *check.T) {
	f := newFailNth(t)
	if f == nil {
		t.Notef("this kernel injects no faults: checks only that the requests succeed")
	}
	first, second := constant(t, 0), constant(t, 1)
	n := e.dummy(t, "dummy0", 2)
	for _, try := range []struct {
		what          string
		before, after *ebpf.Program
	}{
		{"attach", nil, first}, {"replace", first, second}, {"detach", second, nil},
	} {
		t.Step(try.what, func() { e.requestWithoutMemory(t, f, n, try.before, try.after) })
	}
	t.Step("link", func() { e.linkWithoutMemory(t, f, n, linkable(t, 0)) })
	ids := []ebpf.ProgramID{idOf(t, first), idOf(t, second)}
	t.Must(errors.Join(first.Close(), second.Close()), "close programs")
	for _, id := range ids {
		expectGone(t, id, "all requests, whether or not they failed")
	}
}

// fdOf returns the descriptor of a program, or -1 for none.
func fdOf(prog *ebpf.Program) int {
	if prog == nil {
		return -1
	}
	return prog.FD()
}

// optionalID is the id of a program, or 0 for none.
func optionalID(t *check.T, prog *ebpf.Program) ebpf.ProgramID {
	if prog == nil {
		return 0
	}
	return idOf(t, prog)
}

func (e lifetimeTests) requestWithoutMemory(t *check.T, f *failNth, n *nic, before, after *ebpf.Program) {
	old, latest := optionalID(t, before), optionalID(t, after)
	c := dial(t)
	failed := 0
	for nth := 1; nth < mostAllocations; nth++ {
		_, err := c.SetXPS(n.index, setFD(fdOf(before)))
		t.Must(err, "set up")
		raw, err := rtnl.DialRaw(t.Scaled(ioPatience))
		t.Must(err, "dial")
		payload, err := rtnl.Message(n.index, func(ae *netlink.AttributeEncoder) { rtnl.XPSNest(ae, setFD(fdOf(after))) })
		t.Must(err, "encode")
		request := raw.Encode([]rtnl.Request{{Type: unix.RTM_SETLINK, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK, Payload: payload}})
		var sent error
		send := func() { sent = raw.Send(request) }
		injected := false
		if f == nil {
			send()
		} else {
			injected = f.during(nth, send)
		}
		var answer error = sent
		if sent == nil {
			if answers, err := raw.Answers(1); err != nil {
				// The answer needs memory as well. The socket gets the error.
				answer = err
			} else if answers[0] != 0 {
				answer = answers[0]
			}
		}
		t.Must(raw.Close(), "close socket")
		got := attached(t, n)
		what := fmt.Sprintf("with allocation %d failing, answered with %v", nth, answer)
		switch {
		case answer == nil:
			check.Equal(t, "program "+what, latest, got)
		case !injected:
			t.Errorf("request %s, though nothing failed", what)
		case errors.Is(answer, unix.ENOMEM), errors.Is(sent, unix.ENOBUFS):
			failed++
			check.Equal(t, "program "+what, old, got)
		case errors.Is(answer, unix.ENOBUFS):
			// The kernel may have made the change or not.
			if got != old && got != latest {
				t.Errorf("program %s\n  expected: %d or %d\n  seen:     %d", what, old, latest, got)
			}
		default:
			t.Errorf("answer %s\n  expected: %v", what, unix.ENOMEM)
		}
		if !injected {
			t.Notef("%d to %d: %d allocations failed, %d times with the request", old, latest, nth-1, failed)
			break
		}
	}
	_, err := c.SetXPS(n.index, setFD(fdOf(after)))
	t.Must(err, "the same with memory")
	expectAttached(t, n, "with memory", latest)
}

func (e lifetimeTests) linkWithoutMemory(t *check.T, f *failNth, n *nic, prog *ebpf.Program) {
	failed := 0
	for nth := 1; nth < mostAllocations; nth++ {
		attr := linkAttr(prog, n.index)
		var (
			fd    uintptr
			errno unix.Errno
		)
		call := func() {
			fd, _, errno = unix.Syscall(unix.SYS_BPF, uapi.BPF_LINK_CREATE, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		}
		injected := false
		if f == nil {
			call()
		} else {
			injected = f.during(nth, call)
		}
		what := fmt.Sprintf("with allocation %d failing, answered with %v", nth, errno)
		if errno == 0 {
			check.Equal(t, "program "+what, idOf(t, prog), attached(t, n))
			t.Must(unix.Close(int(fd)), "close link")
			t.Eventually(ioPatience, "detach by the closed link", func() bool { return attached(t, n) == 0 })
		} else {
			failed++
			check.Equal(t, "answer "+what, unix.ENOMEM, errno)
			check.Equal(t, "program "+what, 0, attached(t, n))
		}
		if !injected {
			t.Notef("link: %d allocations failed, %d times with the request", nth-1, failed)
			return
		}
	}
}
