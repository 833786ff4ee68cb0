// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// sampleEvery is the minimum interval between reads of /proc.
const sampleEvery = 200 * time.Millisecond

// slowest is the maximum factor between the wall clock and the guest's clock. It limits
// every run.
const slowest = 20

// guestClock counts the time in which QEMU had a CPU or did not want one. Timeouts use
// it, so that a busy host does not make a guest look dead.
type guestClock struct {
	// delay returns the time that QEMU has waited for a CPU so far.
	delay func() time.Duration

	waited  time.Duration
	sampled time.Duration
}

// now returns the time of the clock when wall has passed since the start of QEMU. It
// never decreases.
func (c *guestClock) now(wall time.Duration) time.Duration {
	if wall-c.sampled >= sampleEvery {
		// An unknown delay counts as 0.
		waited := max(c.waited, min(c.delay(), wall-wall/slowest))
		// A sample is late by the time that it takes.
		c.waited = min(waited, c.waited+wall-c.sampled)
		c.sampled = wall
	}
	return wall - c.waited
}

// runDelay returns the longest time that a thread of the process has waited for a CPU,
// from /proc/PID/task/TID/schedstat. It is 0 if the kernel does not count it
// (CONFIG_SCHED_INFO).
func runDelay(pid int) (longest time.Duration) {
	threads, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/schedstat"))
	for _, path := range threads {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		fields := bytes.Fields(data)
		if len(fields) < 2 {
			continue
		}
		if ns, err := strconv.ParseInt(string(fields[1]), 10, 64); err == nil {
			longest = max(longest, time.Duration(ns))
		}
	}
	return longest
}
