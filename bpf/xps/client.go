// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/netlink"

	"xpsgen/uapi"
)

// DefaultTimeout is how long the kernel may take to answer, unless
// [Config.Timeout] says otherwise. It usually takes well under a millisecond, but
// has to wait for whoever else is changing network devices.
const DefaultTimeout = 30 * time.Second

// Config says how to talk to the kernel. The zero value means the defaults.
type Config struct {
	// NetNS is a file descriptor of the network namespace to work in. It is
	// needed during [Dial] and [Watch] only, and remains the caller's. 0
	// means the namespace of the calling thread.
	NetNS int

	// Timeout is how long one call may wait for the kernel. 0 means
	// [DefaultTimeout], a negative value means for ever. After a time-out a
	// change may yet be made.
	Timeout time.Duration

	// Warn, if not nil, is called for each warning the kernel gives with a
	// change that it made, by the goroutine that asked for the change and
	// before that call returns. It may use the Client.
	Warn func(Warning)
}

// Warning is what the kernel says when it made a change but doubts that it
// will do what is wanted: above all that the driver chooses queues by itself, so
// that the program never runs.
type Warning struct {
	// Op is the operation, "attach" or "detach".
	Op string
	// Ifindex is the device.
	Ifindex int
	// Message is what the kernel said.
	Message string
}

// Client attaches, detaches and asks. It is safe for use by several goroutines,
// whose calls are done one after the other.
type Client struct {
	timeout time.Duration
	warn    func(Warning)

	// mu is held from request to answer.
	mu   sync.Mutex
	conn conn

	// supported is set once an answer of the kernel has shown the hook. A
	// kernel does not lose it.
	supported atomic.Bool
}

// Dial opens a connection to the kernel. A nil cfg means the defaults. It does
// not tell whether the kernel has the hook; [Client.Supported] does. Close the
// Client after use.
func Dial(cfg *Config) (*Client, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	c, err := dial(cfg, 0)
	if err != nil {
		return nil, newError(opDial, 0, err)
	}
	return newClient(c, cfg), nil
}

// dial opens a socket with extended acknowledgements and strict checking: with
// neither would we know what the kernel makes of a request. Linux has both from
// 4.20.
func dial(cfg *Config, groups uint32) (*socket, error) {
	c, err := netlink.Dial(uapi.NETLINK_ROUTE, &netlink.Config{
		NetNS:  cfg.NetNS,
		Groups: groups,
		Strict: true,
	})
	if err != nil {
		return nil, err
	}
	return &socket{Conn: c}, nil
}

func newClient(c conn, cfg *Config) *Client {
	timeout := cfg.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &Client{timeout: timeout, warn: cfg.Warn, conn: c}
}

// Close closes the connection. What is attached stays attached. Calls that
// wait for the kernel end with an error wrapping [os.ErrClosed]. Closing twice
// does no harm.
func (c *Client) Close() error { return newError(opDial, 0, c.conn.Close()) }

// Supported returns nil if this kernel has the hook, and an error wrapping
// [ErrNotSupported] if it has not. Any other error says that it could not be
// found out.
func (c *Client) Supported() error {
	if c.supported.Load() {
		return nil
	}
	// The loopback device is the first one of every network namespace.
	const loopback = 1
	l, err := c.link(opSupport, loopback)
	if err != nil {
		return err
	}
	if !l.nest {
		return &Error{Op: opSupport, Err: ErrNotSupported}
	}
	return nil
}

// execute sends a request and returns the messages of its answer.
func (c *Client) execute(req netlink.Message) ([]netlink.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	var deadline time.Time
	if c.timeout > 0 {
		deadline = time.Now().Add(c.timeout)
	}
	if err := c.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	req, err := c.conn.Send(req)
	if err != nil {
		return nil, err
	}
	for {
		msgs, err := c.conn.Receive()
		switch {
		case err != nil:
			// A failure that an earlier request met after its deadline is not
			// an answer to this one.
			oe := (*netlink.OpError)(nil)
			if errors.As(err, &oe) && oe.Sequence != 0 && oe.Sequence != req.Header.Sequence {
				continue
			}
			return nil, err
		case len(msgs) == 0, msgs[0].Header.Sequence != req.Header.Sequence:
			// What was left of the answer to an earlier request. No request
			// of ours has an empty answer: there is always a loopback device.
			continue
		default:
			return msgs, nil
		}
	}
}
