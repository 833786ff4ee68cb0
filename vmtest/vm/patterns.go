// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import "xpsgen/vmtest/lazyregexp"

// patterns are strings that begin a splat. The first that matches a line names the
// splat. They are fixed strings, since the console is searched while the guest runs.
var patterns = [...]string{
	"Kernel panic - not syncing",
	patternOOM,
	patternOOMKilled,
	patternOOMCgroup,
	"KASAN: ",
	"KCSAN: ",
	"KFENCE: ",
	"KMSAN: ",
	"UBSAN: ",
	"possible recursive locking",
	"possible circular locking",
	"inconsistent lock state",
	"suspicious RCU usage",
	"bad unlock balance",
	"held lock freed",
	"lock held when returning to user space",
	"INFO: lockdep is turned off",
	"turning off the locking correctness validator",
	"ODEBUG: ",
	"sleeping function called from invalid context",
	"scheduling while atomic",
	"soft lockup - CPU#",
	"hard LOCKUP",
	"detected stalls on CPUs",
	"self-detected stall on CPU",
	"blocked for more than",
	"general protection fault",
	"double fault",
	"invalid opcode",
	"divide error",
	"stack guard page was hit",
	"unable to handle page fault",
	"NULL pointer dereference",
	"Unable to handle kernel",
	"kernel BUG at",
	"BUG: ",
	"WARNING: CPU:",
	"WARNING: ",
	"Oops: ",
	"refcount_t: ",
	"unregister_netdevice: waiting for",
	"ref_tracker: ",
	"unreferenced object 0x",
	"new suspected memory leaks",
	"kmemleak: Kernel memory leak detector disabled",
	patternTrace,
	patternTraceARM,
	patternRIP,
}

// Patterns of lines that may belong to an earlier splat.
const (
	// patternOOM is the first line of a report. Its last line is the second pattern,
	// which names the killed task.
	patternOOM       = "invoked oom-killer: "
	patternOOMKilled = "Out of memory: Killed process"
	patternOOMCgroup = "Memory cgroup out of memory: Killed process"

	patternTrace    = "Call Trace:"
	patternTraceARM = "Call trace:"
	patternRIP      = "] RIP: "
)

// oopsLine matches the line of an oops. The number counts the oopses; see
// __die_header() in arch/x86/kernel/dumpstack.c, __die() in arch/arm64/kernel/traps.c and
// die() in arch/s390/kernel/dumpstack.c.
var oopsLine = lazyregexp.New(`: (?:[0-9a-f]{4}|[0-9a-f]{16}|[0-9a-f]{4} ilc:\d) \[#[0-9]+\]`)

// stuckLine matches the line that reports a stuck CPU or task. Whatever waits for it is
// stuck as well.
var stuckLine = lazyregexp.New(`soft lockup - CPU#|hard LOCKUP|blocked for more than|detected stalls on CPUs|self-detected stall on CPU`)

// offLine matches the kernel's last line before it stops. A microvm without ACPI cannot
// power off and would wait; a restart ends QEMU.
var offLine = lazyregexp.New(`reboot: (Power down|Power off not available|System halted|Restarting system)`)

const restarting = "Restarting system"

// enders match the last line of a splat.
var enders = [...]string{
	"---[ end trace",
	"---[ end Kernel panic",
	"Reported by Kernel Concurrency Sanitizer on:",
}
