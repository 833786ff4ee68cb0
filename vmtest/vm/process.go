// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/image"
)

// firstFD is the number of the first descriptor a child inherits beyond its
// standard streams.
const firstFD = 3

// process is a running QEMU, with the host's ends of its sockets.
type process struct {
	cmd    *exec.Cmd
	stderr *clipped
	done   chan struct{} // closed when it has ended
	err    error         // of Wait, once done is closed

	console net.Conn
	qmp     net.Conn
	ports   map[string]*net.UnixConn
}

// launch starts QEMU for m, a checked machine.
func launch(m *Machine, accel Accel, debugPort int) (_ *process, args []string, err error) {
	p := &process{done: make(chan struct{}), stderr: &clipped{max: 8 << 10}, ports: make(map[string]*net.UnixConn)}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
		if err != nil {
			p.closeConns()
		}
	}()
	give := func(f *os.File) int {
		theirs = append(theirs, f)
		return firstFD + len(theirs) - 1
	}
	pair := func(name string) (*net.UnixConn, int, error) {
		ours, other, err := socketPair(name)
		if err != nil {
			return nil, 0, err
		}
		return ours, give(other), nil
	}

	var d descriptors
	tsc := startTSC()
	initrd, err := assemble(m, accel)
	if err != nil {
		return nil, nil, err
	}
	d.initrd = give(initrd)
	// NB: do not store a typed nil in the interfaces.
	c, fd, err := pair("console")
	if err != nil {
		return nil, nil, err
	}
	p.console, d.console = c, fd
	if c, fd, err = pair("qmp"); err != nil {
		return nil, nil, err
	}
	p.qmp, d.qmp = c, fd
	for _, name := range m.Config.Ports() {
		if c, fd, err = pair(name); err != nil {
			return nil, nil, err
		}
		p.ports[name] = c
		d.ports = append(d.ports, portDescriptor{name: name, fd: fd})
	}

	switch {
	case m.Arch.Cross(): // no time stamp counter
	case m.InstructionClock:
		d.kernelArgs = []string{"tsc_early_khz=1000000"}
	case accel == TCG:
		d.kernelArgs = tsc.kernelArg()
	}
	args = append([]string{m.QEMU}, m.args(accel, d, debugPort)...)
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.ExtraFiles = theirs
	// QEMU must not get the terminal, since it would change its modes.
	p.cmd.Stdin = nil
	p.cmd.Stdout, p.cmd.Stderr = p.stderr, p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.start(); err != nil {
		return nil, nil, &QEMUError{Path: m.QEMU, Err: err}
	}
	return p, args, nil
}

// start runs the command on a separate thread that lives as long as the child. The
// kernel sends Pdeathsig when the thread that started the child exits.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	return <-started
}

// hasEnded reports whether QEMU has ended.
func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill kills QEMU and waits for it. It does nothing if QEMU has ended.
func (p *process) kill() {
	// An error means that QEMU has ended by itself.
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) closeConns() {
	for _, c := range []net.Conn{p.console, p.qmp} {
		if c != nil {
			c.Close()
		}
	}
	for _, c := range p.ports {
		c.Close()
	}
}

// socketPair returns the host's end of a connection and the end that QEMU inherits.
func socketPair(name string) (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("vm: %s: %w", name, os.NewSyscallError("socketpair", err))
	}
	other := os.NewFile(uintptr(fds[1]), name)
	mine := os.NewFile(uintptr(fds[0]), name)
	defer mine.Close()
	c, err := net.FileConn(mine)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("vm: %s: %w", name, err), other.Close())
	}
	return c.(*net.UnixConn), other, nil
}

// assemble concatenates the archives and the configuration in memory, so that no
// temporary file is left behind.
func assemble(m *Machine, accel Accel) (_ *os.File, err error) {
	fd, err := unix.MemfdCreate("xpsgen-initrd", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("vm: initrd: %w", os.NewSyscallError("memfd_create", err))
	}
	f := os.NewFile(uintptr(fd), "initrd")
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	for _, name := range m.Initrds {
		if err := appendFile(f, name); err != nil {
			return nil, fmt.Errorf("vm: initrd: %w", err)
		}
	}
	cfg := m.Config
	if cfg.TimeoutScale == 0 {
		cfg.TimeoutScale = m.stretch(accel)
	}
	cfg.UserNet = m.UserNet
	cfg.Heartbeat = m.effective(accel).Alive > 0
	config, err := image.ConfigArchive(&cfg)
	if err != nil {
		return nil, fmt.Errorf("vm: initrd: %w", err)
	}
	if _, err := f.Write(config); err != nil {
		return nil, fmt.Errorf("vm: initrd: %w", err)
	}
	return f, nil
}

func appendFile(to *os.File, name string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	n, err := io.Copy(to, in)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// The kernel requires archives to begin at multiples of four bytes.
	_, err = to.Write(make([]byte, (4-n%4)%4))
	return err
}

// clipped is a Writer that keeps only the beginning.
type clipped struct {
	mu  sync.Mutex
	buf []byte
	max int
}

func (c *clipped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = append(c.buf, p[:min(len(p), c.max-len(c.buf))]...)
	return len(p), nil
}

func (c *clipped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.buf)
}
