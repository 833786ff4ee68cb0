// SPDX-License-Identifier: GPL-2.0-only OR MIT

package pong

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Tap is a tap device. A host answers the packets of its queues.
type Tap struct {
	// Name is the name of the network device.
	Name string

	host    Host
	queues  []*os.File
	replyOn atomic.Int64
	busy    atomic.Int64
	readers sync.WaitGroup

	mu   sync.Mutex
	seen []Frame
	err  error
}

// Frame is a frame that the device sent.
type Frame struct {
	// Queue is the index of the file descriptor that it was read from.
	Queue int
	// Data is the frame with its Ethernet header.
	Data []byte
}

// SameQueue makes [Tap.ReplyOn] answer on the queue of the request.
const SameQueue = -1

// OpenTap creates a tap device with the given number of queues in the network namespace
// of the calling thread, and starts answering. Close removes the device.
func OpenTap(name string, queues int, host Host) (*Tap, error) {
	tap := &Tap{Name: name, host: host}
	tap.ReplyOn(SameQueue)
	for range queues {
		f, err := openQueue(name)
		if err != nil {
			tap.closeQueues()
			return nil, err
		}
		tap.queues = append(tap.queues, f)
	}
	for i := range tap.queues {
		tap.readers.Go(func() { tap.answer(i) })
	}
	return tap, nil
}

// openQueue attaches a queue to the device. The first call creates the device.
func openQueue(name string) (*os.File, error) {
	const flags = unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_MULTI_QUEUE
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("tap %q: %w", name, err)
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("tap %q: TUNSETIFF: %w", name, err)
	}
	// Create the file only now: the descriptor is pollable after TUNSETIFF.
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

// Queue returns the file of a queue, for ioctls. The Tap keeps ownership.
func (t *Tap) Queue(i int) *os.File { return t.queues[i] }

// ReplyOn selects the queue of replies; [SameQueue] is that of the request. The tun driver
// sends a flow to the queue that its last packet came from.
func (t *Tap) ReplyOn(queue int) { t.replyOn.Store(int64(queue)) }

// answer serves one queue until it is closed.
func (t *Tap) answer(queue int) {
	const biggestFrame = 65536
	buf := make([]byte, biggestFrame)
	for {
		n, err := t.queues[queue].Read(buf)
		if err != nil {
			// A queue of a deleted device returns EBADFD.
			if !errors.Is(err, os.ErrClosed) && !errors.Is(err, io.EOF) && !errors.Is(err, unix.EBADFD) {
				t.fail(fmt.Errorf("tap %s queue %d: %w", t.Name, queue, err))
			}
			return
		}
		t.busy.Add(1)
		t.take(queue, append([]byte(nil), buf[:n]...))
		t.busy.Add(-1)
	}
}

// take records a frame and answers it.
func (t *Tap) take(queue int, frame []byte) {
	t.mu.Lock()
	t.seen = append(t.seen, Frame{Queue: queue, Data: frame})
	t.mu.Unlock()
	reply := t.host.Reply(frame)
	if reply == nil {
		return
	}
	out := queue
	if q := int(t.replyOn.Load()); q != SameQueue {
		out = q
	}
	if _, err := t.queues[out].Write(reply); err != nil {
		t.fail(fmt.Errorf("tap %s queue %d: reply: %w", t.Name, out, err))
	}
}

// Idle reports whether all answers have been written. The stack receives an answer during
// the write. Only after that does the driver record the queue it came from.
func (t *Tap) Idle() bool { return t.busy.Load() == 0 }

func (t *Tap) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = errors.Join(t.err, err)
}

// Drain returns the frames that the device sent since the last call.
func (t *Tap) Drain() []Frame {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := t.seen
	t.seen = nil
	return seen
}

// Close removes the device, waits for the readers and returns their errors.
func (t *Tap) Close() error {
	t.closeQueues()
	t.readers.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *Tap) closeQueues() {
	for _, q := range t.queues {
		q.Close()
	}
}
