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
	// maxLeakText bounds what is shown of the report.
	maxLeakText = 64 << 10
)

// leakDetector asks the kernel for memory that nothing refers to any more.
type leakDetector struct {
	// control is the file that takes orders, report the one that answers. They
	// are one.
	control, report string
	// settle is how old an object must be before it counts, for the kernel
	// does not look at younger ones.
	settle time.Duration
}

var kmemleak = leakDetector{
	control: "/sys/kernel/debug/kmemleak", report: "/sys/kernel/debug/kmemleak", settle: 5500 * time.Millisecond,
}

// scan looks twice: an object counts that has not changed between two looks.
// What was found goes to w as the kernel tells it; n is how many objects.
func (d leakDetector) scan(w io.Writer) (n int, err error) {
	for i := range 2 {
		if i > 0 {
			time.Sleep(d.settle)
		}
		if err := os.WriteFile(d.control, []byte("scan"), 0); err != nil {
			return 0, fmt.Errorf("look for leaks: %w", err)
		}
	}
	report, err := os.ReadFile(d.report)
	if err != nil {
		return 0, fmt.Errorf("look for leaks: %w", err)
	}
	n = bytes.Count(report, []byte(leakMark))
	lines := bufio.NewScanner(bytes.NewReader(report[:min(len(report), maxLeakText)]))
	for lines.Scan() {
		if _, err := io.WriteString(w, strings.TrimRight(lines.Text(), " ")+"\n"); err != nil {
			return n, fmt.Errorf("tell of leaks: %w", err)
		}
	}
	return n, nil
}

// lookForLeaks puts what kmemleak finds on the console, where the host looks
// for what the kernel complains of, and returns how many objects that is.
func lookForLeaks() (int, error) {
	console, err := os.OpenFile("/dev/console", os.O_WRONLY, 0)
	if err != nil {
		return 0, fmt.Errorf("look for leaks: %w", err)
	}
	defer console.Close()
	return kmemleak.scan(console)
}

// quietFaults keeps the kernel from showing where each allocation failed that
// a test made fail: that looks like a complaint. Kernels without the means to
// make one fail have no such file.
func quietFaults() {
	_ = os.WriteFile("/sys/kernel/debug/failslab/verbose", []byte("0"), 0)
}
