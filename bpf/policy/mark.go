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
	// Queues has the queue for a value (mark & Mask) >> Shift. At most 4096 values can
	// be 65536 or more. Such values cost a few more instructions.
	Queues Queues[uint32]
	// Mask has the bits of the mark to use. 0 means all. Shift is the number of the
	// lowest bit to use, 0 to 31.
	Mask, Shift uint32
	// Direct selects queue N - 1 for a value N that is not in Queues. 0 has no
	// preference.
	Direct bool
}

const (
	// marks is the number of values that the array of the policy mark has.
	marks = 1 << 16
	// largeMarks is the maximum number of larger values.
	largeMarks = 4096
)

// LoadMark loads the policy mark, which selects the queue by skb->mark. The caller
// closes it. A nil cfg means the defaults. The error wraps [ErrOptions] for values that
// are not possible.
func LoadMark(cfg *Mark) (*Policy, error) {
	if cfg == nil {
		cfg = &Mark{}
	}
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

// bucket has up to four of the values from 65536 on, with their entries.
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
