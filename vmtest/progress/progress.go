// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package progress carries events about long work from the engine to the command. The
// engine emits events and never prints. Only the command knows the terminal.
package progress

import (
	"context"
	"errors"
	"time"
)

// State is the kind of an [Event].
type State int

const (
	// Started: the step begins. Text may describe the work.
	Started State = iota
	// Advanced: Done (of Total) units are finished.
	Advanced
	// Finished: the step succeeded; Elapsed is set.
	Finished
	// Cached: the step found its result in the cache; Text names it.
	Cached
	// Stopped: the step was interrupted, or cancelled because another one failed.
	Stopped
	// Failed: the step failed. The error itself is returned as a Go error.
	Failed
	// Notice: a message for the user that belongs to no step.
	Notice
	// Waiting: the step waits for another run; Text names it.
	Waiting
)

// Event reports something about one step.
type Event struct {
	// Step is a short lower-case name: "fetch linux 6.12", "build kernel".
	Step string
	// State is the kind of the event.
	State State
	// Text is one line of detail, without a final newline. May be empty.
	Text string
	// Done and Total count Unit. Total 0 means unknown.
	Done, Total int64
	// Unit is the unit of Done: "objects", "bytes", "files".
	Unit string
	// Elapsed is the step's duration so far.
	Elapsed time.Duration
	// Log is the path of the step's full log, if it keeps one.
	Log string
}

// Func receives events. It must be safe for concurrent use and must not
// block. A nil Func is silent: call [Func.Emit].
type Func func(Event)

// Emit sends e to f, or drops it when f is nil.
func (f Func) Emit(e Event) {
	if f != nil {
		f(e)
	}
}

// Notice returns a function that emits a Notice with the given step name.
func (f Func) Notice(step string) func(text string) {
	return func(text string) { f.Emit(Event{Step: step, State: Notice, Text: text}) }
}

// Step emits Started and returns a function that ends the step. The state is Finished if
// *err is nil, Stopped if a context was cancelled, otherwise Failed. Use as
//
//	defer p.Step("build kernel", "812 objects")(&err)
func (f Func) Step(name, text string) func(err *error) {
	start := time.Now()
	f.Emit(Event{Step: name, State: Started, Text: text})
	return func(err *error) {
		state := Finished
		switch {
		case err == nil || *err == nil:
		case errors.Is(*err, context.Canceled):
			state = Stopped
		default:
			state = Failed
		}
		f.Emit(Event{Step: name, State: state, Elapsed: time.Since(start)})
	}
}
