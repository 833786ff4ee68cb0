// SPDX-License-Identifier: GPL-2.0-only OR MIT

//go:build !amd64

package vm

import "time"

// tscSample is empty: the emulated counter is derived from the clock.
type tscSample struct {
	tsc uint64
	at  time.Time
}

func hasSteadyTSC() bool { return false }

func sampleTSC() tscSample { return tscSample{} }
