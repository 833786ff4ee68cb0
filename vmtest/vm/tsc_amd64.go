// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bytes"
	"os"
	"time"
)

// readTSC returns the time stamp counter.
func readTSC() uint64

// hasSteadyTSC reports whether the counter has a constant frequency.
func hasSteadyTSC() bool {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return false
	}
	_, flags, _ := bytes.Cut(b, []byte("\nflags"))
	flags, _, _ = bytes.Cut(flags, []byte("\n"))
	return bytes.Contains(flags, []byte(" constant_tsc ")) && bytes.Contains(flags, []byte(" nonstop_tsc "))
}

// tscSample is the counter and the clock at the same time.
type tscSample struct {
	tsc uint64
	at  time.Time
}

// sampleTSC reads both with as little delay between them as possible.
func sampleTSC() tscSample {
	var best tscSample
	closest := time.Hour
	for range 8 {
		before := time.Now()
		tsc := readTSC()
		after := time.Now()
		if d := after.Sub(before); d < closest {
			closest, best = d, tscSample{tsc: tsc, at: before.Add(d / 2)}
		}
	}
	return best
}
