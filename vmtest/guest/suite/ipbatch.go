// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// ipTests tests ip itself: its keywords, and many lines in one process.
type ipTests struct {
	lab
	ipTool
}

func (e ipTests) list() check.Group {
	return check.Group{Name: "ip", Tests: []check.Test{
		{Name: "f01-a-batch-of-1000-lines-continues-after-errors", Run: e.longBatch, Timeout: 4 * time.Minute},
		{Name: "f02-devices-have-the-names-of-words", Run: e.deviceNames},
		{Name: "f03-link-add-refuses-xps-by-name", Run: e.addRefuses},
		{Name: "f04-one-process-asks-for-the-hook-once", Run: e.probesOnce},
		{Name: "f05-words-that-exclude-each-other-are-refused", Run: e.exclusiveWords},
	}}
}

// batch is an ip that reads lines from a pipe.
type batch struct {
	t      *check.T
	cmd    *exec.Cmd
	stdin  interface{ Close() error }
	write  func(string) error
	stderr bytes.Buffer
}

// startBatch starts ip -force -batch, which waits until run sends the lines.
func (e ipTests) startBatch(t *check.T) *batch {
	b := &batch{t: t, cmd: e.ipCommand(t, "ip -force -batch -")}
	b.cmd.Stderr = &b.stderr
	pipe, err := b.cmd.StdinPipe()
	t.Must(err, "make a pipe")
	b.stdin = pipe
	b.write = func(s string) error { _, err := pipe.Write([]byte(s)); return err }
	t.Must(b.cmd.Start(), "start ip -batch")
	return b
}

// run sends the lines and waits for the end of ip. It returns the numbers of the lines
// that failed, from 1.
func (b *batch) run(lines []string) (failed []int) {
	werr := b.write(strings.Join(lines, "\n") + "\n")
	b.t.Must(b.stdin.Close(), "close the pipe")
	err := b.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		b.t.Fatalf("ip -batch: %v", err)
	}
	b.t.Must(werr, "write the batch")
	for line := range strings.Lines(b.stderr.String()) {
		var n int
		if _, err := fmt.Sscanf(line, "Command failed -:%d", &n); err == nil {
			failed = append(failed, n)
		}
	}
	return failed
}

func (e ipTests) longBatch(t *check.T) {
	const lines, descriptors = 1000, 16
	n := e.dummy(t, "dummy0", 4)
	// Loading an object costs most of the time, so not every line loads one.
	right := []string{"xps obj hello1.o sec hello", "xps obj hello2.o sec hello", "xps off", "mtu 1400", "xps off"}
	// Each line fails at another place in ip. None has a word that ip does not know: ip
	// exits at such a line, even with -force.
	wrong := []string{
		"xps obj hello1.o sec nosuch",
		"xps obj hello1.o program nosuch",
		"xps obj nosuch.o",
		"xps obj .",
		"xps pinned /nosuch",
		"xps pinned hello1.o",
		"xps obj hello1.o sec hello expect id 4294967295",
		"xps obj hello1.o sec hello expect pinned /nosuch",
		"xps obj hello1.o sec hello program hello1",
		"xps off expect id 4294967295",
	}
	var text []string
	var want []int
	for i := 1; i < lines; i++ {
		line := right[i/2%len(right)]
		if i%2 == 1 {
			line = wrong[i/2%len(wrong)]
			want = append(want, i)
		}
		text = append(text, "link set dev dummy0 "+line)
	}
	text = append(text, "link set dev dummy0 xps obj hello2.o sec hello")

	b := e.startBatch(t)
	limit := unix.Rlimit{Cur: descriptors, Max: descriptors}
	t.Must(unix.Prlimit(b.cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil), "limit descriptors")
	failed := b.run(text)
	if !slices.Equal(failed, want) {
		t.Errorf("lines that failed\n  expected: %v\n  seen:     %v\n  stderr:   %s", want, failed, tail(b.stderr.String()))
	}
	check.Equal(t, "exit code of ip -force -batch", 1, b.cmd.ProcessState.ExitCode())
	newProbe(t, n, icmpSender(t, peerAddr)).expectOn(0, "after the last line", 2)
}

// tail returns the last part of a long text.
func tail(s string) string {
	const most = 2000
	return s[max(0, len(s)-most):]
}

func (e ipTests) deviceNames(t *check.T) {
	for _, name := range []string{"xps", "off", "obj", "object", "pinned", "dev", "expect", "none", "prog"} {
		e.ipOK(t, "ip link add name "+name+" numtxqueues 2 type dummy")
		n := &nic{name: name, index: index(t, name)}
		e.ipOK(t, "ip link set dev "+name+" xps obj hello1.o sec hello")
		if attached(t, n) == 0 {
			t.Errorf("device %s has no program", name)
		}
		e.ipOK(t, "ip link show dev "+name)
		e.ipOK(t, "ip link set dev "+name+" xps off")
		expectAttached(t, n, "to device "+name+" after xps off", 0)
		e.ipOK(t, "ip link del dev "+name)
	}
}

func (e ipTests) addRefuses(t *check.T) {
	const words = "when creating"
	// ip passes words after "type dummy" to that type; ip 6.1 ignores them.
	for _, line := range []string{
		"ip link add dev dummy0 xps obj hello1.o sec hello type dummy",
		"ip link add xps type dummy",
		"ip link replace dev dummy0 xps off type dummy",
	} {
		out := e.ip(t, line)
		if out.code == 0 || out.stderr == "" {
			t.Errorf("ip command\n  expected: an error\n  seen:     %v", out)
		}
	}
	e.ipFails(t, ipInvalid, "ip link add xps type dummy", words, `"name xps"`)
	e.ipOK(t, "ip link add name xps type dummy")
	e.ipOK(t, "ip link del dev xps")
	out := e.ip(t, "ip link show dev dummy0")
	if out.code == 0 {
		t.Errorf("ip command\n  expected: no such device\n  seen:     %v", out)
	}
}

// getlinkCounter counts the calls of rtnl_getlink() by each process.
func getlinkCounter(t *check.T) *ebpf.Map {
	counts, err := ebpf.NewMap(&ebpf.MapSpec{Name: "getlink", Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 64})
	t.Must(err, "make map")
	t.Cleanup(func() { counts.Close() })
	prog := load(t, ebpf.Kprobe, asm.Instructions{
		asm.FnGetCurrentPidTgid.Call(),
		asm.RSh.Imm(asm.R0, 32),
		asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
		asm.LoadMapPtr(asm.R1, counts.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "first"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.Ja.Label("end"),
		asm.Mov.Imm(asm.R1, 1).WithSymbol("first"),
		asm.StoreMem(asm.RFP, -16, asm.R1, asm.DWord),
		asm.LoadMapPtr(asm.R1, counts.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -16),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return(),
	})
	probe, err := link.Kprobe("rtnl_getlink", prog, nil)
	t.Must(err, "attach kprobe")
	t.Cleanup(func() { probe.Close() })
	return counts
}

func (e ipTests) probesOnce(t *check.T) {
	e.dummy(t, "dummy0", 2)
	counts := getlinkCounter(t)
	calls := func(lines int) (n uint64) {
		b := e.startBatch(t)
		pid := uint64(b.cmd.Process.Pid)
		failed := b.run(slices.Repeat([]string{"link set dev dummy0 xps obj hello1.o sec hello"}, lines))
		check.Equal(t, "number of lines that failed", 0, len(failed))
		t.Must(counts.Lookup(pid, &n), "read the number of requests")
		return n
	}
	one, many := calls(1), calls(10)
	// ip requests the index of the device again after each change of the device.
	const perLine = uint64(1)
	check.Equal(t, "RTM_GETLINK requests of 9 more lines", 9*perLine, many-one)
	check.Equal(t, "RTM_GETLINK requests of the first line", perLine+1, one)
}

func (e ipTests) exclusiveWords(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	pin := filepath.Join(e.bpffs(t), "constant")
	t.Must(constant(t, 1).Pin(pin), "pin program")
	// At a word that ip does not know, it calls exit(-1).
	const ends = 255
	for _, c := range []struct {
		line string
		code int
		word string
	}{
		{"obj hello1.o sec hello program hello1", ipInvalid, "cannot be used together"},
		{"pinned " + pin + " program hello1", ipInvalid, `need "object"`},
		{"pinned " + pin + " sec hello", ipInvalid, `need "object"`},
		{"pinned " + pin + " verbose", ipInvalid, `need "object"`},
		{"off off", ends, "garbage"},
		{"obj", ends, "not complete"},
		{"", ends, "not complete"},
		{"nonsense", ends, `takes "off", "object" or "pinned"`},
		{"off expect", ends, "not complete"},
		{"off expect nothing", ends, `takes "none", "id" or "pinned"`},
		{"off expect id 0", ends, "invalid program id"},
	} {
		e.ipFails(t, c.code, strings.TrimSpace("ip link set dev dummy0 xps "+c.line), c.word)
		expectAttached(t, n, "after "+c.line, 0)
	}
}
