// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// sampleEvery is how often /proc is asked at most.
const sampleEvery = 200 * time.Millisecond

// slowest is how many times slower than the wall clock a guest's may be. It bounds
// every run.
const slowest = 20

// guestClock counts the time in which QEMU had a CPU or wanted none. Limits are
// held against it, so that a guest is not taken for dead that a busy host does not
// let run.
type guestClock struct {
	// delay returns for how long QEMU has waited for a CPU so far.
	delay func() time.Duration

	waited  time.Duration
	sampled time.Duration
}

// now returns what the clock shows when wall has passed since the start of QEMU.
// It never goes back.
func (c *guestClock) now(wall time.Duration) time.Duration {
	if wall-c.sampled >= sampleEvery {
		// What is not known counts as no wait.
		waited := max(c.waited, min(c.delay(), wall-wall/slowest))
		// A sample is late by what it takes to make it.
		c.waited = min(waited, c.waited+wall-c.sampled)
		c.sampled = wall
	}
	return wall - c.waited
}

// runDelay returns how long the threads of a process have waited for a CPU: that
// of the thread that waited longest, from /proc/PID/task/TID/schedstat. It is 0 if
// the kernel does not count (CONFIG_SCHED_INFO).
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
