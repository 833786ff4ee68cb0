// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command init is PID 1 of the guest. It reads its task from [wire.ConfigPath] and sends
// hello on the control port as early as possible. It then does the task, reports the
// result and powers off.
//
// It must be linked statically. Users wait for each boot, so init mounts only what the
// next step needs. It prints nothing on the console, which is slow and belongs to the
// kernel.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

func main() {
	if os.Getpid() != 1 {
		// NB: the code below powers off the machine.
		os.Exit(helper(os.Args))
	}
	// The process lives briefly with plenty of memory: garbage collection would only
	// cost time.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(128 << 20)
	run()
	powerOff()
}

// guest is the state that the modes share.
type guest struct {
	cfg     wire.Config
	control *port
	ports   map[string]*port
	inbox   *inbox
	// leaks is the number of objects that kmemleak found; nil if it did not run.
	leaks *int
}

func run() {
	cfg, err := readConfig()
	if err != nil {
		complain(err)
		return
	}
	if cfg.Mode == wire.ModeBarePoweroff {
		return
	}
	if err := mountAll(earlyMounts[:]); err != nil {
		complain(err)
		return
	}
	if err := loadModules(wire.ModuleDir); err != nil {
		complain(err)
		return
	}
	if cfg.Fault == wire.FaultMute {
		pause()
	}
	g := &guest{cfg: cfg, ports: make(map[string]*port)}
	if g.control, err = openPort(wire.PortControl, cfg.TimeoutScale); err != nil {
		complain(err)
		return
	}
	if err := wire.Send(g.control, wire.Message{Hello: hello()}); err != nil {
		complain(err)
		return
	}
	g.inbox = listen(g.control)
	if cfg.Heartbeat {
		go keepAlive(g.control)
	}
	code, err := g.work()
	g.bye(code, err)
}

// work does the guest's task. code is the exit status of the program or the number of
// failed tests. err says that the guest could not do its task.
func (g *guest) work() (code int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("init panicked: %v\n%s", p, debug.Stack())
		}
	}()
	if g.cfg.Mode == wire.ModePoweroff {
		return 0, nil
	}
	if err := g.setUp(); err != nil {
		return 0, err
	}
	switch g.cfg.Mode {
	case wire.ModeSuite:
		code, err := g.suite()
		if err != nil || !g.cfg.Leaks {
			return code, err
		}
		n, err := lookForLeaks()
		if err == nil {
			g.leaks = &n
		}
		return code, err
	case wire.ModeMutate:
		return g.mutate()
	case wire.ModeRun:
		return g.program()
	case wire.ModeShell:
		return g.shell()
	case wire.ModeFault:
		return g.fault()
	}
	return 0, fmt.Errorf("unknown mode %q", g.cfg.Mode)
}

// setUp prepares the guest for running programs.
func (g *guest) setUp() error {
	host := g.cfg.Host
	if host != nil {
		if err := enterHost(host); err != nil {
			return err
		}
	} else if err := mountAll(imageMounts[:]); err != nil {
		return err
	}
	if err := mountAll(lateMounts[:]); err != nil {
		return err
	}
	if err := linkDev("/dev"); err != nil {
		return err
	}
	if host != nil {
		if err := place(host); err != nil {
			return err
		}
	}
	for _, name := range g.cfg.Ports()[1:] {
		p, err := openPort(name, g.cfg.TimeoutScale)
		if err != nil {
			return err
		}
		g.ports[name] = p
	}
	if err := configure(&g.cfg); err != nil {
		return err
	}
	if g.cfg.UserNet {
		return userNet()
	}
	return nil
}

// bye reports the result and waits until the host has read everything.
func (g *guest) bye(code int, err error) {
	e := &wire.Exit{Code: code, Leaks: g.leaks, Sent: make(map[string]int64)}
	if err != nil {
		e.Error = err.Error()
	}
	for name, p := range g.ports {
		if name != wire.PortStdin {
			e.Sent[name] = p.sent.Load()
		}
	}
	if err := wire.Send(g.control, wire.Message{Exit: e}); err != nil {
		complain(err)
		return
	}
	g.inbox.waitBye(g.cfg.TimeoutScale)
}

func readConfig() (wire.Config, error) {
	var cfg wire.Config
	b, err := os.ReadFile(wire.ConfigPath)
	if err != nil {
		return cfg, err
	}
	if err := json.Unmarshal(b, &cfg); err != nil {
		return cfg, fmt.Errorf("%s: %w", wire.ConfigPath, err)
	}
	if cfg.TimeoutScale <= 0 {
		cfg.TimeoutScale = 1
	}
	return cfg, nil
}

func hello() *wire.Hello {
	h := &wire.Hello{}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		h.Release = unix.ByteSliceToString(u.Release[:])
		h.Machine = unix.ByteSliceToString(u.Machine[:])
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err == nil {
		h.CPUs = set.Count()
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err == nil {
		h.UptimeSeconds = float64(ts.Nano()) / 1e9
	}
	return h
}
