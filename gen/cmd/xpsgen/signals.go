// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// signalError is the cause of a context that a signal cancelled.
type signalError struct{ signal unix.Signal }

func (e *signalError) Error() string {
	switch e.signal {
	case unix.SIGINT:
		return "interrupted (SIGINT)"
	case unix.SIGTERM:
		return "terminated (SIGTERM)"
	}
	return "ended by " + unix.SignalName(e.signal)
}

// signals handles signals to this process. A signal that the taker does not handle
// cancels the context, which ends all children and releases all locks. The next one
// ends the process at once.
type signals struct {
	incoming chan os.Signal
	cancel   context.CancelCauseFunc

	mu sync.Mutex
	// taker, if not nil, gets each signal. If it returns false, handle cancels the context.
	taker func(unix.Signal) bool
}

// handleSignals returns a context that a signal cancels. stop ends the handling of
// signals.
func handleSignals(parent context.Context) (ctx context.Context, s *signals, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	s = &signals{incoming: make(chan os.Signal, 8), cancel: cancel}
	signal.Notify(s.incoming, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case sig := <-s.incoming:
				s.handle(sig.(unix.Signal))
			}
		}
	}()
	return ctx, s, func() {
		signal.Stop(s.incoming)
		close(done)
		cancel(nil)
	}
}

func (s *signals) handle(sig unix.Signal) {
	s.mu.Lock()
	taker := s.taker
	s.mu.Unlock()
	if taker != nil && taker(sig) {
		return
	}
	s.cancel(&signalError{sig})
	// The next signal has its default action.
	signal.Reset(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
}

// take calls taker for each signal, including SIGQUIT, until the returned function is
// called. taker reports whether it handled the signal.
func (s *signals) take(taker func(unix.Signal) bool) (release func()) {
	s.mu.Lock()
	s.taker = taker
	s.mu.Unlock()
	signal.Notify(s.incoming, unix.SIGQUIT)
	return func() {
		signal.Reset(unix.SIGQUIT)
		s.mu.Lock()
		s.taker = nil
		s.mu.Unlock()
	}
}

// forward returns a taker for a guest that runs a program, and the channel with
// the signals for the program. When the guest is up, the first SIGINT or
// SIGTERM goes to the program. The second one, and SIGHUP, end the guest.
// SIGQUIT always goes to the program.
func forward(up func() bool) (taker func(unix.Signal) bool, to <-chan int) {
	out := make(chan int, 8)
	asked := false
	return func(sig unix.Signal) bool {
		switch {
		case !up():
			return false
		case sig == unix.SIGQUIT:
		case (sig == unix.SIGINT || sig == unix.SIGTERM) && !asked:
			asked = true
		default:
			return false
		}
		select {
		case out <- int(sig):
		default: // the guest does not listen
		}
		return true
	}, out
}
