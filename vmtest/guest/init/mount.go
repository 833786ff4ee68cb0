// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mount is one line of the mount table.
type mount struct {
	fs, dir string
	// source is the source of the mount; empty means fs.
	source string
	flags  uintptr
	data   string
	// optional mounts may fail because the kernel lacks the file system.
	optional bool
}

const plain = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV

// earlyMounts are needed to find the control port.
var earlyMounts = [...]mount{
	{fs: "devtmpfs", dir: "/dev", flags: unix.MS_NOSUID},
	{fs: "sysfs", dir: "/sys", flags: plain},
}

// lateMounts are the other mounts of every guest. /tmp and /run are not among them, because
// the root is writable, and a mount would hide the files there.
var lateMounts = [...]mount{
	{fs: "proc", dir: "/proc", flags: plain},
	{fs: "devpts", dir: "/dev/pts", flags: unix.MS_NOSUID | unix.MS_NOEXEC, data: "mode=620,ptmxmode=666", optional: true},
	{fs: "bpf", dir: "/sys/fs/bpf", flags: plain, data: "mode=700", optional: true},
	{fs: "debugfs", dir: "/sys/kernel/debug", flags: plain, optional: true},
	{fs: "tracefs", dir: "/sys/kernel/tracing", flags: plain, optional: true},
	{fs: "securityfs", dir: "/sys/kernel/security", flags: plain, optional: true},
	{fs: "cgroup2", dir: "/sys/fs/cgroup", flags: plain, optional: true},
}

// imageMounts are the mounts of a guest without the host's files.
var imageMounts = [...]mount{
	{fs: "tmpfs", dir: "/run", flags: unix.MS_NOSUID | unix.MS_NODEV, data: "mode=755"},
	{fs: "tmpfs", dir: "/dev/shm", flags: unix.MS_NOSUID | unix.MS_NODEV, data: "mode=1777", optional: true},
}

// devLinks are names in /dev that devtmpfs does not make. Shells need the first one for
// <(...), and scripts write to the others.
var devLinks = [...]struct{ name, target string }{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
}

// linkDev makes the links in dir.
func linkDev(dir string) error {
	for _, l := range devLinks {
		if err := os.Symlink(l.target, filepath.Join(dir, l.name)); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("links in /dev: %w", err)
		}
	}
	return nil
}

func mountAll(table []mount) error {
	for _, m := range table {
		err := m.do()
		if err != nil && !(m.optional && lacking(err)) {
			return err
		}
	}
	return nil
}

// lacking reports whether a mount failed because the kernel lacks the file system, or
// sysfs lacks its directory.
func lacking(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPERM)
}

func (m mount) do() error {
	// In sysfs the directory exists if the kernel has the file system.
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("mount %s: %w", m.fs, err)
	}
	source := m.source
	if source == "" {
		source = m.fs
	}
	if err := unix.Mount(source, m.dir, m.fs, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.fs, m.dir, err)
	}
	return nil
}
