// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// crashPoint is a file of LKDTM. Writing the name of a crash provokes the crash.
const crashPoint = "/sys/kernel/debug/provoke-crash/DIRECT"

// floodSize is the size of a flood in bytes.
const floodSize = 100 << 20

// fault misbehaves as Config.Fault says. Except for FaultLost, it first reports half of the
// tests, because a partial report might mislead the host.
func (g *guest) fault() (int, error) {
	setEnv(nil)
	out := g.ports[wire.PortResult]
	if g.cfg.Fault == wire.FaultLost {
		return 0, nil
	}
	plan := wire.FaultPlan()
	w := ktap.NewWriter(out)
	w.Plan(len(plan))
	report := func(names []string) {
		for _, name := range names {
			w.Result(name, ktap.Pass, "")
		}
	}
	report(plan[:len(plan)/2])
	if err := g.misbehave(); err != nil {
		return 0, err
	}
	if g.cfg.Fault == wire.FaultHalf {
		return 0, w.Err()
	}
	report(plan[len(plan)/2:])
	if g.cfg.Fault == wire.FaultTwice {
		w = ktap.NewWriter(out)
		w.Plan(len(plan))
		report(plan)
	}
	return 0, w.Err()
}

func (g *guest) misbehave() error {
	switch g.cfg.Fault {
	case wire.FaultPanic:
		return os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0)
	case wire.FaultOops:
		return sacrifice("EXCEPTION")
	case wire.FaultWarn:
		return sacrifice("WARNING")
	case wire.FaultSpin:
		// NB: HARDLOCKUP never returns and takes the CPU with it.
		go func() { _ = sacrifice("HARDLOCKUP") }()
		pause()
	case wire.FaultHang:
		pause()
	case wire.FaultFlood:
		return flood()
	case wire.FaultPoweroff:
		return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case wire.FaultReboot:
		return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	case wire.FaultHalt:
		return unix.Reboot(unix.LINUX_REBOOT_CMD_HALT)
	case wire.FaultSoft:
		// The detector waits for twice this many seconds.
		if err := os.WriteFile("/proc/sys/kernel/watchdog_thresh", []byte("2"), 0); err != nil {
			return err
		}
		go func() { _ = sacrifice("SOFTLOCKUP") }()
		pause()
	case wire.FaultOOM:
		cmd := exec.Command("/proc/self/exe")
		cmd.Args = []string{helperName, eatMemory}
		_ = cmd.Run() // the kernel kills it
	case wire.FaultInitDies:
		os.Exit(1)
	case wire.FaultHalf, wire.FaultTwice:
	default:
		return fmt.Errorf("unknown fault %q", g.cfg.Fault)
	}
	return nil
}

func flood() error {
	f, err := os.OpenFile("/dev/console", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	line := append(bytes.Repeat([]byte("flood "), 13), '\n')
	chunk := bytes.Repeat(line, 1000)
	for n := 0; n < floodSize; n += len(chunk) {
		if _, err := f.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// helperName is argv[0] of this program when it is not PID 1.
const helperName = "xpsgen-crash"

// eatMemory makes the helper take all memory.
const eatMemory = "memory"

// crashTime is longer than the kernel takes to oops.
const crashTime = time.Second

// sacrifice starts a process that provokes a crash and may die from it.
func sacrifice(how string) error {
	if _, err := os.Stat(crashPoint); err != nil {
		return fmt.Errorf("provoke crash: %w (needs a kernel with CONFIG_LKDTM)", err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{helperName, how}
	// Ignore the status: the kernel may or may not kill the process.
	_ = cmd.Run()
	return nil
}

// helper is this program when it is not PID 1.
func helper(args []string) int {
	if len(args) != 2 || args[0] != helperName {
		fmt.Fprintln(os.Stderr, "init: not PID 1: runs only as PID 1 of a guest")
		return 2
	}
	if args[1] == eatMemory {
		for hoard := [][]byte{}; ; {
			hoard = append(hoard, bytes.Repeat([]byte{1}, 1<<20))
		}
	}
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(crashPoint, []byte(args[1]), 0) }()
	select {
	case err := <-done:
		if err != nil {
			return 1
		}
	case <-time.After(crashTime):
		// NB: an oops kills only the thread that caused it.
	}
	return 0
}
