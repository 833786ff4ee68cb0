// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"xpsgen/vmtest/guest/wire"
)

// Result describes a guest that has ended.
type Result struct {
	// Accel is the accelerator that was used.
	Accel Accel
	// Fallback says why Auto used TCG and not KVM.
	Fallback string
	// Hello is the guest's first message, nil if none arrived.
	Hello *wire.Hello
	// Exit is its last message, nil if none arrived.
	Exit *wire.Exit
	// Boot is the time from the start of QEMU to Hello, Total to QEMU's end.
	Boot, Total time.Duration
	// Args is QEMU's command line. Its descriptor numbers are valid only in this run.
	Args []string
	// ConsoleBytes is the size of the console. Tail is its last part.
	ConsoleBytes int64
	Tail         []string
	// Splats are the kernel's warnings and crashes. A run with one has not passed.
	Splats []Splat
}

// Running is a started Machine.
type Running struct {
	m        *Machine
	accel    Accel
	fallback string
	limits   Timeouts
	proc     *process
	args     []string
	start    time.Time
	port     int

	console  console
	activity atomic.Int64 // since start, in nanoseconds, of the last byte
	alive    atomic.Int64 // likewise, of the last sign of life
	counts   map[string]*atomic.Int64
	moved    chan struct{} // something arrived or was said; capacity 1
	helloed  chan struct{} // closed on hello
	stop     chan error    // what ends the run from inside; capacity 1
	pumps    sync.WaitGroup

	mu    sync.Mutex
	hello *wire.Hello
	boot  time.Duration
	exit  *wire.Exit
	sendM sync.Mutex

	// killed says that QEMU did not end by itself. It is set before ended is closed.
	killed bool
	ended  chan struct{}
	result *Result
	err    error
}

// Run starts m and waits for its end.
func (m *Machine) Run(ctx context.Context) (*Result, error) {
	r, err := m.Start(ctx)
	if err != nil {
		return &Result{}, err
	}
	return r.Wait()
}

// begin starts the machine with the given accelerator.
func begin(ctx context.Context, m *Machine, accel Accel, port int, fallback string) (*Running, error) {
	r := &Running{
		m: m, accel: accel, limits: m.effective(accel), port: port, fallback: fallback,
		counts: make(map[string]*atomic.Int64), moved: make(chan struct{}, 1),
		helloed: make(chan struct{}), stop: make(chan error, 1), ended: make(chan struct{}),
		console: console{out: m.Console, limit: m.ConsoleLimit},
	}
	r.start = time.Now()
	var err error
	if r.proc, r.args, err = launch(m, accel, port); err != nil {
		return nil, err
	}
	for name := range r.proc.ports {
		r.counts[name] = new(atomic.Int64)
	}
	r.pump()
	go func() {
		r.err = r.supervise(ctx)
		r.finish()
		close(r.ended)
	}()
	return r, nil
}

// Wait returns when the guest has ended. The Result is never nil, but may be
// incomplete. The error is nil only if the guest said that it was done, QEMU then
// stopped, and all that was sent arrived.
func (r *Running) Wait() (*Result, error) {
	<-r.ended
	return r.result, r.err
}

// Accel returns the accelerator in use.
func (r *Running) Accel() Accel { return r.accel }

// DebuggerLine returns the command that connects a debugger, or "" if the Machine does
// not wait for one.
func (r *Running) DebuggerLine() string {
	if r.port == 0 {
		return ""
	}
	vmlinux := r.m.Vmlinux
	if vmlinux == "" {
		vmlinux = "vmlinux"
	}
	gdb := "gdb"
	if r.m.Arch.Cross() {
		gdb = "gdb-multiarch"
	}
	return fmt.Sprintf("%s %s -ex 'target remote 127.0.0.1:%d'", gdb, vmlinux, r.port)
}

// finish collects the result after the end of QEMU.
func (r *Running) finish() {
	r.killed = !r.proc.hasEnded()
	r.proc.kill()
	// QEMU's ends are closed, so the readers reach the end of the data in the sockets.
	r.pumps.Wait()
	r.proc.closeConns()
	res := &Result{
		Accel: r.accel, Fallback: r.fallback, Args: r.args,
		Total: time.Since(r.start), Tail: r.console.last(),
	}
	var outErr error
	res.ConsoleBytes, res.Splats, outErr = r.console.done()
	r.mu.Lock()
	res.Hello, res.Exit, res.Boot = r.hello, r.exit, r.boot
	r.mu.Unlock()
	r.result = res
	r.err = r.verdict(r.err)
	if r.err == nil && outErr != nil {
		r.err = fmt.Errorf("vm: write console: %w", outErr)
	}
}

// verdict converts the reason of the end to the error of Wait.
func (r *Running) verdict(reason error) error {
	res := r.result
	exited := false // by itself
	if errors.Is(reason, errExited) {
		reason, exited = nil, !r.killed
	}
	if text, ok := panicReason(res.Splats, res.Tail); ok && !errors.Is(reason, context.Canceled) {
		return &PanicError{Reason: text, Tail: res.Tail}
	}
	if reason != nil {
		return reason
	}
	switch {
	case res.Hello == nil && !r.killed && r.proc.err != nil:
		return &QEMUError{Path: r.m.QEMU, Stderr: r.proc.stderr.String(), Err: r.proc.err}
	case res.Hello == nil && r.m.Config.Mode == wire.ModeBarePoweroff:
		return nil
	case res.Hello == nil:
		return &BootError{After: res.Total, Exited: true, Tail: res.Tail}
	case res.Exit == nil && exited && signaled(r.proc.err):
		return &QEMUError{Path: r.m.QEMU, Stderr: r.proc.stderr.String(), Err: r.proc.err}
	case res.Exit == nil:
		return &EarlyExitError{How: how(r.console.off), After: res.Total, Tail: res.Tail}
	}
	for name, sent := range res.Exit.Sent {
		if c := r.counts[name]; c == nil || c.Load() != sent {
			lost := &LostResultsError{Port: name, Sent: sent}
			if c != nil {
				lost.Received = c.Load()
			}
			return lost
		}
	}
	if res.Exit.Error != "" {
		return &GuestError{Text: res.Exit.Error}
	}
	return nil
}

// how says how a machine stopped whose kernel wrote the line off.
func how(off string) string {
	switch off {
	case "Power down", "Power off not available":
		return "powered off"
	case "System halted":
		return "halted"
	case restarting:
		return "restarted"
	}
	return "went off"
}

// signaled reports whether a signal ended the process.
func signaled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

// fail ends the run with err, unless it is ending already.
func (r *Running) fail(err error) {
	select {
	case r.stop <- err:
	default:
	}
}

// touch records activity of the guest.
func (r *Running) touch() {
	r.activity.Store(int64(time.Since(r.start)))
	r.live()
}

// live records a heartbeat.
func (r *Running) live() {
	r.alive.Store(int64(time.Since(r.start)))
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// send writes a message to the guest.
func (r *Running) send(m wire.Message) {
	r.sendM.Lock()
	defer r.sendM.Unlock()
	// The supervisor notices a guest that no longer reads.
	_ = wire.Send(r.proc.ports[wire.PortControl], m)
}
