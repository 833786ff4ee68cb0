// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
	"xpsgen/vmtest/guest/objects/record"
)

const (
	bpffs = "/sys/fs/bpf"
	// device is the name of the device in each place.
	device = "d0"
	// nobody is a user without capabilities.
	nobody = 65534
	// loadTimeout bounds one call of ip. It takes less than a second on a quiet machine.
	loadTimeout = 2 * time.Minute
)

// place is where one worker runs ip: a thread with mounts and a network namespace of its
// own, and a device.
type place struct {
	context string
	dir     string
	// netns is the name for ip -n, empty if the device is in ip's own namespace.
	netns   string
	ifindex int
	client  *xps.Client
}

// newPlace makes a place for the calling thread. Its goroutine must be locked to it.
func newPlace(ctx context.Context, name string, worker int, job *record.Job) (*place, error) {
	p := &place{context: name, dir: job.Dir}
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return nil, fmt.Errorf("make namespaces: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return nil, fmt.Errorf("make the mounts private: %w", err)
	}
	// The sysfs of the guest shows the guest's network namespace.
	if err := unix.Unmount("/sys", unix.MNT_DETACH); err != nil {
		return nil, fmt.Errorf("unmount /sys: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return nil, fmt.Errorf("mount /sys: %w", err)
	}
	if name == record.ReadOnlySys {
		if err := unix.Mount("", "/sys", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return nil, fmt.Errorf("make /sys read-only: %w", err)
		}
	}
	if name == record.NetNS || name == record.NoBPFFS || name == record.NetNSExec {
		if err := p.enterNetNS(fmt.Sprintf("objects%d", worker)); err != nil {
			return nil, err
		}
	}
	if err := p.addDevice(ctx, job.Builds[0].IP); err != nil {
		return nil, err
	}
	return p, p.freshBPFFS()
}

// enterNetNS creates a network namespace for the device. The thread stays in its own
// namespace.
func (p *place) enterNetNS(name string) error {
	const dir = "/run/netns"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("name a network namespace: %w", err)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, nil, 0o444); err != nil {
		return fmt.Errorf("name a network namespace: %w", err)
	}
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return fmt.Errorf("open the network namespace: %w", err)
	}
	defer own.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	if err := unix.Mount("/proc/thread-self/ns/net", file, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("name a network namespace: %w", err)
	}
	if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("return to the network namespace: %w", err)
	}
	p.netns = name
	return nil
}

// addDevice makes the device and opens a socket in its namespace.
func (p *place) addDevice(ctx context.Context, ip string) error {
	cmd := exec.CommandContext(ctx, ip, p.args("link", "add", device, "numtxqueues", "4", "type", "dummy")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("add a device: %w: %s", err, out)
	}
	cfg := &xps.Config{Timeout: loadTimeout}
	if p.netns != "" {
		f, err := os.Open(filepath.Join("/run/netns", p.netns))
		if err != nil {
			return fmt.Errorf("open the network namespace: %w", err)
		}
		defer f.Close()
		cfg.NetNS = int(f.Fd())
	}
	var err error
	if p.client, err = xps.Dial(cfg); err != nil {
		return err
	}
	all, err := p.client.List(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == device {
			p.ifindex = s.Ifindex
			return nil
		}
	}
	return fmt.Errorf("add a device: %w", &net.OpError{Op: "list", Err: fs.ErrNotExist})
}

func (p *place) close() {
	if p.client != nil {
		p.client.Close()
	}
}

// args prefixes a command of ip with the network namespace.
func (p *place) args(words ...string) []string {
	if p.netns == "" {
		return words
	}
	return append([]string{"-n", p.netns}, words...)
}

// loadArgs returns the arguments with which ip loads an object.
func (p *place) loadArgs(ip string, object *record.Object) []string {
	words := append([]string{"link", "set", "dev", device, "xps"}, object.Args...)
	if p.context == record.NetNSExec {
		return append([]string{"netns", "exec", p.netns, ip}, words...)
	}
	return p.args(words...)
}

// freshBPFFS replaces the BPF file system by an empty one, or by none.
func (p *place) freshBPFFS() error {
	for {
		err := unix.Unmount(bpffs, unix.MNT_DETACH)
		if errors.Is(err, unix.EINVAL) { // no longer a mount point
			break
		}
		if err != nil {
			return fmt.Errorf("unmount %s: %w", bpffs, err)
		}
	}
	if p.context == record.ReadOnlySys || p.context == record.NoBPFFS {
		return nil
	}
	if err := unix.Mount("bpf", bpffs, "bpf", 0, "mode=0700"); err != nil {
		return fmt.Errorf("mount %s: %w", bpffs, err)
	}
	return nil
}

// load has ip load one object. It reports the attached program and the pins, and removes them.
// ip is killed after limit, which is no error. If limit is 0, ip must end within loadTimeout.
func (p *place) load(ctx context.Context, build *record.Build, object *record.Object, limit time.Duration) (record.Result, error) {
	r := record.Result{Build: build.Name, Context: p.context, Object: object.Name}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	within := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	cmd := exec.CommandContext(within, build.IP, p.loadArgs(build.IP, object)...)
	cmd.Dir = p.dir
	cmd.Env = append(countsEnv(build), "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C")
	if p.context == record.Unprivileged {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	start := time.Now()
	err := cmd.Run()
	r.Elapsed = time.Since(start)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return r, fmt.Errorf("run ip: %w", err)
	}
	if ctx.Err() != nil {
		return r, fmt.Errorf("%s: object %s: ip did not end within %v", build.Name, object.Name, loadTimeout)
	}
	r.Exit, r.Output = cmd.ProcessState.ExitCode(), output.String()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.Signal = status.Signal().String()
	}
	if err := p.inspect(ctx, &r); err != nil {
		return r, fmt.Errorf("%s: object %s: %w", build.Name, object.Name, err)
	}
	return r, nil
}

// inspect reports the program and the pins, and removes them.
func (p *place) inspect(ctx context.Context, r *record.Result) error {
	state, err := p.client.Query(ctx, p.ifindex, nil)
	if err != nil {
		return err
	}
	if state.Attached {
		if err := describe(state.ProgramID, r); err != nil {
			return err
		}
		if err := p.client.Detach(ctx, p.ifindex, nil); err != nil {
			return err
		}
	}
	if r.Pins, err = pins(); err != nil {
		return err
	}
	if len(r.Pins) > 0 || p.context == record.ReadOnlySys { // where ip may have mounted one
		return p.freshBPFFS()
	}
	return nil
}

// describe reports a program's tag and its return value.
func describe(id ebpf.ProgramID, r *record.Result) error {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return fmt.Errorf("open the attached program: %w", err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return fmt.Errorf("read the attached program: %w", err)
	}
	r.Tag = info.Tag
	value, _, err := prog.Test(make([]byte, 64))
	if err != nil {
		return fmt.Errorf("run the attached program: %w", err)
	}
	r.Value = &value
	return nil
}

// pins returns the paths of all pins.
func pins() ([]string, error) {
	var all []string
	err := filepath.WalkDir(bpffs, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Type().IsRegular() {
			all = append(all, strings.TrimPrefix(path, bpffs+"/"))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list pins: %w", err)
	}
	return all, nil
}
