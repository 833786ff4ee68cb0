// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"fmt"
	"time"
)

// tscInterval is the time between two samples that is needed to measure the counter's
// frequency to a few parts in 100,000.
const tscInterval = 10 * time.Millisecond

// tscMeter measures the frequency of the host's time stamp counter, which a guest under
// TCG shares. On a busy host, a guest that measures it against an emulated timer gets a
// wrong value. Or it falls back to a clock that counts ticks, and loses some.
type tscMeter struct {
	first  tscSample
	steady bool
}

func startTSC() tscMeter {
	m := tscMeter{steady: hasSteadyTSC()}
	m.first = sampleTSC()
	return m
}

// kernelArg returns the kernel argument with the frequency, or nil if it is unknown. It
// waits until tscInterval has passed since the start.
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
