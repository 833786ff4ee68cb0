// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/vm"
)

// ErrAdd is wrapped by the error about a file or directory of the host that the guest
// cannot use as requested.
var ErrAdd = errors.New("not possible in the guest")

// hostFiles describes how a guest sees the host's files, and what QEMU must export
// for it. writable are the directories in which the guest writes to the host.
func hostFiles(writable, add []string, hostTools bool) (*wire.HostFiles, []vm.Share, error) {
	h := &wire.HostFiles{HostTools: hostTools}
	shares := []vm.Share{{Tag: wire.HostTag, Dir: "/", ReadOnly: true}}
	dirs := outermost(writable)
	if most := vm.MaxShares - len(shares); len(dirs) > most {
		return nil, nil, fmt.Errorf("the guest can write to %d directories of the host, not to %d: %s",
			most, len(dirs), strings.Join(dirs, " "))
	}
	for i, dir := range dirs {
		tag := fmt.Sprintf("xpsgen.rw%d", i)
		h.Shares = append(h.Shares, wire.Share{Tag: tag, Dir: wire.Raw(dir)})
		shares = append(shares, vm.Share{Tag: tag, Dir: dir})
	}
	for _, what := range add {
		b, err := addition(what)
		if err != nil {
			return nil, nil, err
		}
		if b.From != b.To {
			h.Binds = append(h.Binds, b)
		}
	}
	return h, shares, nil
}

// modules puts the kernel's modules where modprobe looks for them.
func modules(h *wire.HostFiles, k *build.KernelResult) {
	if k.Modules != "" {
		h.Binds = append(h.Binds, wire.Bind{From: wire.Raw(k.Modules), To: wire.Raw(path.Join("/lib/modules", k.Release))})
	}
}

// checkWritable returns an error if a directory cannot be shared with write access.
func (opt *GuestOptions) checkWritable() error {
	for _, dir := range opt.Writable {
		if len(outermost([]string{dir})) == 0 {
			return fmt.Errorf("write to %s: %w: want a directory other than / and the kernel's file systems", dir, ErrAdd)
		}
	}
	return nil
}

// addition reads FILE or HOST:GUEST.
func addition(what string) (wire.Bind, error) {
	host, guest, mapped := strings.Cut(what, ":")
	abs, err := filepath.Abs(host)
	if err != nil {
		return wire.Bind{}, fmt.Errorf("add %s: %w", host, err)
	}
	if !mapped {
		guest = abs
	}
	if !path.IsAbs(guest) {
		return wire.Bind{}, fmt.Errorf("add %s: %w: the guest path %q must be absolute", host, ErrAdd, guest)
	}
	if _, err := os.Stat(abs); err != nil {
		return wire.Bind{}, fmt.Errorf("add: %w", err)
	}
	return wire.Bind{From: wire.Raw(abs), To: wire.Raw(path.Clean(guest))}, nil
}

// outermost returns dirs without symbolic links, each once, sorted, and without
// those that lie below another one. The root directory is not among them: the
// guest must not be able to write to all of the host.
func outermost(dirs []string) []string {
	var real []string
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir)
		if err != nil {
			continue // the current directory is gone
		}
		// A directory that does not exist cannot be written to on the host,
		// either.
		if dir, err := filepath.EvalSymlinks(dir); err == nil && isDir(dir) && dir != "/" && !virtual(dir) {
			real = append(real, dir)
		}
	}
	slices.Sort(real)
	var out []string
	for _, dir := range slices.Compact(real) {
		if !slices.ContainsFunc(out, func(up string) bool { return strings.HasPrefix(dir, up+"/") }) {
			out = append(out, dir)
		}
	}
	return out
}

// virtual reports whether the guest has its own version of a directory.
func virtual(dir string) bool {
	for _, top := range []string{"/proc", "/sys"} {
		if dir == top || strings.HasPrefix(dir, top+"/") {
			return true
		}
	}
	return dir == "/dev" || strings.HasPrefix(dir, "/dev/") && !strings.HasPrefix(dir, "/dev/shm/")
}

// writable returns the directories in which program writes to the host: the
// current one, and those that go test and GOCOVERDIR name.
func writable(program string, args []string, dir string, getenv func(string) string) []string {
	dirs := []string{dir}
	if strings.HasSuffix(program, ".test") {
		dirs = append(dirs, goTestDirs(program, args, dir)...)
	}
	if cover := getenv("GOCOVERDIR"); cover != "" {
		dirs = append(dirs, absolute(dir, cover))
	}
	return dirs
}

// goTestDirs are the directories that the flags of a test binary name.
func goTestDirs(program string, args []string, dir string) []string {
	var dirs []string
	if testDir := filepath.Dir(program); strings.Contains(testDir, "go-build") {
		// go test's work directory.
		dirs = append(dirs, testDir)
	}
	out := dir
	flags := testFlags(args)
	for _, f := range flags {
		if f.name == "outputdir" {
			out = absolute(dir, f.value)
		}
	}
	for _, f := range flags {
		switch f.name {
		case "coverprofile", "cpuprofile", "memprofile", "blockprofile", "mutexprofile", "trace":
			dirs = append(dirs, filepath.Dir(absolute(out, f.value)))
		case "testlogfile":
			dirs = append(dirs, filepath.Dir(absolute(dir, f.value)))
		case "outputdir", "gocoverdir", "fuzzcachedir":
			value := absolute(dir, f.value)
			// go test does not create this one.
			if f.name == "fuzzcachedir" {
				_ = os.MkdirAll(value, 0o777)
			}
			dirs = append(dirs, value)
		}
	}
	return dirs
}

// testFlag is -test.NAME=VALUE.
type testFlag struct{ name, value string }

func testFlags(args []string) (flags []testFlag) {
	for _, a := range args {
		name, value, ok := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if name, isTest := strings.CutPrefix(name, "test."); ok && isTest && strings.HasPrefix(a, "-") && value != "" {
			flags = append(flags, testFlag{name, value})
		}
	}
	return flags
}

func absolute(dir, p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(dir, p)
}
