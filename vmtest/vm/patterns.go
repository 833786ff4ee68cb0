// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import "regexp"

// patterns give a kernel's complaint away. The first that matches a line
// names the splat. Each is a fixed string: the console is searched as it comes.
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
	patternRIP,
}

// The patterns that say nothing but that something went before.
const (
	// patternOOM is the first line of the report that ends with the second, which
	// says who was killed.
	patternOOM       = "invoked oom-killer: "
	patternOOMKilled = "Out of memory: Killed process"
	patternOOMCgroup = "Memory cgroup out of memory: Killed process"

	patternTrace = "Call Trace:"
	patternRIP   = "] RIP: "
)

// oopsLine matches the line by which the kernel says that a task died in it.
// The number counts how many did; see __die_header() in
// arch/x86/kernel/dumpstack.c.
var oopsLine = regexp.MustCompile(`: [0-9a-f]{4} \[#[0-9]+\]`)

// stuckLine matches the line by which the kernel says that a CPU or a task does not
// get on. Nothing that waits for it will.
var stuckLine = regexp.MustCompile(`soft lockup - CPU#|hard LOCKUP|blocked for more than|detected stalls on CPUs|self-detected stall on CPU`)

// offLine matches the kernel's last line when it is told to stop. A microvm without
// ACPI restarts, which ends QEMU, but it cannot power off, and would wait.
var offLine = regexp.MustCompile(`reboot: (Power down|Power off not available|System halted|Restarting system)`)

const restarting = "Restarting system"

// enders are lines after which a splat is over.
var enders = [...]string{
	"---[ end trace",
	"---[ end Kernel panic",
}
