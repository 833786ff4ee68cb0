// SPDX-License-Identifier: GPL-2.0-only OR MIT

package wire

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxMessage limits the length of a line on the control port, in bytes.
const maxMessage = 1 << 20

// AliveEvery is the interval of heartbeats.
const AliveEvery = 2 * time.Second

// Message is one line on the control port. Exactly one field is set.
type Message struct {
	// Hello is the first message of the guest.
	Hello *Hello `json:"hello,omitempty"`
	// Exit is the last message of the guest, except heartbeats. The host answers it with
	// Bye when it has received everything.
	Exit *Exit `json:"exit,omitempty"`
	// Alive is the heartbeat of a guest with Config.Heartbeat, sent every
	// [AliveEvery].
	Alive bool `json:"alive,omitempty"`
	// Notice is a message for the user.
	Notice string `json:"notice,omitempty"`
	// Window tells the guest the size of the host's terminal.
	Window *Window `json:"window,omitempty"`
	// Signal asks the guest to send this signal to the program it runs.
	Signal int `json:"signal,omitempty"`
	// InputEnd tells the guest that the input on the terminal ends after this many bytes.
	InputEnd *int64 `json:"inputEnd,omitempty"`
	// Bye tells the guest that the host has received everything, and ends the guest.
	Bye bool `json:"bye,omitempty"`
}

// Hello reports that the guest is alive, and describes it.
type Hello struct {
	// Release is the kernel release, as uname -r prints it.
	Release string `json:"release"`
	// Machine is the architecture, as uname -m prints it.
	Machine string `json:"machine"`
	// CPUs is the number of online CPUs.
	CPUs int `json:"cpus"`
	// UptimeSeconds is the kernel's uptime.
	UptimeSeconds float64 `json:"uptimeSeconds"`
}

// Exit reports how the guest's work ended.
type Exit struct {
	// Code is the exit status of the program of ModeRun and ModeShell; 128+n if
	// signal n ended it. For the suite it is the number of failed tests.
	Code int `json:"code"`
	// Error is set if the guest could not do its work. A failed test or program does
	// not set it.
	Error string `json:"error,omitempty"`
	// Leaks is the number of leaked kernel objects. It is nil if kmemleak did not
	// run, as on a kernel without it.
	Leaks *int `json:"leaks,omitempty"`
	// Sent counts the bytes written to each port. The host uses it to know when it
	// has read everything.
	Sent map[string]int64 `json:"sent,omitempty"`
}

// Window is the size of a terminal in characters.
type Window struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

// Send writes m as one line, in one Write.
func Send(w io.Writer, m Message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("control message: %w", err)
	}
	if _, err := w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("control message: %w", err)
	}
	return nil
}

// Receiver reads messages.
type Receiver struct{ s *bufio.Scanner }

// NewReceiver returns a Receiver that reads from r.
func NewReceiver(r io.Reader) *Receiver {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), maxMessage)
	return &Receiver{s: s}
}

// Next returns the next message. The error is io.EOF when there are no more.
func (r *Receiver) Next() (Message, error) {
	var m Message
	if !r.s.Scan() {
		err := r.s.Err()
		switch {
		case err == nil:
			return m, io.EOF
		case errors.Is(err, bufio.ErrTooLong):
			return m, fmt.Errorf("control message: longer than %d bytes", maxMessage)
		}
		return m, fmt.Errorf("control message: %w", err)
	}
	if err := json.Unmarshal(r.s.Bytes(), &m); err != nil {
		return Message{}, fmt.Errorf("control message %q: %w", clip(r.s.Text()), err)
	}
	return m, nil
}

func clip(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
