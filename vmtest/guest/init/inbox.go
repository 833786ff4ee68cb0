// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"io"
	"sync"
	"time"

	"xpsgen/vmtest/guest/wire"
)

// byeTimeout is how long the host may take to read everything.
const byeTimeout = 10 * time.Second

// keepAlive sends heartbeats until the port fails.
func keepAlive(w io.Writer) {
	for wire.Send(w, wire.Message{Alive: true}) == nil {
		time.Sleep(wire.AliveEvery)
	}
}

// inbox holds messages from the host on the control port. It keeps them until a handler
// is set.
type inbox struct {
	bye chan struct{}

	mu      sync.Mutex
	handler func(wire.Message)
	early   []wire.Message
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
		if in.handler != nil {
			in.handler(m)
		} else {
			in.early = append(in.early, m)
		}
		in.mu.Unlock()
	}
}

// handle passes earlier and later messages to f. f is called for one message at a time
// and must not block.
func (in *inbox) handle(f func(wire.Message)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.handler = f
	for _, m := range in.early {
		f(m)
	}
	in.early = nil
}

func (in *inbox) waitBye(scale float64) {
	select {
	case <-in.bye:
	case <-time.After(time.Duration(float64(byeTimeout) * scale)):
	}
}
