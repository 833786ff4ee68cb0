// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	// leakMark begins the kernel's report of one object.
	leakMark = "unreferenced object 0x"
	// maxLeakText is how much of the report is shown, in bytes.
	maxLeakText = 64 << 10
)

// leakDetector runs kmemleak.
type leakDetector struct {
	// control is the file for commands, report the file with the result. In the
	// kernel both are the same.
	control, report string
	// settle is the time between the two scans. kmemleak ignores objects younger than
	// 5 seconds.
	settle time.Duration
}

var kmemleak = leakDetector{
	control: "/sys/kernel/debug/kmemleak", report: "/sys/kernel/debug/kmemleak", settle: 5500 * time.Millisecond,
}

// scan scans twice: an object counts if it is unreferenced and unchanged in both scans.
// It copies kmemleak's report to w and returns the number of objects.
func (d leakDetector) scan(w io.Writer) (n int, err error) {
	for i := range 2 {
		if i > 0 {
			time.Sleep(d.settle)
		}
		if err := os.WriteFile(d.control, []byte("scan"), 0); err != nil {
			return 0, fmt.Errorf("scan for leaks: %w", err)
		}
	}
	report, err := os.ReadFile(d.report)
	if err != nil {
		return 0, fmt.Errorf("scan for leaks: %w", err)
	}
	n = bytes.Count(report, []byte(leakMark))
	lines := bufio.NewScanner(bytes.NewReader(report[:min(len(report), maxLeakText)]))
	for lines.Scan() {
		if _, err := io.WriteString(w, strings.TrimRight(lines.Text(), " ")+"\n"); err != nil {
			return n, fmt.Errorf("report leaks: %w", err)
		}
	}
	return n, nil
}

// lookForLeaks writes kmemleak's report to the console, where the host looks for splats,
// and returns the number of leaked objects.
func lookForLeaks() (int, error) {
	console, err := os.OpenFile("/dev/console", os.O_WRONLY, 0)
	if err != nil {
		return 0, fmt.Errorf("scan for leaks: %w", err)
	}
	defer console.Close()
	return kmemleak.scan(console)
}

// quietFaults stops the kernel from logging a stack for each allocation that a test makes
// fail, because the log would look like a splat. Kernels without fault injection lack the
// file.
func quietFaults() {
	_ = os.WriteFile("/sys/kernel/debug/failslab/verbose", []byte("0"), 0)
}
