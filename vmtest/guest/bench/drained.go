// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

// drained sends by a tap, whose queues are emptied after each system call and
// off the clock. A tap keeps what is sent until someone reads it: with a whole
// round in its queues, how often the slab allocator has to go for new pages
// depends on what was freed before, and counts differ from round to round.
type drained struct {
	*messages
	device     *device
	interrupts *interrupts

	perOp       float64
	interrupted bool
}

func (s *drained) send() error {
	s.perOp, s.interrupted = 0, false
	for range perRound {
		r, err := s.interrupts.measure(s.ops(), s.sendBatch)
		if err != nil {
			return err
		}
		s.perOp += r.perOp
		s.interrupted = s.interrupted || r.interrupted
		if err := s.device.drain(); err != nil {
			return err
		}
	}
	return nil
}

func (s *drained) last() (perOp float64, interrupted bool) { return s.perOp, s.interrupted }
