// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// now returns the guest's clock in nanoseconds. If QEMU counts instructions, one
// nanosecond is one instruction.
func now() int64 {
	var ts unix.Timespec
	// The call cannot fail: every kernel has this clock.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &ts)
	return ts.Nano()
}

// interrupts counts the interrupts of the only CPU since boot.
type interrupts struct {
	file *os.File
	buf  []byte
}

func openInterrupts() (*interrupts, error) {
	f, err := os.Open("/proc/interrupts")
	if err != nil {
		return nil, fmt.Errorf("count interrupts: %w", err)
	}
	return &interrupts{file: f, buf: make([]byte, 16<<10)}, nil
}

// count sums all lines of /proc/interrupts: the lines of the local timer and of devices.
func (i *interrupts) count() (int64, error) {
	n, err := i.file.ReadAt(i.buf, 0)
	if n == 0 {
		return 0, fmt.Errorf("count interrupts: %w", err)
	}
	var sum int64
	for line := range bytes.Lines(i.buf[:n]) {
		fields := bytes.Fields(line)
		if len(fields) < 2 || !bytes.HasSuffix(fields[0], []byte(":")) {
			continue
		}
		if v, err := strconv.ParseInt(string(fields[1]), 10, 64); err == nil {
			sum += v
		}
	}
	return sum, nil
}

// round is one measured round.
type round struct {
	perOp       float64
	interrupted bool
}

// measure runs f, which performs ops operations, and counts instructions.
func (i *interrupts) measure(ops int, f func() error) (round, error) {
	before, err := i.count()
	if err != nil {
		return round{}, err
	}
	start := now()
	if err := f(); err != nil {
		return round{}, err
	}
	elapsed := now() - start
	after, err := i.count()
	if err != nil {
		return round{}, err
	}
	return round{perOp: float64(elapsed) / float64(ops), interrupted: after != before}, nil
}
