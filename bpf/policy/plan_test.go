// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"errors"
	"slices"
	"testing"
)

// TestPlan: for every number of queues in use that a plan covers, its values select
// queues of the plan. For the current number, each value selects its own queue.
func TestPlan(t *testing.T) {
	for max := 1; max <= 12; max++ {
		for inUse := 1; inUse <= max; inUse++ {
			for set := 1; set < 1<<inUse; set += 1 + set/16 {
				var queues []int
				for q := range inUse {
					if set>>q&1 == 1 {
						queues = append(queues, q)
					}
				}
				p, err := Plan(queues, inUse, max, 0)
				if err != nil {
					t.Fatalf("%v of %d, %d: %v", queues, inUse, max, err)
				}
				if p.Min < 1 || p.Min > inUse || p.Max != max || len(p.Values) != len(queues) {
					t.Fatalf("%v of %d, %d: %+v", queues, inUse, max, p)
				}
				for i, v := range p.Values {
					if int(v)%inUse != queues[i] {
						t.Errorf("%v of %d: %d is queue %d", queues, inUse, v, int(v)%inUse)
					}
					for n := p.Min; n <= max; n++ {
						if !slices.Contains(queues, int(v)%n) {
							t.Errorf("%v of %d: with %d in use %d is queue %d", queues, inUse, n, v, int(v)%n)
						}
					}
				}
			}
		}
	}
}

// TestPlanOfAll: a plan that uses all queues holds for any number of queues.
func TestPlanOfAll(t *testing.T) {
	p, err := Plan([]int{3, 1, 0, 2, 1}, 4, 4, 0)
	if err != nil || p.Min != 1 || !slices.Equal(p.Values, []int32{0, 1, 2, 3}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestPlanImpossible(t *testing.T) {
	for name, tt := range map[string]struct {
		queues              []int
		inUse, max, atLeast int
	}{
		"no queue":       {nil, 4, 4, 0},
		"not in use":     {[]int{4}, 4, 8, 0},
		"negative":       {[]int{-1}, 4, 4, 0},
		"more than most": {[]int{0}, 8, 4, 0},
		"none in use":    {[]int{0}, 0, 4, 0},
		"more at least":  {[]int{0}, 4, 4, 5},
		"even on odd":    {[]int{2}, 8, 8, 2},
	} {
		if p, err := Plan(tt.queues, tt.inUse, tt.max, tt.atLeast); !errors.Is(err, ErrQueues) {
			t.Errorf("%s: %+v, %v, want %v", name, p, err, ErrQueues)
		}
	}
}

// TestReasons: every reason has a name.
func TestReasons(t *testing.T) {
	seen := make(map[string]bool)
	for r := range reasons {
		if name := r.String(); seen[name] || name == "" {
			t.Errorf("reason %d is called %q", r, name)
		} else {
			seen[name] = true
		}
	}
	if len(seen) != int(reasons) || Reason(99).String() != "reason-99" {
		t.Errorf("%v", seen)
	}
}
