// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// TestLateAnswers: a late answer to one call is not the answer to the next call.
func TestLateAnswers(t *testing.T) {
	answer := xpsKernel(attached(9), nil)
	tests := map[string]func(req netlink.Message) []netlink.Message{
		"an answer":         answer,
		"a failure":         func(req netlink.Message) []netlink.Message { return refuse(req, unix.ENODEV) },
		"the end of a dump": func(req netlink.Message) []netlink.Message { return reply(req, 3, multi, s32(0)) },
	}
	for name, late := range tests {
		t.Run(name, func(t *testing.T) {
			first := make(chan []netlink.Message, 1)
			var asked atomic.Bool
			c, f := fakeClient(t, nil, func(req netlink.Message) []netlink.Message {
				if !asked.Swap(true) {
					first <- late(req)
					return nil
				}
				return answer(req)
			})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				// The kernel has the request by then.
				waitUntil(t, func() bool { return len(f.requests()) == 1 })
				cancel()
			}()
			_, err := c.Query(ctx, 3, nil)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%v, want %v", err, context.Canceled)
			}
			f.put(<-first)
			s, err := c.Query(t.Context(), 7, nil)
			if err != nil {
				t.Fatal(err)
			}
			if s.Ifindex != 7 {
				t.Errorf("got the state of %d, want that of 7", s.Ifindex)
			}
		})
	}
}

// TestTimeoutOfTheClient limits a call that its caller does not limit.
func TestTimeoutOfTheClient(t *testing.T) {
	silent := func(netlink.Message) []netlink.Message { return nil }
	c, _ := fakeClient(t, &Config{Timeout: time.Millisecond}, silent)
	_, err := c.Query(t.Context(), 7, nil)
	const want = "query xps: ifindex 7: no answer of the kernel within 1ms: context deadline exceeded"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	for timeout, want := range map[time.Duration]time.Duration{0: DefaultTimeout, time.Second: time.Second, -1: -1} {
		if c, _ := fakeClient(t, &Config{Timeout: timeout}, silent); c.timeout != want {
			t.Errorf("timeout %v: %v, want %v", timeout, c.timeout, want)
		}
	}
}

// TestEveryCallEnds: a call ends with its context, even if the kernel does not answer,
// sending blocks, or another call uses the client.
func TestEveryCallEnds(t *testing.T) {
	cause := errors.New("enough")
	for op, do := range map[string]func(context.Context, *Client) error{
		opAttach:  func(ctx context.Context, c *Client) error { return attachFake(ctx, c, 0) },
		opDetach:  func(ctx context.Context, c *Client) error { return c.Detach(ctx, 7, nil) },
		opQuery:   func(ctx context.Context, c *Client) error { _, err := c.Query(ctx, 7, nil); return err },
		opList:    func(ctx context.Context, c *Client) error { _, err := c.List(ctx, nil); return err },
		opSupport: func(ctx context.Context, c *Client) error { return c.Supported(ctx) },
		opWatch:   func(ctx context.Context, c *Client) error { _, err := newWatcher(ctx, c); return err },
	} {
		for _, how := range []string{"no answer", "blocked", "busy", "before"} {
			t.Run(op+"/"+how, func(t *testing.T) {
				stuck := make(chan struct{})
				t.Cleanup(func() { close(stuck) })
				c, f := fakeClient(t, nil, func(netlink.Message) []netlink.Message {
					if how == "blocked" || how == "busy" {
						<-stuck
					}
					return nil
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				sent := 1
				switch how {
				case "before":
					sent = 0
					cancel(cause)
				case "busy":
					other, stop := context.WithCancel(context.Background())
					t.Cleanup(stop)
					go func() { _, _ = c.Query(other, 1, nil) }()
					waitUntil(t, func() bool { return len(f.requests()) == 1 })
					time.AfterFunc(time.Millisecond, func() { cancel(cause) })
				default:
					go func() {
						waitUntil(t, func() bool { return len(f.requests()) == 1 })
						cancel(cause)
					}()
				}
				if err := do(ctx, c); !errors.Is(err, cause) {
					t.Errorf("%v, want %v", err, cause)
				}
				if n := len(f.requests()); n != sent {
					t.Errorf("%d requests, want %d", n, sent)
				}
			})
		}
	}
}

// TestGivenUpChange: a change is not sent after its call has returned. Its descriptors
// may refer to other files by then.
func TestGivenUpChange(t *testing.T) {
	release := make(chan struct{})
	var asked atomic.Bool
	c, f := fakeClient(t, nil, func(req netlink.Message) []netlink.Message {
		if !asked.Swap(true) {
			<-release
		}
		return xpsKernel(detached(), succeed)(req)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		waitUntil(t, func() bool { return len(f.requests()) == 1 })
		cancel()
	}()
	// The kernel has the probe for the hook, not yet the change.
	err := c.attach(ctx, 7, change{fd: 5}, handle{fd: 5, typ: ebpf.SocketFilter}, handle{fd: -1})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	close(release)
	if _, err := c.Query(t.Context(), 7, nil); err != nil {
		t.Error(err)
	}
	for _, typ := range f.requests() {
		if typ != 18 {
			t.Errorf("sent %d after the call was given up", typ)
		}
	}
}
