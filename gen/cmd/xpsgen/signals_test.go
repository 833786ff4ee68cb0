// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSignalsGoToTheProgramFirst sends this process signals while a guest is
// supposed to be up.
func TestSignalsGoToTheProgramFirst(t *testing.T) {
	ctx, s, stop := handleSignals(t.Context())
	defer stop()
	up := true
	taker, to := forward(func() bool { return up })
	release := s.take(taker)
	for _, sig := range []unix.Signal{unix.SIGQUIT, unix.SIGINT, unix.SIGQUIT} {
		if err := unix.Kill(unix.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		if got := <-to; got != int(sig) {
			t.Errorf("the program got %d, want %v", got, sig)
		}
	}
	if ctx.Err() != nil {
		t.Fatalf("the guest was ended: %v", context.Cause(ctx))
	}
	if err := unix.Kill(unix.Getpid(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	var sig *signalError
	if cause := context.Cause(ctx); !errors.As(cause, &sig) || sig.signal != unix.SIGTERM || exitCode(ctx, cause) != 143 {
		t.Errorf("ended by %v", cause)
	}
	release()
}

// TestSignalBeforeTheGuest: while the kernel is built, a signal ends the command.
func TestSignalBeforeTheGuest(t *testing.T) {
	ctx, s, stop := handleSignals(t.Context())
	defer stop()
	taker, _ := forward(func() bool { return false })
	defer s.take(taker)()
	if err := unix.Kill(unix.Getpid(), unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if code := exitCode(ctx, context.Cause(ctx)); code != 130 {
		t.Errorf("code %d", code)
	}
}
