// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"io"
	"sync"
	"time"

	"xpsgen/vmtest/guest/wire"
)

// byeTimeout is how long the host may take to have read everything.
const byeTimeout = 10 * time.Second

// inbox is what the host says on the control port.
type inbox struct {
	bye chan struct{}

	mu       sync.Mutex
	onWindow func(wire.Window)
	onSignal func(int)
}

func listen(r io.Reader) *inbox {
	in := &inbox{bye: make(chan struct{})}
	go in.read(wire.NewReceiver(r))
	return in
}

func (in *inbox) read(r *wire.Receiver) {
	defer close(in.bye)
	for {
		m, err := r.Next()
		if err != nil || m.Bye {
			return
		}
		in.mu.Lock()
		window, signal := in.onWindow, in.onSignal
		in.mu.Unlock()
		if m.Window != nil && window != nil {
			window(*m.Window)
		}
		if m.Signal != 0 && signal != nil {
			signal(m.Signal)
		}
	}
}

// handle says who is to hear of window sizes and signals. Either may be nil.
func (in *inbox) handle(window func(wire.Window), signal func(int)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.onWindow, in.onSignal = window, signal
}

func (in *inbox) waitBye(scale float64) {
	select {
	case <-in.bye:
	case <-time.After(time.Duration(float64(byeTimeout) * scale)):
	}
}
