// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// HostState is what the host let QEMU do until a guest was given up. It tells a
// guest that hangs from one that was not given a CPU.
type HostState struct {
	// CPU is how long QEMU's threads ran, Wall the time in which they did.
	CPU, Wall time.Duration
	// Threads are their states as in /proc, a letter each: R for one that runs
	// or would like to.
	Threads string
	// Load is the host's load average of the last minute.
	Load string
}

func (s HostState) String() string {
	if s.Wall == 0 {
		return ""
	}
	return fmt.Sprintf("; qemu (%s) got %s of CPU in %s, load %s", s.Threads, round(s.CPU), round(s.Wall), s.Load)
}

// clockTick is what /proc counts CPU time in, on all of Linux's architectures.
const clockTick = 10 * time.Millisecond

// hostState looks at process pid, started at start. Nothing comes of it if
// /proc does not answer.
func hostState(pid int, start time.Time) HostState {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	_, cpu, ok := readStat(filepath.Join(proc, "stat"))
	if !ok {
		return HostState{}
	}
	s := HostState{CPU: cpu, Wall: time.Since(start)}
	threads, _ := filepath.Glob(filepath.Join(proc, "task/*/stat"))
	for _, path := range threads {
		if state, _, ok := readStat(path); ok {
			s.Threads += state
		}
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return HostState{}
	}
	s.Load, _, _ = strings.Cut(string(load), " ")
	return s
}

// readStat reads the state and the CPU time of a process or thread.
func readStat(path string) (state string, cpu time.Duration, ok bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", 0, false
	}
	// The name before it may have anything in it.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const utime, stime = 14 - 3, 15 - 3 // proc(5) counts from 1, and what was cut are 2
	if len(fields) <= stime {
		return "", 0, false
	}
	u, err1 := strconv.ParseInt(fields[utime], 10, 64)
	s, err2 := strconv.ParseInt(fields[stime], 10, 64)
	return fields[0], time.Duration(u+s) * clockTick, err1 == nil && err2 == nil
}
