// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"os"
	"testing"
	"time"
)

func TestGuestClock(t *testing.T) {
	var waited time.Duration
	c := guestClock{delay: func() time.Duration { return waited }}
	const s = time.Second
	for _, step := range []struct{ wall, waited, want time.Duration }{
		{0, 0, 0},
		{1 * s, 0, 1 * s},
		{3 * s, 1 * s, 2 * s},
		{3*s + sampleEvery/2, 9 * s, 2*s + sampleEvery/2}, // too soon to look again
		{4 * s, 9 * s, 2 * s},                             // it cannot have waited for longer than there was
		{5 * s, 1 * s, 3 * s},                             // the thread that waited has ended
		{6 * s, 1 * s, 4 * s},
		{106 * s, 200 * s, 106 * s / slowest},
	} {
		waited = step.waited
		if got := c.now(step.wall); got != step.want {
			t.Errorf("after %v, waited %v: %v, want %v", step.wall, step.waited, got, step.want)
		}
	}
}

func TestRunDelay(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Logf("not counted here: %v", err)
		return
	}
	// A running thread has waited at least for a moment before.
	if d := runDelay(os.Getpid()); d <= 0 || d > time.Hour {
		t.Errorf("this process has waited %v", d)
	}
	if d := runDelay(1 << 30); d != 0 {
		t.Errorf("a process that is not there has waited %v", d)
	}
}
