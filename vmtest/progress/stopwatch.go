// SPDX-License-Identifier: GPL-2.0-only OR MIT

package progress

import (
	"slices"
	"sync"
	"time"
)

// StepTime is the duration of one step.
type StepTime struct {
	Step    string        `json:"step"`
	Elapsed time.Duration `json:"elapsed_ns"`
	// Cached says that the step found its result in the cache.
	Cached bool `json:"cached,omitempty"`
}

// Stopwatch records how long each step takes and passes the events on. Several goroutines
// may use it.
type Stopwatch struct {
	next  Func
	mu    sync.Mutex
	steps []StepTime
}

// NewStopwatch returns a stopwatch that passes events on to next. next may be nil.
func NewStopwatch(next Func) *Stopwatch { return &Stopwatch{next: next} }

// Event is a [Func].
func (w *Stopwatch) Event(e Event) {
	switch e.State {
	case Finished:
		w.add(StepTime{Step: e.Step, Elapsed: e.Elapsed})
	case Cached:
		w.add(StepTime{Step: e.Step, Cached: true})
	}
	w.next.Emit(e)
}

// Steps returns the steps that have ended.
func (w *Stopwatch) Steps() []StepTime {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.steps)
}

func (w *Stopwatch) add(t StepTime) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, t)
}
