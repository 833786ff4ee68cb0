// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrKVMUnusable is wrapped by the error of a Machine that was told to use KVM
// on a host where that does not work.
var ErrKVMUnusable = errors.New("kvm is not usable on this host")

// CPUState is where a vCPU stood when a guest was given up.
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

// BootError is a guest that never said hello.
type BootError struct {
	// After is how long was waited for it.
	After time.Duration
	// Exited is set if QEMU ended by itself, before After was a timeout.
	Exited bool
	// CPUs are where its vCPUs stood, if they could be asked.
	CPUs []CPUState
	// Host is what QEMU was given to run with.
	Host HostState
	// Tail is the end of the console.
	Tail []string
}

func (e *BootError) Error() string {
	if e.Exited {
		return fmt.Sprintf("guest did not boot: the machine stopped after %s without a word from init%s", round(e.After), last(e.Tail))
	}
	return fmt.Sprintf("guest did not boot: no word from init within %s%s%s%s", round(e.After), states(e.CPUs), e.Host, last(e.Tail))
}

// HangError is a guest that said hello and then did not come to an end.
type HangError struct {
	// Idle is set if the guest was silent for After, Dead if its init was, too;
	// else After is what the whole run took.
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

// OopsError is a guest that did not come to an end after its kernel oopsed, or
// complained of a CPU or a task that does not get on.
type OopsError struct {
	// What is what the kernel did: "oopsed".
	What string
	// After is how long was waited for it from then on.
	After time.Duration
	CPUs  []CPUState
	Host  HostState
	Tail  []string
}

func (e *OopsError) Error() string {
	return fmt.Sprintf("guest %s and is not done %s later%s%s%s", e.What, round(e.After), states(e.CPUs), e.Host, last(e.Tail))
}

// PanicError is a guest whose kernel panicked.
type PanicError struct {
	// Reason is what the kernel gave as such.
	Reason string
	// Tail is the end of the console.
	Tail []string
}

func (e *PanicError) Error() string { return "kernel panic: " + e.Reason }

// EarlyExitError is a machine that stopped before the guest said it was done,
// without a panic.
type EarlyExitError struct {
	// How says what the machine did: "powered off".
	How   string
	After time.Duration
	Tail  []string
}

func (e *EarlyExitError) Error() string {
	return fmt.Sprintf("guest stopped early: the machine %s after %s, before init said it was done%s", e.How, round(e.After), last(e.Tail))
}

// LostResultsError is a guest that sent more than arrived.
type LostResultsError struct {
	// Port is the port concerned.
	Port string
	// Sent and Received count bytes.
	Sent, Received int64
}

func (e *LostResultsError) Error() string {
	return fmt.Sprintf("results were lost: the guest sent %d bytes on %s, %d arrived", e.Sent, e.Port, e.Received)
}

// ConsoleFloodError is a guest that was stopped because its console would not.
type ConsoleFloodError struct {
	// Limit is what the console may say, in bytes.
	Limit int64
	Tail  []string
}

func (e *ConsoleFloodError) Error() string {
	return fmt.Sprintf("guest floods its console: more than %d bytes%s", e.Limit, last(e.Tail))
}

// GuestError is what the guest's init says it could not do.
type GuestError struct{ Text string }

func (e *GuestError) Error() string { return "guest: " + e.Text }

// QEMUError is QEMU itself failing: it is missing, refused its arguments, or
// was killed. It says nothing about the guest.
type QEMUError struct {
	// Path is the program.
	Path string
	// Stderr is what it said, clipped.
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
