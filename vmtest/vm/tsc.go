// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"fmt"
	"time"
)

// tscInterval is how far apart two samples must be to tell the counter's
// speed to a few parts in a hundred thousand.
const tscInterval = 10 * time.Millisecond

// tscMeter measures the speed of the host's time stamp counter, which is that
// of a guest under TCG. A guest left to measure it against an emulated timer
// gets it wrong on a busy host, or gives up and falls back to a clock that
// counts ticks, and loses some.
type tscMeter struct {
	first  tscSample
	steady bool
}

func startTSC() tscMeter {
	m := tscMeter{steady: hasSteadyTSC()}
	m.first = sampleTSC()
	return m
}

// kernelArg returns what to tell the kernel, or nil if nothing is known. It
// waits until enough time has gone by since the start.
func (m tscMeter) kernelArg() []string {
	if !m.steady {
		return nil
	}
	time.Sleep(tscInterval - time.Since(m.first.at))
	last := sampleTSC()
	elapsed := last.at.Sub(m.first.at)
	if elapsed <= 0 || last.tsc <= m.first.tsc {
		return nil
	}
	khz := float64(last.tsc-m.first.tsc) / float64(elapsed) * 1e6
	return []string{fmt.Sprintf("tsc_early_khz=%d", int64(khz+0.5))}
}
