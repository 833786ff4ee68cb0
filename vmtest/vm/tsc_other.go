// SPDX-License-Identifier: GPL-2.0-only OR MIT

//go:build !amd64

package vm

import "time"

// tscSample has nothing to hold here: the emulated counter is made from the
// clock.
type tscSample struct {
	tsc uint64
	at  time.Time
}

func hasSteadyTSC() bool { return false }

func sampleTSC() tscSample { return tscSample{} }
