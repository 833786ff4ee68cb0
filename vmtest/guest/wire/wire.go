// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package wire defines the interface between the host and PID 1 of the guest. It has the
// names of the virtio-serial ports, the guest's configuration, and the messages on the
// control port.
//
// Each port has one writer. The kernel's console is not used, because printk may split
// any line there.
package wire

// The ports, named as in /sys/class/virtio-ports/*/name.
const (
	// PortControl carries [Message] lines in both directions. It always exists.
	PortControl = "xpsgen.control"
	// PortResult carries KTAP to the host, for [ModeSuite] and [ModeFault].
	PortResult = "xpsgen.result"
	// PortCounts carries the line counts of gcov to the host, see [Config.Counts].
	PortCounts = "xpsgen.counts"
	// PortStdin, PortStdout and PortStderr are the streams of the program of [ModeRun].
	// With Config.OneStream there is no PortStderr.
	PortStdin  = "xpsgen.stdin"
	PortStdout = "xpsgen.stdout"
	PortStderr = "xpsgen.stderr"
	// PortTTY carries the terminal of [ModeShell] in both directions.
	PortTTY = "xpsgen.tty"
)

// Paths in the guest.
const (
	// ConfigPath is the file from which PID 1 reads its [Config], as JSON.
	ConfigPath = "/xpsgen/config.json"
	// ObjectDir holds the BPF objects. A shell starts there.
	ObjectDir = "/bpf"
	// IPPath is the patched ip.
	IPPath = "/usr/bin/ip"
	// BpftoolPath is the patched bpftool.
	BpftoolPath = "/usr/bin/bpftool"
	// YNLPath is the program that reads links with code generated from the kernel's
	// YNL specification. Some guests lack it.
	YNLPath = "/usr/bin/ynl-xps"
	// SelftestPath is the selftest of the series, where run_tests would find it. Some
	// guests lack it.
	SelftestPath = "/selftests/net/xps_bpf"
	// CountsDir is where programs of user space leave their counts of gcov.
	CountsDir = "/gcov"
	// ModuleDir has modules of the kernel that PID 1 loads first, in the order of their
	// names. Most guests have none.
	ModuleDir = "/xpsgen/modules"
	// ScratchDir is in memory and empty at start.
	ScratchDir = "/tmp"
)

// Mode is the purpose of the guest.
type Mode string

// The modes.
const (
	// ModeSuite runs the suite and reports in KTAP on the result port.
	ModeSuite Mode = "suite"
	// ModeRun runs Config.Args and carries its streams.
	ModeRun Mode = "run"
	// ModeShell runs an interactive shell, or Config.Args, on a terminal.
	ModeShell Mode = "shell"
	// ModeMutate runs tests with compiled-in mutants, and reports as ModeSuite does.
	ModeMutate Mode = "mutate"
	// ModePoweroff sends hello and powers off, to measure the boot.
	ModePoweroff Mode = "poweroff"
	// ModeBarePoweroff powers off at once, as a reference for boot times.
	ModeBarePoweroff Mode = "bare-poweroff"
	// ModeFault misbehaves according to Config.Fault, to test the host.
	ModeFault Mode = "fault"
)

// Fault is a way in which a guest misbehaves.
type Fault string

// The faults.
const (
	FaultPanic    Fault = "panic"     // the kernel panics during a report
	FaultOops     Fault = "oops"      // the kernel oopses, all tests pass
	FaultWarn     Fault = "warn"      // the kernel warns, all tests pass
	FaultHang     Fault = "hang"      // the guest is silent after half a report
	FaultSpin     Fault = "spin"      // a CPU loops in the kernel with interrupts off
	FaultFlood    Fault = "flood"     // 100 MiB go to the console
	FaultPoweroff Fault = "poweroff"  // power off during a report
	FaultReboot   Fault = "reboot"    // restart during a report
	FaultHalt     Fault = "halt"      // halt during a report
	FaultSoft     Fault = "soft"      // a CPU loops in the kernel without preemption
	FaultOOM      Fault = "oom"       // a process takes all memory, all tests pass
	FaultHalf     Fault = "half-plan" // half the plan is reported, then a clean exit
	FaultTwice    Fault = "twice"     // everything is reported twice
	FaultLost     Fault = "lost"      // a clean exit without a report
	FaultInitDies Fault = "init-dies" // PID 1 exits
	FaultMute     Fault = "mute"      // the guest sends nothing, not even hello
)

// Config is the host's configuration of the guest. A zero field other than Mode means its
// default.
type Config struct {
	Mode Mode `json:"mode"`
	// Run selects tests of the suite; empty means all.
	Run string `json:"run,omitempty"`
	// NoTests makes the suite empty, to measure the overhead of a run.
	NoTests bool `json:"noTests,omitempty"`
	// Unpatched says that the kernel is expected to lack the hook.
	Unpatched bool `json:"unpatched,omitempty"`
	// Races says that the kernel has checkers that find races. Tests then repeat more
	// often what may race.
	Races bool `json:"races,omitempty"`
	// Leaks makes the guest scan with kmemleak after the suite.
	Leaks bool `json:"leaks,omitempty"`
	// Seed determines the suite's random choices.
	Seed int64 `json:"seed,omitempty"`
	// Long makes some tests of the suite run for a minute or more.
	Long bool `json:"long,omitempty"`
	// Counts makes the suite send the counts of gcov after each test, as a tar archive
	// compressed by gzip. The name of an entry is the name of the test, a colon, "kernel/"
	// or "programs/", and the path of the .gcda file. Entries without the name of a test are
	// counts of the boot, or of code that ran after the tests.
	Counts bool `json:"counts,omitempty"`
	// Loader is the key of an alternative to the hook by which the suite attaches
	// programs; empty means IFLA_XPS.
	Loader string `json:"loader,omitempty"`
	// Args is the program of ModeRun and ModeShell with its arguments.
	Args []Raw `json:"args,omitempty"`
	// Env is added to the guest's environment, "NAME=value" each.
	Env []Raw `json:"env,omitempty"`
	// Dir is where the program starts. Created if missing.
	Dir Raw `json:"dir,omitempty"`
	// Heartbeat makes the guest send [Message].Alive.
	Heartbeat bool `json:"heartbeat,omitempty"`
	// OneStream makes the program of ModeRun write stdout and stderr to the same
	// port, so that they keep their order.
	OneStream bool `json:"oneStream,omitempty"`
	// UserNet makes the guest set up its network device for QEMU's user mode
	// network.
	UserNet bool `json:"userNet,omitempty"`
	// Host describes the host's files in the guest; nil means that the guest has only
	// the files of the image.
	Host *HostFiles `json:"host,omitempty"`
	// Hostname is shown in the prompt; default "xps".
	Hostname string `json:"hostname,omitempty"`
	// Mutate is for ModeMutate.
	Mutate *Mutate `json:"mutate,omitempty"`
	// Fault is for ModeFault.
	Fault Fault `json:"fault,omitempty"`
	// TimeoutScale multiplies every timeout in the guest; default 1.
	TimeoutScale float64 `json:"timeoutScale,omitempty"`
	// Window is the size of the terminal of ModeShell.
	Window *Window `json:"window,omitempty"`
	// Term is the TERM of ModeShell.
	Term string `json:"term,omitempty"`
}

// Ports returns the ports that the mode of c needs, the control port first.
func (c *Config) Ports() []string {
	switch c.Mode {
	case ModeSuite, ModeMutate, ModeFault:
		ports := []string{PortControl, PortResult}
		if c.Counts {
			ports = append(ports, PortCounts)
		}
		return ports
	case ModeRun:
		ports := []string{PortControl, PortStdin, PortStdout}
		if !c.OneStream {
			ports = append(ports, PortStderr)
		}
		return ports
	case ModeShell:
		return []string{PortControl, PortTTY}
	default:
		return []string{PortControl}
	}
}
