// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrQueues: the queues do not make a plan. The text says why.
var ErrQueues = errors.New("impossible queues")

// QueuePlan is what a policy returns to use some queues of a device and no other.
type QueuePlan struct {
	// Queues are the queues to use, in order.
	Queues []int
	// Values are the return values, one for each of Queues. Modulo the number
	// of queues in use, each is that queue, or another of Queues.
	Values []int32
	// Min and Max are the numbers of queues in use between which, both
	// included, no value is a queue that is left out. With fewer than Min,
	// some are, or no queue of Queues is left.
	Min, Max int
}

// Plan returns values by which a policy uses queues, now that inUse queues are in
// use, and no other queue while between atLeast and max are. inUse is the number of
// tx-* in /sys/class/net/NAME/queues, in a sysfs of the device's network namespace.
// max is the number of tx queues that the device can have (State.MaxQueues of package
// xps). If atLeast is 0, Plan finds the smallest possible.
//
// For example, with queues 1 to 7 of 8, queue 4 is returned as 12 and not as 4:
// with 4 queues in use, 4 would be queue 0. Some cases are impossible: a number that
// is 2 modulo 8 is 0 modulo 2.
//
// The error wraps [ErrQueues].
func Plan(queues []int, inUse, max, atLeast int) (*QueuePlan, error) {
	queues = slices.Clone(queues)
	slices.Sort(queues)
	queues = slices.Compact(queues)
	switch {
	case len(queues) == 0:
		return nil, fmt.Errorf("%w: there is none to use", ErrQueues)
	case inUse < 1:
		return nil, fmt.Errorf("%w: the device uses %d", ErrQueues, inUse)
	case max < inUse:
		return nil, fmt.Errorf("%w: the device uses %d, but can have only %d", ErrQueues, inUse, max)
	case queues[0] < 0 || queues[len(queues)-1] >= inUse:
		return nil, fmt.Errorf("%w: the device uses queues 0 to %d, not %d", ErrQueues, inUse-1, queues[len(queues)-1])
	case atLeast < 0 || atLeast > inUse:
		return nil, fmt.Errorf("%w: at least %d in use, but there are %d", ErrQueues, atLeast, inUse)
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
			return nil, fmt.Errorf("%w: with %d in use, a queue of %v would be one that is left out; possible from %d on",
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

// values returns a value for each queue, nil if there is none for one of them.
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

// safe reports whether v is a queue of use with any number of queues in use.
func safe(use []bool, v, least int) bool {
	for n := least; n <= len(use); n++ {
		if !use[v%n] {
			return false
		}
	}
	return true
}
