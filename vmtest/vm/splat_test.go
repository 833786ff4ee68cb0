// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scan feeds text to a console in small pieces and returns what it found.
func scan(t *testing.T, text string) ([]Splat, []string) {
	t.Helper()
	c := console{limit: 1 << 20}
	for len(text) > 0 {
		n := min(7, len(text))
		if _, err := c.Write([]byte(text[:n])); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	_, splats, err := c.done()
	if err != nil {
		t.Fatal(err)
	}
	return splats, c.last()
}

// TestRecordedSplats runs consoles of a 6.12 guest through the scanner.
func TestRecordedSplats(t *testing.T) {
	for name, want := range map[string]struct {
		Pattern string
		Frames  []string
		First   string
		Last    string
		Panic   string
	}{
		"panic": {
			Pattern: "Kernel panic - not syncing",
			Frames:  []string{"sysrq_handle_crash", "__handle_sysrq", "write_sysrq_trigger", "proc_reg_write", "vfs_write"},
			First:   "Kernel panic - not syncing: sysrq triggered crash",
			Last:    "Kernel Offset: disabled",
			Panic:   "sysrq triggered crash",
		},
		"init-dies": {
			Pattern: "Kernel panic - not syncing",
			Frames:  []string{"do_exit", "do_group_exit", "get_signal", "arch_do_signal_or_restart", "syscall_exit_to_user_mode"},
			First:   "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
			Last:    "Kernel Offset: disabled",
			Panic:   "Attempted to kill init! exitcode=0x00000100",
		},
		"oops": {
			Pattern: "NULL pointer dereference",
			Frames:  []string{"lkdtm_EXCEPTION", "lkdtm_do_action", "direct_entry", "full_proxy_write", "vfs_write"},
			First:   "BUG: kernel NULL pointer dereference, address: 0000000000000000",
			Last:    "note: exe[",
		},
		"warn": {
			Pattern: "WARNING: CPU:",
			Frames:  []string{"lkdtm_WARNING", "lkdtm_do_action", "direct_entry", "full_proxy_write", "vfs_write"},
			First:   "------------[ cut here ]------------",
			Last:    "---[ end trace 0000000000000000 ]---",
		},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".console"))
		if err != nil {
			t.Fatal(err)
		}
		splats, tail := scan(t, strings.ReplaceAll(string(text), "\n", "\r\n"))
		if len(splats) != 1 {
			t.Errorf("%s: %d splats", name, len(splats))
			continue
		}
		s := splats[0]
		if s.Pattern != want.Pattern {
			t.Errorf("%s: pattern %q, want %q", name, s.Pattern, want.Pattern)
		}
		if diff := cmp.Diff(want.Frames, s.Frames); diff != "" {
			t.Errorf("%s: frames (-want +got):\n%s", name, diff)
		}
		if got := bare(s.Lines[0]); got != want.First {
			t.Errorf("%s: first line %q, want %q", name, got, want.First)
		}
		if got := bare(s.Lines[len(s.Lines)-1]); !strings.HasPrefix(got, want.Last) {
			t.Errorf("%s: last line %q, want %q", name, got, want.Last)
		}
		if got, _ := panicReason(splats, tail); got != want.Panic {
			t.Errorf("%s: panic reason %q, want %q", name, got, want.Panic)
		}
	}
}

func TestPatterns(t *testing.T) {
	for line, want := range map[string]string{
		"WARNING: possible recursive locking detected":                                                    "possible recursive locking",
		"WARNING: possible circular locking dependency detected":                                          "possible circular locking",
		"WARNING: suspicious RCU usage":                                                                   "suspicious RCU usage",
		"BUG: KASAN: slab-use-after-free in bpf_prog_put+0x10/0x20":                                       "KASAN: ",
		"UBSAN: array-index-out-of-bounds in net/core/dev.c:4369:2":                                       "UBSAN: ",
		"BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585":                "sleeping function called from invalid context",
		"watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [init:1]":                                      "soft lockup - CPU#",
		"rcu: INFO: rcu_sched detected stalls on CPUs/tasks:":                                             "detected stalls on CPUs",
		"INFO: task init:1 blocked for more than 120 seconds.":                                            "blocked for more than",
		"ref_tracker: veth%d@ffff8880 has 1/1 users at":                                                   "ref_tracker: ",
		"unreferenced object 0xffff888003e3c100 (size 192):":                                              "unreferenced object 0x",
		"unregister_netdevice: waiting for veth0 to become free. Usage count = 2":                         "unregister_netdevice: waiting for",
		"Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP":        "general protection fault",
		"kernel BUG at net/core/dev.c:11629!":                                                             "kernel BUG at",
		"refcount_t: underflow; use-after-free.":                                                          "refcount_t: ",
		"WARNING: CPU: 0 PID: 1 at net/core/rtnetlink.c:4211 rtnl_getlink+0x1/0x2":                        "WARNING: CPU:",
		"Out of memory: Killed process 61 (init) total-vm:1kB":                                            "Out of memory: Killed process",
		"netlink: 'init': attribute type 1 has an invalid length.":                                        "",
		"APIC timer disabled due to verification failure":                                                 "",
		"reboot: Restarting system":                                                                       "",
		"sysrq: Trigger a crash":                                                                          "",
		"dummy0: hw csum failure":                                                                         "",
		"Unstable clock detected, switching default tracing clock to \"global\"":                          "",
		"bpf_trace_printk: xps (RET 0): Hello, World!":                                                    "",
		"** This means that this is a DEBUG kernel and it is considered unsafe for production use.":       "",
		"Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on":                                "WARNING: ",
		"virtio-mmio: Registering device virtio-mmio.23 at 0xfeb02e00-0xfeb02fff, IRQ 12.":                "",
		"[    1.1][    T1] BUG: scheduling while atomic: init/1/0x00000002, CPU 0, no locks held by 1/1.": "scheduling while atomic",
	} {
		if got := match("[    1.234567] " + line); got != want {
			t.Errorf("%q matches %q, want %q", line, got, want)
		}
	}
}

func TestSplatsApart(t *testing.T) {
	text := `[    1.0] quiet boot
[    2.0] ------------[ cut here ]------------
[    2.0] refcount_t: underflow; use-after-free.
[    2.0] WARNING: CPU: 0 PID: 1 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110
[    2.0] Call Trace:
[    2.0]  <TASK>
[    2.0]  ? __warn+0x80/0x120
[    2.0]  bpf_prog_put+0x1a/0x30
[    2.0]  dev_xps_set+0x5f/0x90
[    2.0]  </TASK>
[    2.0] ---[ end trace 0000000000000000 ]---
[    2.1] a word of something else
[    2.1] and another
[    2.1] and a third
[    3.0] BUG: scheduling while atomic: init/1/0x00000002
[    3.0] Call Trace:
[    3.0]  schedule+0x1/0x2
`
	splats, _ := scan(t, text)
	want := []Splat{
		{Pattern: "refcount_t: ", Frames: []string{"bpf_prog_put", "dev_xps_set"}, Functions: []string{"bpf_prog_put", "dev_xps_set"}},
		{Pattern: "scheduling while atomic", Frames: []string{"schedule"}, Functions: []string{"schedule"}},
	}
	lines := []int{10, 3}
	if len(splats) != len(want) {
		t.Fatalf("%d splats: %+v", len(splats), splats)
	}
	for i, s := range splats {
		if len(s.Lines) != lines[i] {
			t.Errorf("splat %d has %d lines, want %d: %q", i, len(s.Lines), lines[i], s.Lines)
		}
		s.Lines = nil
		if diff := cmp.Diff(want[i], s); diff != "" {
			t.Errorf("splat %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestSplatsAreBounded(t *testing.T) {
	c := console{limit: 1 << 30}
	for range 30 {
		text := "BUG: again\n" + strings.Repeat(" f+0x1/0x2\n", 200)
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	_, splats, _ := c.done()
	if len(splats) > maxSplats {
		t.Errorf("%d splats kept", len(splats))
	}
	for _, s := range splats {
		if len(s.Lines) > maxSplatLines {
			t.Errorf("%d lines kept", len(s.Lines))
		}
	}
	if n := len(c.last()); n > tailLines {
		t.Errorf("%d lines of tail", n)
	}
}

func FuzzConsole(f *testing.F) {
	files, err := filepath.Glob("testdata/*.console")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 10)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		// How the bytes were cut must not matter.
		whole := console{limit: 1 << 30}
		_, _ = whole.Write(text)
		parts := console{limit: 1 << 30}
		cut = max(0, min(cut, len(text)))
		_, _ = parts.Write(text[:cut])
		_, _ = parts.Write(text[cut:])
		n1, s1, _ := whole.done()
		n2, s2, _ := parts.done()
		if n1 != n2 || n1 != int64(len(text)) {
			t.Errorf("%d and %d bytes counted of %d", n1, n2, len(text))
		}
		if diff := cmp.Diff(s1, s2); diff != "" {
			t.Errorf("(-whole +parts):\n%s", diff)
		}
		for _, s := range s1 {
			if len(s.Lines) == 0 || s.Pattern == "" {
				t.Errorf("empty splat %+v", s)
			}
		}
	})
}

// TestGone: the console reports that the kernel oopsed, that it is stuck, or
// that the machine stops.
func TestGone(t *testing.T) {
	for line, want := range map[string][2]string{
		"[    1.650975] Oops: Oops: 0002 [#1] SMP":                                                      {"oopsed"},
		"[    9.1] Oops: divide error: 0000 [#1] SMP KASAN NOPTI":                                       {"oopsed"},
		"[    9.1][  T123] Oops: general protection fault, probably for address 0xdead: 0000 [#12] SMP": {"oopsed"},
		"[    9.1] kernel BUG at net/core/dev.c:1":                                                      {}, // the next line is
		"[    9.1] WARNING: CPU: 0 PID: 1 at net/core/dev.c:1":                                          {}, // nobody died
		"[    9.1] BUG: KASAN: slab-use-after-free in xps":                                              {}, // likewise
		"[    9.1] task xps [#1]":                                                                       {},
		"[   28.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [exe:51]":                          {"is stuck (soft lockup - CPU#)"},
		"[   12.0] watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 1":                              {"is stuck (hard LOCKUP)"},
		"[  245.1] INFO: task ip:99 blocked for more than 120 seconds.":                                 {"is stuck (blocked for more than)"},
		"[   60.0] rcu: INFO: rcu_preempt self-detected stall on CPU":                                   {"is stuck (self-detected stall on CPU)"},
		"[    2.1] reboot: Power down":                                                                  {"", "Power down"},
		"[    2.1] reboot: Power off not available: System halted instead":                              {"", "Power off not available"},
		"[    2.1] reboot: System halted":                                                               {"", "System halted"},
		"[    2.1] reboot: Restarting system":                                                           {"", "Restarting system"},
		"[    2.1] xps: reboot soon":                                                                    {},
	} {
		var c console
		c.limit = 1 << 10
		_, err := c.Write([]byte("boot\n" + line + "\nmore\n"))
		if wrong, off := c.gone(); err != nil || wrong != want[0] || off != want[1] {
			t.Errorf("%q: %q, %q, %v; want %q", line, wrong, off, err, want)
		}
	}
}

// TestOOM: the headline of a kernel out of memory says so, and who was killed.
func TestOOM(t *testing.T) {
	text, err := os.ReadFile("testdata/oom.console")
	if err != nil {
		t.Fatal(err)
	}
	// A long report, and one that ends before the splat is closed.
	for name, drop := range map[string]string{"long": "nothing", "short": "lowmem_reserve"} {
		var s splatScanner
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, drop) {
				s.line(strings.TrimRight(line, "\r\n"))
			}
		}
		splats := s.done()
		if len(splats) != 1 || splats[0].Pattern != patternOOMKilled {
			t.Fatalf("%s: splats %+v", name, splats)
		}
		last := splats[0].Lines[len(splats[0].Lines)-1]
		if !strings.Contains(splats[0].Lines[0], patternOOM) || !strings.Contains(last, "Killed process 41 (hog)") {
			t.Errorf("%s: from %q to %q", name, splats[0].Lines[0], last)
		}
	}
}

// TestRaces checks that reports of KCSAN in a row stay apart.
func TestRaces(t *testing.T) {
	const report = `[    5.0] ==================================================================
[    5.0] BUG: KCSAN: data-race in %[1]s / reader
[    5.0] 
[    5.0] write to 0xffff888005b52f04 of 1 bytes by task 123 on cpu 1:
[    5.0]  %[1]s+0x1a/0x30
[    5.0]  do_setlink+0x5f/0x90
[    5.0] 
[    5.0] read to 0xffff888005b52f04 of 1 bytes by task 9 on cpu 0:
[    5.0]  reader+0x1a/0x30
[    5.0]  dev_queue_xmit+0x5f/0x90
[    5.0] 
[    5.0] value changed: 0x01 -> 0x00
[    5.0] 
[    5.0] Reported by Kernel Concurrency Sanitizer on:
[    5.0] CPU: 0 UID: 0 PID: 9 Comm: init Not tainted 7.3.4 #1
[    5.0] Hardware name: QEMU
[    5.0] ==================================================================
`
	splats, _ := scan(t, fmt.Sprintf(report, "first")+fmt.Sprintf(report, "second"))
	if len(splats) != 2 {
		t.Fatalf("%d splats: %+v", len(splats), splats)
	}
	for i, writer := range []string{"first", "second"} {
		want := []string{writer, "do_setlink", "reader", "dev_queue_xmit"}
		if diff := cmp.Diff(want, splats[i].Functions); diff != "" {
			t.Errorf("functions of report %d: %s", i, diff)
		}
	}
}

// TestMoreSplatsThanAreKept checks that the splats that are not kept are counted.
func TestMoreSplatsThanAreKept(t *testing.T) {
	splats, _ := scan(t, strings.Repeat("BUG: again\n---[ end trace 0 ]---\n\n\n\n", maxSplats+3))
	if last := splats[len(splats)-1]; len(splats) != maxSplats+1 || !strings.Contains(last.Lines[0], "3 lines that begin one") {
		t.Errorf("%d splats, the last is %+v", len(splats), last)
	}
}
