// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

// drained sends through a tap and empties its queues after each system call, outside the
// measured time. A tap keeps packets until they are read. With a whole round in its
// queues, the number of new slab pages depends on what was freed before, and counts vary
// between rounds.
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
