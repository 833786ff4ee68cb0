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

// HostState is the CPU time that the host gave QEMU until the guest was stopped. It
// distinguishes a guest that hangs from one that did not get a CPU.
type HostState struct {
	// CPU is the CPU time of QEMU's threads. Wall is the time that passed.
	CPU, Wall time.Duration
	// Threads has one letter per thread, its state in /proc. R is running or runnable.
	Threads string
	// Load is the host's load average over one minute.
	Load string
}

func (s HostState) String() string {
	if s.Wall == 0 {
		return ""
	}
	return fmt.Sprintf("; qemu (%s) got %s of CPU in %s, load %s", s.Threads, round(s.CPU), round(s.Wall), s.Load)
}

// clockTick is the unit of CPU times in /proc on all architectures.
const clockTick = 10 * time.Millisecond

// hostState returns the state of process pid, started at start. It returns the
// zero value if /proc cannot be read.
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
	// The fields follow the last ")". The name of the process, in parentheses, may contain any
	// character.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const utime, stime = 14 - 3, 15 - 3 // proc(5) counts from 1; two fields were cut off
	if len(fields) <= stime {
		return "", 0, false
	}
	u, err1 := strconv.ParseInt(fields[utime], 10, 64)
	s, err2 := strconv.ParseInt(fields[stime], 10, 64)
	return fields[0], time.Duration(u+s) * clockTick, err1 == nil && err2 == nil
}
