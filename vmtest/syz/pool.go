// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// guest runs the executor in a new guest until ctx ends. index counts guests. The manager
// knows the executor by number. in and out are the executor's descriptor 0. up is called
// when the guest is up.
type guest func(ctx context.Context, index, number int, up func(), in io.Reader, out, log, console io.Writer) error

// pool has the guests of a manager.
type pool struct {
	ctx  context.Context
	boot guest
	// ended is called when a guest ended, with its error.
	ended func(index int, started time.Time, err error)

	mu        sync.Mutex
	instances []*instance
	running   sync.WaitGroup
}

// instance is one guest, from boot to end.
type instance struct {
	pool *pool
	// index counts all guests. number is the place in the manager's pool, which the guest
	// that replaces this one gets, too.
	index, number int
	port          int
	cancel        context.CancelFunc
	done          chan struct{}

	mu           sync.Mutex
	changed      chan struct{}
	log, console bytes.Buffer
}

// create adds a guest, which does not boot yet, and returns its ID. number is its place in
// the manager's pool.
func (p *pool) create(number int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instances = append(p.instances, &instance{pool: p, index: len(p.instances), number: number, changed: make(chan struct{}, 1), done: make(chan struct{})})
	return strconv.Itoa(len(p.instances) - 1)
}

func (p *pool) find(id string) (*instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i, err := strconv.Atoi(id); err == nil && i >= 0 && i < len(p.instances) {
		return p.instances[i], nil
	}
	return nil, fmt.Errorf("no guest %q", id)
}

// count returns how many guests there were.
func (p *pool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.instances)
}

// start boots the guest.
func (i *instance) start() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cancel != nil {
		return fmt.Errorf("guest %d runs already", i.index)
	}
	var ctx context.Context
	ctx, i.cancel = context.WithCancel(i.pool.ctx)
	l := &link{port: i.port, ready: make(chan struct{})}
	started := time.Now()
	i.pool.running.Go(func() {
		defer close(i.done)
		defer i.cancel()
		stop := context.AfterFunc(ctx, l.close)
		defer stop()
		err := i.pool.boot(ctx, i.index, i.number, l.open, l, l, &notifier{i, &i.log}, &notifier{i, &i.console})
		l.close()
		i.pool.ended(i.index, started, err)
	})
	return nil
}

// stop ends the guest and waits for its end.
func (i *instance) stop() {
	i.mu.Lock()
	cancel := i.cancel
	i.mu.Unlock()
	if cancel != nil {
		cancel()
		<-i.done
	}
}

// output waits for output and takes it. done says that the guest ended before.
func (i *instance) output(ctx context.Context) (log, console string, done bool) {
	select {
	case <-ctx.Done():
	case <-i.changed:
	case <-i.done:
		done = true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	log, console = i.log.String(), i.console.String()
	i.log.Reset()
	i.console.Reset()
	return log, console, done
}

// notifier keeps output of a guest until the manager takes it.
type notifier struct {
	i  *instance
	to *bytes.Buffer
}

func (n *notifier) Write(p []byte) (int, error) {
	n.i.mu.Lock()
	defer n.i.mu.Unlock()
	n.to.Write(p)
	select {
	case n.i.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

// link is the connection of an executor with the manager. Reads and writes wait
// until it is open. The manager waits only some seconds for the executor's
// first message, which is less than a guest may take to boot.
type link struct {
	port  int
	once  sync.Once
	ready chan struct{}
	conn  net.Conn
	err   error
}

func (l *link) open() {
	l.once.Do(func() {
		l.conn, l.err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(l.port)))
		close(l.ready)
	})
}

func (l *link) close() {
	l.once.Do(func() {
		l.err = io.EOF
		close(l.ready)
	})
	if l.conn != nil {
		l.conn.Close()
	}
}

func (l *link) Read(p []byte) (int, error) {
	<-l.ready
	if l.err != nil {
		return 0, l.err
	}
	return l.conn.Read(p)
}

func (l *link) Write(p []byte) (int, error) {
	<-l.ready
	if l.err != nil {
		return 0, l.err
	}
	return l.conn.Write(p)
}
