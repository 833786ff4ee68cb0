// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

// Where the parts of the new root are mounted before it becomes the root.
const (
	hostDir    = "/xpsgen/host"    // the host's root
	scratchDir = "/xpsgen/scratch" // files that the guest writes
	rootDir    = "/xpsgen/root"    // the overlay of both and the image's layer
)

// plan9 are the options of a 9p mount. All users of the guest share one attach, since QEMU
// opens the files with its own credentials.
const plan9 = "trans=virtio,version=9p2000.L,msize=524288,access=any"

// Cache modes. The read-only files of the host are cached, because each round trip takes
// some 100 µs. The guest sees a change on the host when it next opens the file. In shares,
// only what mmap needs is cached.
const (
	cacheHost  = ",cache=readahead"
	cacheShare = ",cache=mmap"
	// Older kernels do not know readahead. With loose, the guest may miss a change on
	// the host.
	cacheOld = ",cache=loose"
)

// enterHost makes the host's files the guest's root. The root is an overlay of a tmpfs, the
// image's layer and the host's root. /dev and /sys are those of the guest. The shares are
// mounted at their paths.
func enterHost(h *wire.HostFiles) error {
	host := mount{fs: "9p", source: wire.HostTag, dir: hostDir, flags: unix.MS_RDONLY, data: plan9 + cacheHost}
	err := host.do()
	if errors.Is(err, unix.EINVAL) {
		host.data = plan9 + cacheOld
		err = host.do()
	}
	if err == nil {
		err = mount{fs: "tmpfs", dir: scratchDir, data: "mode=755"}.do()
	}
	if err != nil {
		if lacking(err) {
			err = fmt.Errorf("%w (the kernel needs CONFIG_NET_9P_VIRTIO and CONFIG_9P_FS)", err)
		}
		return err
	}
	if err := overlay(rootDir, wire.LayerDir+":"+hostDir, "root"); err != nil {
		return err
	}
	for _, dir := range []string{"/dev", "/sys"} {
		if err := os.MkdirAll(rootDir+dir, 0o755); err != nil {
			return fmt.Errorf("set up the new root: %w", err)
		}
		if err := unix.Mount(dir, rootDir+dir, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("set up the new root: move %s: %w", dir, err)
		}
	}
	// /dev/shm may have programs of the host. It is a separate file system there.
	if isDir(hostDir + "/dev/shm") {
		if err := overlay(rootDir+"/dev/shm", hostDir+"/dev/shm", "shm"); err != nil {
			return err
		}
	}
	for _, s := range h.Shares {
		m := mount{fs: "9p", source: s.Tag, dir: filepath.Join(rootDir, string(s.Dir)), data: plan9 + cacheShare}
		if err := m.do(); err != nil {
			return err
		}
	}
	if err := complete(rootDir); err != nil {
		return err
	}
	return switchRoot(rootDir)
}

// expected are files and links that programs look for. A small host, such as a container,
// may lack them. Files have a text, links have a target.
var expected = []struct{ name, text, target string }{
	{name: "/var/run", target: "/run"},
	{name: "/etc/passwd", text: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"},
	{name: "/etc/group", text: "root:x:0:\nnogroup:x:65534:\n"},
	{name: "/etc/hosts", text: "127.0.0.1 localhost\n::1 localhost\n"},
}

// complete adds the files that root lacks.
func complete(root string) error {
	if err := os.MkdirAll(root+"/run", 0o755); err != nil {
		return fmt.Errorf("complete the new root: %w", err)
	}
	for _, e := range expected {
		path := root + e.name
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil && e.target != "" {
			err = os.Symlink(e.target, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(e.text), 0o644)
		}
		if err != nil {
			return fmt.Errorf("complete the new root: %w", err)
		}
	}
	return nil
}

// overlay mounts an overlay at dir. Changes of lower go to a new directory of the scratch
// space.
func overlay(dir, lower, name string) error {
	upper, work := filepath.Join(scratchDir, name), filepath.Join(scratchDir, name+".work")
	for _, d := range []string{upper, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return fmt.Errorf("mount the overlay: %w", err)
		}
	}
	m := mount{fs: "overlay", dir: dir, data: "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work}
	return m.do()
}

// switchRoot makes dir, a mount point, the root directory.
func switchRoot(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("switch to the new root: %w", err)
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("switch to the new root: move %s: %w", dir, err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("switch to the new root: %w", err)
	}
	return os.Chdir("/")
}

// place mounts the binds at their paths, and the guest's tools over those of the host.
func place(h *wire.HostFiles) error {
	for _, b := range h.Binds {
		if err := bind(string(b.From), string(b.To)); err != nil {
			return err
		}
	}
	if h.Foreign {
		return installBusyBox()
	}
	if h.HostTools {
		return nil
	}
	done := make(map[string]bool)
	for _, tool := range wire.Tools() {
		for _, dir := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
			real, err := filepath.EvalSymlinks(filepath.Join(dir, tool))
			if err != nil || done[real] {
				continue
			}
			done[real] = true
			if err := bind(filepath.Join(wire.ToolDir, tool), real); err != nil {
				return err
			}
		}
	}
	return nil
}

// installBusyBox puts links to BusyBox into the directory of tools. BusyBox does not replace
// tools that are there, and reports them as errors. So only a missing shell is an error.
func installBusyBox() error {
	out, err := exec.Command(wire.BusyBox, "--install", "-s", wire.ToolDir).CombinedOutput()
	if _, missing := os.Lstat(wire.ToolDir + "/sh"); missing != nil {
		return fmt.Errorf("install busybox: %w: %s", errors.Join(missing, err), out)
	}
	return nil
}

// bind mounts from at to, and creates to if it does not exist.
func bind(from, to string) error {
	info, err := os.Stat(from)
	if err == nil && info.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else if err == nil {
		if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			var f *os.File
			// Do not truncate an existing file: the mount only hides it.
			if f, err = os.OpenFile(to, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
				err = f.Close()
			}
		}
	}
	if err == nil {
		err = unix.Mount(from, to, "", unix.MS_BIND, "")
	}
	if err != nil {
		return fmt.Errorf("bind mount %s on %s: %w", from, to, err)
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
