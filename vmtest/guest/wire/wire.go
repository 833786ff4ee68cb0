// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package wire is what the host and PID 1 of the guest say to each other: the
// names of the virtio-serial ports, the configuration the guest finds in its
// root file system, and the messages on the control port.
//
// One writer a port. The kernel's console is none of them: printk may cut any
// line there.
package wire

// The ports, by the name that /sys/class/virtio-ports/*/name shows.
const (
	// PortControl carries [Message] lines in both directions. Always there.
	PortControl = "xpsgen.control"
	// PortResult carries KTAP to the host. [ModeSuite] and [ModeFault].
	PortResult = "xpsgen.result"
	// PortStdin, PortStdout and PortStderr are those of the program of
	// [ModeRun].
	PortStdin  = "xpsgen.stdin"
	PortStdout = "xpsgen.stdout"
	PortStderr = "xpsgen.stderr"
	// PortTTY carries the terminal of [ModeShell] in both directions.
	PortTTY = "xpsgen.tty"
)

// Paths in the guest.
const (
	// ConfigPath is where PID 1 reads its [Config], as JSON.
	ConfigPath = "/xpsgen/config.json"
	// ObjectDir holds the BPF objects, and is where a shell starts.
	ObjectDir = "/bpf"
	// XPSPath is the command of bpf/cmd/xps.
	XPSPath = "/usr/bin/xps"
	// IPPath is the patched ip.
	IPPath = "/usr/bin/ip"
	// BpftoolPath is the patched bpftool.
	BpftoolPath = "/usr/bin/bpftool"
	// YNLPath is the program that reads links by code that is generated from
	// the kernel's specification. Not in every guest.
	YNLPath = "/usr/bin/ynl-xps"
	// SelftestPath is the program that the series adds to the kernel's
	// selftests, where run_tests would find it. Not in every guest.
	SelftestPath = "/selftests/net/xps_bpf"
	// ShellRC is read by an interactive shell when it starts.
	ShellRC = "/etc/shrc"
	// ScratchDir is on a tmpfs, empty at start.
	ScratchDir = "/tmp"
)

// Mode says what the guest is booted for.
type Mode string

// The modes.
const (
	// ModeSuite runs the suite and reports in KTAP on the result port.
	ModeSuite Mode = "suite"
	// ModeRun runs Config.Args and carries its streams.
	ModeRun Mode = "run"
	// ModeShell runs an interactive shell, or Config.Args, on a terminal.
	ModeShell Mode = "shell"
	// ModePoweroff says hello and powers off: what a boot costs.
	ModePoweroff Mode = "poweroff"
	// ModeBarePoweroff powers off before anything else: the yardstick.
	ModeBarePoweroff Mode = "bare-poweroff"
	// ModeFault misbehaves as Config.Fault says, to test the host.
	ModeFault Mode = "fault"
)

// Fault is a way for a guest to go wrong.
type Fault string

// The faults.
const (
	FaultPanic    Fault = "panic"     // the kernel panics in the middle of a report
	FaultOops     Fault = "oops"      // the kernel oopses, all tests pass
	FaultWarn     Fault = "warn"      // the kernel warns, all tests pass
	FaultHang     Fault = "hang"      // nothing more is said after half a report
	FaultSpin     Fault = "spin"      // a cpu loops in the kernel with interrupts off
	FaultFlood    Fault = "flood"     // 100 MB go to the console
	FaultPoweroff Fault = "poweroff"  // power off in the middle of a report
	FaultHalf     Fault = "half-plan" // half the plan is reported, then a clean exit
	FaultTwice    Fault = "twice"     // everything is reported twice
	FaultLost     Fault = "lost"      // a clean exit without a report
	FaultInitDies Fault = "init-dies" // PID 1 exits
	FaultMute     Fault = "mute"      // not even hello
)

// Config is what the host tells the guest before it starts. The zero value of
// each field but Mode means "default".
type Config struct {
	Mode Mode `json:"mode"`
	// Run selects tests of the suite; empty means all.
	Run string `json:"run,omitempty"`
	// NoTests makes the suite empty: what the way there and back costs.
	NoTests bool `json:"noTests,omitempty"`
	// Unpatched says that the kernel is not expected to have the hook.
	Unpatched bool `json:"unpatched,omitempty"`
	// Debug says that the kernel looks for trouble (KASAN, lockdep, ...): races
	// and leaks are worth provoking, and every step takes longer.
	Debug bool `json:"debug,omitempty"`
	// Seed makes what the suite draws by lot; the same one draws the same.
	Seed int64 `json:"seed,omitempty"`
	// Long has tests of the suite take a minute or more that can.
	Long bool `json:"long,omitempty"`
	// Args is the program of ModeRun and ModeShell with its arguments.
	Args []string `json:"args,omitempty"`
	// Env is added to the guest's environment, "NAME=value" each.
	Env []string `json:"env,omitempty"`
	// Dir is where the program starts. Created if missing.
	Dir string `json:"dir,omitempty"`
	// Hostname is shown in the prompt; default "xps".
	Hostname string `json:"hostname,omitempty"`
	// Fault is for ModeFault.
	Fault Fault `json:"fault,omitempty"`
	// TimeoutScale stretches every timeout inside; default 1.
	TimeoutScale float64 `json:"timeoutScale,omitempty"`
	// Window is the size of the terminal of ModeShell.
	Window *Window `json:"window,omitempty"`
	// Term is the TERM of ModeShell.
	Term string `json:"term,omitempty"`
}

// Ports returns the ports that the mode of c needs, control first.
func (c *Config) Ports() []string {
	switch c.Mode {
	case ModeSuite, ModeFault:
		return []string{PortControl, PortResult}
	case ModeRun:
		return []string{PortControl, PortStdin, PortStdout, PortStderr}
	case ModeShell:
		return []string{PortControl, PortTTY}
	default:
		return []string{PortControl}
	}
}
