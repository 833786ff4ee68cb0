// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrKVMUnusable is wrapped by the error of a Machine with forced KVM on a host where
// KVM does not work.
var ErrKVMUnusable = errors.New("kvm is not usable on this host")

// CPUState is the state of a vCPU when the guest was stopped.
type CPUState struct {
	// CPU counts from 0.
	CPU int
	// RIP is its instruction pointer.
	RIP uint64
	// Symbol is RIP as function+offset, if a vmlinux was given and RIP is in
	// the kernel.
	Symbol string
	// Halted is set if the vCPU waits for an interrupt.
	Halted bool
}

func (s CPUState) String() string {
	at := s.Symbol
	if at == "" {
		at = fmt.Sprintf("%#x", s.RIP)
	}
	if s.Halted {
		at += " (halted)"
	}
	return fmt.Sprintf("cpu %d at %s", s.CPU, at)
}

func states(cpus []CPUState) string {
	if len(cpus) == 0 {
		return ""
	}
	var s []string
	for _, c := range cpus {
		s = append(s, c.String())
	}
	return ": " + strings.Join(s, ", ")
}

// BootError is returned for a guest that did not say hello.
type BootError struct {
	// After is the time that passed.
	After time.Duration
	// Exited is set if QEMU ended by itself before the timeout.
	Exited bool
	// CPUs are the states of the vCPUs. Empty if QEMU did not answer.
	CPUs []CPUState
	// Host is the CPU time that QEMU received.
	Host HostState
	// Tail is the last part of the console.
	Tail []string
}

func (e *BootError) Error() string {
	if e.Exited {
		return fmt.Sprintf("guest did not boot: the machine stopped after %s without a message from init%s", round(e.After), last(e.Tail))
	}
	return fmt.Sprintf("guest did not boot: no message from init within %s%s%s%s", round(e.After), states(e.CPUs), e.Host, last(e.Tail))
}

// HangError is returned for a guest that did not end: its init became silent or stopped
// sending heartbeats, or the limit of the whole run passed.
type HangError struct {
	// Idle is set if the guest was silent for After. Dead is set if its init
	// sent no heartbeat for After. Otherwise After is the time of the whole
	// run.
	Idle, Dead bool
	After      time.Duration
	CPUs       []CPUState
	Host       HostState
	Tail       []string
}

func (e *HangError) Error() string {
	if e.Dead {
		return fmt.Sprintf("guest hangs: no sign of life for %s%s%s%s", round(e.After), states(e.CPUs), e.Host, last(e.Tail))
	}
	if e.Idle {
		return fmt.Sprintf("guest hangs: silent for %s%s%s%s", round(e.After), states(e.CPUs), e.Host, last(e.Tail))
	}
	return fmt.Sprintf("guest hangs: not done within %s%s%s%s", round(e.After), states(e.CPUs), e.Host, last(e.Tail))
}

// OopsError is returned for a guest that did not end after its kernel oopsed or
// reported a stuck CPU or task.
type OopsError struct {
	// What describes the state of the kernel: "oopsed".
	What string
	// After is the time that passed since then.
	After time.Duration
	CPUs  []CPUState
	Host  HostState
	Tail  []string
}

func (e *OopsError) Error() string {
	return fmt.Sprintf("guest %s and is not done %s later%s%s%s", e.What, round(e.After), states(e.CPUs), e.Host, last(e.Tail))
}

// PanicError is returned for a guest whose kernel panicked.
type PanicError struct {
	// Reason is the kernel's reason.
	Reason string
	// Tail is the last part of the console.
	Tail []string
}

func (e *PanicError) Error() string { return "kernel panic: " + e.Reason }

// EarlyExitError is returned for a machine that stopped without a panic before the
// guest said that it was done.
type EarlyExitError struct {
	// How says how the machine stopped: "powered off".
	How   string
	After time.Duration
	Tail  []string
}

func (e *EarlyExitError) Error() string {
	return fmt.Sprintf("guest stopped early: the machine %s after %s, before init said it was done%s", e.How, round(e.After), last(e.Tail))
}

// LostResultsError is returned if the host received fewer bytes than the guest sent.
type LostResultsError struct {
	// Port is the virtio-serial port.
	Port string
	// Sent and Received count bytes.
	Sent, Received int64
}

func (e *LostResultsError) Error() string {
	return fmt.Sprintf("results were lost: the guest sent %d bytes on %s, %d arrived", e.Sent, e.Port, e.Received)
}

// ConsoleFloodError is returned for a guest that was stopped because it filled its
// console.
type ConsoleFloodError struct {
	// Limit is the size limit of the console in bytes.
	Limit int64
	Tail  []string
}

func (e *ConsoleFloodError) Error() string {
	return fmt.Sprintf("guest floods its console: more than %d bytes%s", e.Limit, last(e.Tail))
}

// GuestError is an error of the guest's init.
type GuestError struct{ Text string }

func (e *GuestError) Error() string { return "guest: " + e.Text }

// QEMUError is a failure of QEMU itself: it is missing, refused its arguments, or was
// killed. It says nothing about the guest.
type QEMUError struct {
	// Path is the program.
	Path string
	// Stderr is its standard error, clipped.
	Stderr string
	// Err is the cause.
	Err error
}

func (e *QEMUError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Path, e.Err)
	if s := strings.TrimSpace(e.Stderr); s != "" {
		text += ": " + strings.ReplaceAll(s, "\n", "; ")
	}
	return text
}

func (e *QEMUError) Unwrap() error { return e.Err }

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// last renders the last line of a console.
func last(tail []string) string {
	for i := len(tail) - 1; i >= 0; i-- {
		if s := strings.TrimSpace(tail[i]); s != "" {
			return fmt.Sprintf("; console ends: %q", s)
		}
	}
	return "; the console is empty"
}
