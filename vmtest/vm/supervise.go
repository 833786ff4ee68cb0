// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"xpsgen/vmtest/guest/wire"
)

// offTime limits the time from the kernel's last line to the end of QEMU.
const offTime = 200 * time.Millisecond

// errExited is the reason of a run that ended because QEMU ended.
var errExited = errors.New("qemu ended")

// supervise watches the guest until there is a reason to end the run.
func (r *Running) supervise(ctx context.Context) error {
	poll := time.NewTimer(0)
	defer poll.Stop()
	clock := guestClock{delay: func() time.Duration { return runDelay(r.proc.cmd.Process.Pid) }}
	var exitAt time.Duration // when the guest said it was done
	said := false            // Bye was sent
	var oopsAt time.Duration // when its kernel was first seen to have oopsed
	var active, activeAt time.Duration
	var seen, seenAt time.Duration // the last sign of life
	var offAt time.Duration        // when the kernel said that it stops
	for {
		r.mu.Lock()
		exit, hello := r.exit, r.hello
		r.mu.Unlock()
		// All times below are of the guest's clock.
		now := clock.now(time.Since(r.start))
		if last := time.Duration(r.activity.Load()); last != active {
			active, activeAt = last, now
		}
		wrong, off := r.console.gone()
		if oopsAt == 0 && wrong != "" {
			oopsAt = now
		}
		if off != "" && off != restarting && offAt == 0 {
			offAt = now
		}
		if offAt > 0 && now-offAt > offTime {
			// It has announced its stop and cannot power off.
			return errExited
		}
		if alive := time.Duration(r.alive.Load()); alive != seen {
			seen, seenAt = alive, now
		}
		if exit != nil {
			if exitAt == 0 {
				exitAt = now
			}
			if !said && r.complete(exit) {
				said = true
				r.send(wire.Message{Bye: true})
			}
			// NB: the verdict reports missing results.
			if r.limits.Drain > 0 && now-exitAt > r.limits.Drain {
				return nil
			}
		} else if err := r.overdue(now, activeAt, seenAt, oopsAt, hello != nil); err != nil {
			return err
		}
		poll.Reset(r.nextLook(now, activeAt, seenAt, oopsAt, exit != nil || offAt > 0))
		select {
		case <-ctx.Done():
			return fmt.Errorf("vm: %w", context.Cause(ctx))
		case err := <-r.stop:
			return err
		case <-r.proc.done:
			// The guest's last bytes may still be in the sockets.
			return errExited
		case <-r.moved:
		case <-poll.C:
		}
	}
}

// complete reports whether all that the guest sent has arrived.
func (r *Running) complete(e *wire.Exit) bool {
	for name, sent := range e.Sent {
		if c := r.counts[name]; c == nil || c.Load() < sent {
			return false
		}
	}
	return true
}

// overdue returns the error of a guest that exceeds a timeout. oopsAt is 0 if its
// kernel has not oopsed.
func (r *Running) overdue(now, activeAt, seenAt, oopsAt time.Duration, hello bool) error {
	idle := now - activeAt
	l := r.limits
	switch {
	case !hello && l.Boot > 0 && now > l.Boot:
		return &BootError{After: l.Boot, CPUs: r.inspect(), Host: r.host(), Tail: r.console.last()}
	case l.Whole > 0 && now > l.Whole:
		return &HangError{After: l.Whole, CPUs: r.inspect(), Host: r.host(), Tail: r.console.last()}
	case oopsAt > 0 && l.Oops > 0 && now-oopsAt > l.Oops:
		wrong, _ := r.console.gone()
		return &OopsError{What: wrong, After: l.Oops, CPUs: r.inspect(), Host: r.host(), Tail: r.console.last()}
	case hello && l.Alive > 0 && now-seenAt > l.Alive:
		return &HangError{Dead: true, After: l.Alive, CPUs: r.inspect(), Host: r.host(), Tail: r.console.last()}
	case hello && l.Idle > 0 && idle > l.Idle:
		return &HangError{Idle: true, After: l.Idle, CPUs: r.inspect(), Host: r.host(), Tail: r.console.last()}
	}
	return nil
}

// host returns the CPU time that the host gave QEMU so far.
func (r *Running) host() HostState { return hostState(r.proc.cmd.Process.Pid, r.start) }

// nextLook returns when the next timeout may be reached.
func (r *Running) nextLook(now, activeAt, seenAt, oopsAt time.Duration, exited bool) time.Duration {
	next := time.Hour
	consider := func(limit, since time.Duration) {
		if limit > 0 {
			// The guest's clock is never faster than the wall clock.
			next = min(next, max(limit+since-now, 0)+time.Millisecond)
		}
	}
	if exited {
		return 100 * time.Millisecond
	}
	consider(r.limits.Boot, 0)
	consider(r.limits.Whole, 0)
	if oopsAt > 0 {
		consider(r.limits.Oops, oopsAt)
	}
	consider(r.limits.Idle, activeAt)
	consider(r.limits.Alive, seenAt)
	return next
}
