// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

// limits are the resource limits that programs expect. The kernel gives its first process
// lower ones.
var limits = [...]struct {
	what int
	lim  unix.Rlimit
}{
	{unix.RLIMIT_NOFILE, unix.Rlimit{Cur: 1024, Max: 524288}},
	{unix.RLIMIT_MEMLOCK, unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}},
	{unix.RLIMIT_CORE, unix.Rlimit{Cur: 0, Max: unix.RLIM_INFINITY}},
}

// configure sets limits and the host name, and brings up the loopback device.
func configure(cfg *wire.Config) error {
	for _, l := range limits {
		if err := unix.Setrlimit(l.what, &l.lim); err != nil {
			return fmt.Errorf("limit %d: %w", l.what, err)
		}
	}
	if err := unix.Sethostname([]byte(hostname(cfg))); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	quietFaults()
	return linkUp("lo")
}

func hostname(cfg *wire.Config) string {
	if cfg.Hostname == "" {
		return "xps"
	}
	return cfg.Hostname
}

// linkUp brings up a network device, as ip link set dev NAME up does.
func linkUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", name, os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("%s: up: %w", name, err)
	}
	return nil
}
