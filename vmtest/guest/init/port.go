// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const portClass = "/sys/class/virtio-ports"

// portTimeout is how long a port may take to appear.
const portTimeout = 5 * time.Second

// port is an open virtio-serial port.
//
// It uses blocking system calls and never polls: the driver blocks a poll while another
// thread is blocked in a write.
type port struct {
	name string
	fd   int
	sent atomic.Int64
	// writing serialises the writes of two goroutines.
	writing sync.Mutex
}

// openPort waits for the port of that name to appear and opens it.
func openPort(name string, scale float64) (*port, error) {
	deadline := time.Now().Add(time.Duration(float64(portTimeout) * scale))
	for delay := 200 * time.Microsecond; ; delay = min(2*delay, 10*time.Millisecond) {
		if dev := findPort(name); dev != "" {
			return openDevice(name, dev)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("port %s: did not appear within %v", name, time.Duration(float64(portTimeout)*scale))
		}
		time.Sleep(delay)
	}
}

// findPort returns the device of a port, or "".
func findPort(name string) string {
	// The class directory appears with its first device.
	entries, err := os.ReadDir(portClass)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		b, err := os.ReadFile(portClass + "/" + e.Name() + "/name")
		if err == nil && strings.TrimSpace(string(b)) == name {
			return "/dev/" + e.Name()
		}
	}
	return ""
}

func openDevice(name, dev string) (*port, error) {
	for {
		fd, err := unix.Open(dev, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("port %s: %w", name, &os.PathError{Op: "open", Path: dev, Err: err})
		}
		return &port{name: name, fd: fd}, nil
	}
}

// Read returns io.EOF after the host has closed its side.
func (p *port) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(p.fd, b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, fmt.Errorf("port %s: read: %w", p.name, err)
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Write returns after QEMU has taken all of b.
func (p *port) Write(b []byte) (int, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	done := 0
	for done < len(b) {
		n, err := unix.Write(p.fd, b[done:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return done, fmt.Errorf("port %s: write: %w", p.name, err)
		}
		done += n
		p.sent.Add(int64(n))
	}
	return done, nil
}
