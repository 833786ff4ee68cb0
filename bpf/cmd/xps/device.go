// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
)

// find returns the state of the device of a name.
func find(ctx context.Context, c *xps.Client, name string) (xps.State, error) {
	states, err := c.List(ctx, nil)
	if err != nil {
		return xps.State{}, err
	}
	i := slices.IndexFunc(states, func(s xps.State) bool { return s.Name == name })
	if i < 0 {
		return xps.State{}, fmt.Errorf("%s: there is no such device in this network namespace", name)
	}
	return states[i], nil
}

// sysfs is a mount of sysfs for the network namespace of the thread: that at /sys
// shows the one in which it was mounted.
type sysfs struct{ dir string }

// mountSysfs returns a sysfs of the network namespace of the thread.
func mountSysfs(other bool) (*sysfs, func(), error) {
	if !other {
		return &sysfs{"/sys"}, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "xps-sysfs-")
	if err != nil {
		return nil, nil, err
	}
	// The mount is in a mount namespace of this thread, and ends with it.
	err = errors.Join(
		os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_NEWNS)),
		os.NewSyscallError("mount", unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, "")),
		os.NewSyscallError("mount", unix.Mount("sysfs", dir, "sysfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")),
	)
	cleanup := func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		_ = os.Remove(dir)
	}
	if err != nil {
		cleanup()
		return nil, nil, fmt.Errorf("mount sysfs of the network namespace: %w", err)
	}
	return &sysfs{dir}, cleanup, nil
}

// queues returns how many tx queues a device uses, 0 if that is not known.
func (s *sysfs) queues(device string) int {
	entries, err := os.ReadDir(filepath.Join(s.dir, "class/net", device, "queues"))
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "tx-") {
			n++
		}
	}
	return n
}

// driver returns the name of the driver of a device, empty if that is not known.
func driver(device string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, device)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(info.Driver[:])
}
