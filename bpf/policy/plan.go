// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrQueues: no plan is possible with these queues. The text says why.
var ErrQueues = errors.New("impossible queues")

// QueuePlan restricts a policy to some queues of a device.
type QueuePlan struct {
	// Queues are the queues to use, in order.
	Queues []int
	// Values are the return values of the program, one for each of Queues. The kernel
	// takes a value modulo the number of queues in use. The result is that queue, or
	// another of Queues.
	Values []int32
	// Min and Max limit the number of queues in use for which the plan holds: each
	// value selects one of Queues. With fewer queues than Min, some values may select
	// other queues.
	Min, Max int
}

// Plan returns values that restrict a policy to queues, as long as the number of queues in
// use is from atLeast to max. If atLeast is 0, Plan finds the smallest such number: see
// [QueuePlan.Min].
//
// inUse is the current number of queues in use: the number of tx-* in
// /sys/class/net/NAME/queues. The sysfs must be mounted in the network namespace of the
// device. The number of tx queues that the device can have is max (State.MaxQueues of
// package xps).
//
// For example, with queues 1 to 7 of 8, the value for queue 5 is 13 and not 5. With 5
// queues in use, 5 would select queue 0, but 13 selects queue 3. With 4 queues in use,
// no value is possible for queue 4: a number that is 4 modulo 8 is 0 modulo 4. So this
// plan holds down to 5 queues.
//
// The error wraps [ErrQueues].
func Plan(queues []int, inUse, max, atLeast int) (*QueuePlan, error) {
	queues = slices.Clone(queues)
	slices.Sort(queues)
	queues = slices.Compact(queues)
	switch {
	case len(queues) == 0:
		return nil, fmt.Errorf("%w: the list of queues is empty", ErrQueues)
	case inUse < 1:
		return nil, fmt.Errorf("%w: the device has %d queues in use", ErrQueues, inUse)
	case max < inUse:
		return nil, fmt.Errorf("%w: %d queues in use exceed the maximum of %d", ErrQueues, inUse, max)
	case queues[0] < 0:
		return nil, fmt.Errorf("%w: queue %d is negative", ErrQueues, queues[0])
	case queues[len(queues)-1] >= inUse:
		return nil, fmt.Errorf("%w: queue %d is not in use; the device uses queues 0 to %d", ErrQueues, queues[len(queues)-1], inUse-1)
	case atLeast < 0 || atLeast > inUse:
		return nil, fmt.Errorf("%w: minimum of %d queues in use: want 0 to %d", ErrQueues, atLeast, inUse)
	}
	use := make([]bool, max)
	for _, q := range queues {
		use[q] = true
	}
	p := &QueuePlan{Queues: queues, Max: max}
	if atLeast != 0 {
		p.Min = atLeast
		p.Values = values(use, queues, inUse, atLeast)
		if p.Values == nil {
			best, err := Plan(queues, inUse, max, 0)
			if err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %d queues are too few for %v without using other queues; need at least %d",
				ErrQueues, atLeast, queues, best.Min)
		}
		return p, nil
	}
	for least := inUse; least >= 1; least-- {
		v := values(use, queues, inUse, least)
		if v == nil {
			break
		}
		p.Min, p.Values = least, v
	}
	return p, nil
}

// maxTries bounds the search for a value.
const maxTries = 1 << 12

// values returns a value for each queue, or nil if a queue has none.
func values(use []bool, queues []int, inUse, least int) []int32 {
	var vs []int32
	for _, q := range queues {
		v := value(use, q, inUse, least)
		if v < 0 {
			return nil
		}
		vs = append(vs, v)
	}
	return vs
}

func value(use []bool, q, inUse, least int) int32 {
	for try := range maxTries {
		v := q + try*inUse
		if v > math.MaxInt32 {
			break
		}
		if safe(use, v, least) {
			return int32(v)
		}
	}
	return -1
}

// safe reports whether v selects a queue to use, for every number of queues in use from
// least to len(use).
func safe(use []bool, v, least int) bool {
	for n := least; n <= len(use); n++ {
		if !use[v%n] {
			return false
		}
	}
	return true
}
