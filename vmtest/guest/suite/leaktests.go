// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// manyNetNS deletes network namespaces one after the other. Each has a device that
// holds the last reference to its program.
func (e lifetimeTests) manyNetNS(t *check.T) {
	n := e.count(t, "network namespaces", times{12, 1000})
	home, err := os.Open(ownNetNS)
	t.Must(err, "open own network namespace")
	defer home.Close()
	back := func() { t.Must(unix.Setns(int(home.Fd()), unix.CLONE_NEWNET), "return to own network namespace") }
	defer back()
	var ids []ebpf.ProgramID
	for i := range n {
		t.Must(unix.Unshare(unix.CLONE_NEWNET), "new network namespace")
		c, err := rtnl.Dial()
		t.Must(err, "dial")
		t.Must(c.Add(rtnl.Link{Name: "dummy0", Kind: "dummy", TxQueues: 2}), "add")
		prog := constant(t, int32(i%2))
		ids = append(ids, idOf(t, prog))
		_, err = c.SetXPS(index(t, "dummy0"), setFD(prog.FD()))
		t.Must(err, "attach")
		t.Must(prog.Close(), "close program")
		// A socket would hold the namespace.
		t.Must(c.Close(), "close socket")
		t.Alive("%d of %d network namespaces", i, n)
	}
	back()
	// Namespaces are cleaned up by a kernel thread, many at once.
	t.Eventually(20*time.Second, "programs freed with their network namespaces", func() bool {
		for len(ids) > 0 && !alive(t, ids[0]) {
			ids = ids[1:]
		}
		t.Alive("%d programs left", len(ids))
		return len(ids) == 0
	})
}

// manyCycles attaches and detaches. On a kernel with kmemleak it checks for leaks.
func (e lifetimeTests) manyCycles(t *check.T) {
	leaks := newLeakDetector(t)
	n := e.dummy(t, "dummy0", 2)
	c := dial(t)
	cycles := e.count(t, "cycles of attach, replace and detach", times{100, 1000})
	var ids []ebpf.ProgramID
	for i := range cycles {
		first, second := constantOnce(t, 0), constantOnce(t, 1)
		for _, fd := range []int{first.FD(), second.FD(), -1} {
			_, err := c.SetXPS(n.index, setFD(fd))
			t.Must(err, "attach or detach")
		}
		if i == 0 || i == cycles-1 {
			ids = append(ids, idOf(t, first), idOf(t, second))
		}
		t.Must(errors.Join(first.Close(), second.Close()), "close programs")
		t.Alive("%d of %d cycles", i, cycles)
	}
	for _, id := range ids {
		expectGone(t, id, "it was attached and detached")
	}
	leaks.expectNone()
}

// constantOnce is constant for a program that the test closes.
func constantOnce(t *check.T, ret int32) *ebpf.Program {
	prog, err := ebpf.NewProgramWithOptions(&ebpf.ProgramSpec{
		Name: "suite", Type: ebpf.SocketFilter, Instructions: returns(ret), License: "GPL",
	}, ebpf.ProgramOptions{LogDisabled: true})
	t.Must(err, "load program")
	return prog
}

// leakDetector is kmemleak, if the kernel has it.
type leakDetector struct {
	t    *check.T
	path string
}

// newLeakDetector clears the list of kmemleak.
func newLeakDetector(t *check.T) *leakDetector {
	d := &leakDetector{t: t, path: "/sys/kernel/debug/kmemleak"}
	if _, err := os.Stat(d.path); errors.Is(err, fs.ErrNotExist) {
		t.Notef("this kernel has no kmemleak: checks only for programs")
		d.path = ""
		return d
	}
	d.write("clear")
	return d
}

func (d *leakDetector) write(command string) {
	d.t.Must(os.WriteFile(d.path, []byte(command), 0), "kmemleak "+command)
}

// expectNone scans twice: kmemleak reports an object only if it was unreferenced for
// some seconds.
func (d *leakDetector) expectNone() {
	if d.path == "" {
		return
	}
	const age = 5 * time.Second
	d.write("scan")
	time.Sleep(age + time.Second)
	d.write("scan")
	report, err := os.ReadFile(d.path)
	d.t.Must(err, "read kmemleak")
	if len(report) > 0 {
		d.t.Errorf("kmemleak\n  expected: nothing\n  seen:     %s", report)
	}
	d.t.Notef("kmemleak: scanned twice")
}
