// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
	"xpsgen/uapi"
)

// find returns the state of the device with a name or an alternative name.
func find(ctx context.Context, c *xps.Client, name string) (xps.State, error) {
	states, err := c.List(ctx, nil)
	if err != nil {
		return xps.State{}, err
	}
	return pick(states, name)
}

// pick is find in a list of states.
func pick(states []xps.State, name string) (xps.State, error) {
	i := slices.IndexFunc(states, func(s xps.State) bool { return s.Name == name })
	if i < 0 {
		ifindex := alternative(name)
		i = slices.IndexFunc(states, func(s xps.State) bool { return s.Ifindex == ifindex })
	}
	if i < 0 {
		return xps.State{}, fmt.Errorf("%s: there is no such device in this network namespace", name)
	}
	return states[i], nil
}

// alternative returns the index of the device that has an alternative name
// (ip link property add), 0 if there is none.
func alternative(name string) int {
	c, err := netlink.Dial(uapi.NETLINK_ROUTE, nil)
	if err != nil {
		return 0
	}
	defer c.Close()
	ae := netlink.NewAttributeEncoder()
	ae.String(uapi.IFLA_ALT_IFNAME, name)
	attrs, err := ae.Encode()
	if err != nil {
		return 0
	}
	msgs, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: uapi.RTM_GETLINK, Flags: netlink.Request},
		Data:   append(make([]byte, unix.SizeofIfInfomsg), attrs...),
	})
	if err != nil || len(msgs) != 1 || len(msgs[0].Data) < unix.SizeofIfInfomsg {
		return 0
	}
	return int(binary.NativeEndian.Uint32(msgs[0].Data[4:]))
}

// sysfs is a mount of sysfs for the network namespace of the thread. A mount shows the
// devices of the network namespace in which it was mounted.
type sysfs struct{ dir string }

// mountSysfs returns a sysfs of the network namespace of the thread. other says that
// the thread has moved to that namespace. The new mount is detached (Linux 5.2), so it
// needs neither a directory nor a mount namespace, and works in a chroot.
func mountSysfs(other bool) (*sysfs, func(), error) {
	if !other {
		return &sysfs{"/sys"}, func() {}, nil
	}
	fail := func(call string, err error) (*sysfs, func(), error) {
		return nil, nil, fmt.Errorf("mount sysfs of the network namespace: %w", os.NewSyscallError(call, err))
	}
	fs, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fail("fsopen", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return fail("fsconfig", err)
	}
	const attrs = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attrs)
	if err != nil {
		return fail("fsmount", err)
	}
	return &sysfs{fmt.Sprintf("/proc/self/fd/%d", mount)}, func() { _ = unix.Close(mount) }, nil
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
