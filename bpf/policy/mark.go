// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"fmt"
	"slices"

	"xpsgen/bpf"
)

// Mark configures the policy mark.
type Mark struct {
	Options
	// Queues are by the value (mark & Mask) >> Shift. At most 4096 values can be
	// 65536 or more. Such marks cost some instructions more.
	Queues Queues[uint32]
	// Mask are the bits of the mark that count, 0 for all, and Shift is the
	// lowest of them.
	Mask, Shift uint32
	// Direct selects queue N - 1 for a value N that is not in Queues.
	Direct bool
}

const (
	// marks is the number of values that the array of the policy mark has.
	marks = 1 << 16
	// largeMarks is the maximum number of larger values.
	largeMarks = 4096
)

// LoadMark loads the policy mark: the queue by skb->mark. The caller closes it.
func LoadMark(cfg *Mark) (*Policy, error) {
	const object = "xps_mark"
	if cfg.Shift > 31 {
		return nil, fmt.Errorf("%w: shift %d", ErrOptions, cfg.Shift)
	}
	small, large, more, err := cfg.entries()
	if err != nil {
		return nil, err
	}
	constants := map[string]uint32{"shift": cfg.Shift, "direct": flag(cfg.Direct)}
	if cfg.Mask != 0 {
		constants["mask"] = cfg.Mask
	}
	p, err := load(object, cfg.Options, constants)
	if err == nil {
		p, err = fill(p, object, bpf.XpsMarkMapMarkQueue, small)
	}
	if err == nil {
		p, err = fill(p, object, bpf.XpsMarkMapMarkLarge, large)
	}
	if err == nil {
		p, err = fill(p, object, bpf.XpsMarkMapMarkMore, more)
	}
	return p, err
}

// bucket has four of the values from 65536 on, with their entries.
type bucket = bpf.XpsMarkXpsMarkBucket

// bucketOf is xps_mark_bucket_of of xps_mark.bpf.c.
func bucketOf(value uint32) uint32 { return value * 0x9e3779b1 >> 19 }

// entries returns the entries of the three maps.
func (cfg *Mark) entries() (small map[uint32]int32, large map[uint32]bucket, more map[uint32]int32, err error) {
	small, large, more = make(map[uint32]int32), make(map[uint32]bucket), make(map[uint32]int32)
	count := 0
	for value, q := range cfg.Queues {
		entry, err := entryOf(q)
		if err != nil {
			return nil, nil, nil, err
		}
		if value < marks {
			small[value] = entry
			continue
		}
		if count++; count > largeMarks {
			return nil, nil, nil, fmt.Errorf("%w: more than %d marks from %d", ErrOptions, largeMarks, marks)
		}
		b := large[bucketOf(value)]
		free := slices.Index(b.Values[:], 0)
		if free < 0 {
			more[value] = entry
			continue
		}
		b.Values[free], b.Entries[free] = value, entry
		large[bucketOf(value)] = b
	}
	return small, large, more, nil
}
