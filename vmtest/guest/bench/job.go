// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"path"
	"time"

	"xpsgen/vmtest/guest/bench/record"
)

// job is one measurement.
type job struct {
	id      record.ID
	measure func(*bench) (*record.Result, error)
}

// queues is the default number of transmit queues of a device.
const queues = 8

// jobs returns the measurements in order.
func (b *bench) jobs() ([]job, error) {
	var all []job
	add := func(j job) error {
		if b.only != "" {
			ok, err := path.Match(b.only, j.id.Contender+"/"+j.id.Path)
			if err != nil {
				return fmt.Errorf("pattern %q: %w", b.only, err)
			}
			if !ok {
				return nil
			}
		}
		all = append(all, j)
		return nil
	}
	for _, c := range contenders() {
		if c.hook && b.unpatched || !b.has(c.alternative) {
			continue
		}
		for _, p := range ways() {
			if c.onTap && !p.onTap || c.above && p.below {
				continue
			}
			err := add(job{
				id:      record.ID{Contender: c.name, Path: p.name},
				measure: func(b *bench) (*record.Result, error) { return b.packets(c, p, queues) },
			})
			if err != nil {
				return nil, err
			}
		}
	}
	for _, g := range growths() {
		if g.hook && b.unpatched || !b.has("") {
			continue
		}
		for _, size := range sizes() {
			err := add(job{
				id:      record.ID{Contender: g.name, Path: g.path, Size: size},
				measure: func(b *bench) (*record.Result, error) { return g.measure(b, size) },
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// has reports whether to measure contenders that need the alternative with this key. The
// empty key means contenders that need none.
func (b *bench) has(key string) bool { return b.everything || b.alternative == key }

// mostTries limits the rounds for one figure to this multiple of the needed rounds. A
// round with an interrupt does not count.
const mostTries = 6

// packets measures a contender on a path.
func (b *bench) packets(c contender, p way, queues int) (_ *record.Result, err error) {
	s := &setting{conn: b.conn, client: b.client}
	defer func() { err = errors.Join(err, s.close()) }()
	create := dummy
	switch {
	case c.onTap:
		create = tap
	case p.onVeth:
		create = veth
	}
	if s.device, err = create(b.conn, "bench0", queues); err != nil {
		return nil, err
	}
	s.later(s.device.remove)
	if err := c.set(s); err != nil {
		return nil, err
	}
	r := &record.Result{Asked: c.asks}
	if p.leaves {
		if r.Queues, err = observe(s.device, p); err != nil {
			return nil, err
		}
	}
	return r, b.repeat(r, s.device, p)
}

// observe sends a round and returns the queues that it used.
func observe(d *device, p way) (_ []int, err error) {
	w, err := d.watch()
	if err != nil {
		return nil, err
	}
	defer w.close()
	s, err := p.open(d)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := errors.Join(s.send(), d.drain()); err != nil {
		return nil, err
	}
	return w.queues()
}

// pause is the sleep after the first round with an interrupt; later ones are longer. It is
// no multiple or fraction of the tick, 10 ms, so that rounds move relative to the tick.
const pause = 3100 * time.Microsecond

// repeat runs rounds until enough of them had no interrupt.
func (b *bench) repeat(r *record.Result, d *device, p way) error {
	s, err := p.open(d)
	if err != nil {
		return err
	}
	defer s.close()
	if m, ok := s.(*messages); ok && d.taps != nil {
		s = &drained{messages: m, device: d, interrupts: b.interrupts}
	}
	const warm = 2
	for range warm {
		if err := errors.Join(s.send(), d.drain()); err != nil {
			return err
		}
	}
	for range b.rounds * mostTries {
		m, err := b.interrupts.measure(s.ops(), s.send)
		if err != nil {
			return err
		}
		if err := d.drain(); err != nil {
			return err
		}
		if c, ok := s.(counter); ok {
			m.perOp, m.interrupted = c.last()
		}
		if m.interrupted {
			r.Interrupted++
			// The next rounds could be interrupted in the same way: the instruction clock
			// repeats everything. Sleeping takes no time of the host under this clock.
			time.Sleep(time.Duration(r.Interrupted) * pause)
			continue
		}
		if r.Rounds = append(r.Rounds, m.perOp); len(r.Rounds) < b.rounds {
			continue
		}
		if c, ok := s.(chooser); ok {
			r.Queues = []int{c.queue()}
		}
		return nil
	}
	return fmt.Errorf("interrupts spoiled %d of %d rounds", r.Interrupted, b.rounds*mostTries)
}
