// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

// Checkers are the effects of a kernel's checkers on its guest.
type Checkers struct {
	// MemoryMiB is the memory that the guest needs. 0 means that it needs no more than
	// any other.
	MemoryMiB int
	// Slowdown is how much longer the guest takes. 1 means no longer.
	Slowdown float64
	// Races says that a checker finds races. Tests then repeat operations that
	// may race more often.
	Races bool
	// Leaks says that kmemleak finds leaked memory at the end.
	Leaks bool
}

// checkers are the fragments that enable checkers. KASAN needs shadow memory,
// and delays the reuse of freed memory. kmemleak and lockdep need memory for
// their records. The checkers run at each access or each lock.
var checkers = map[string]Checkers{
	"debug": {MemoryMiB: 3072, Slowdown: 4, Races: true, Leaks: true},
	"rt":    {MemoryMiB: 1024, Slowdown: 4, Races: true},
	"kcsan": {MemoryMiB: 1024, Slowdown: 8, Races: true},
	"syz":   {MemoryMiB: 1024, Slowdown: 8},
}

// Checkers combines the checkers of all fragments of s.
func (s *Source) Checkers() Checkers {
	all := Checkers{Slowdown: 1}
	for _, f := range s.Fragments {
		c, ok := checkers[f]
		if !ok {
			continue
		}
		all.MemoryMiB = max(all.MemoryMiB, c.MemoryMiB)
		all.Slowdown = max(all.Slowdown, c.Slowdown)
		all.Races = all.Races || c.Races
		all.Leaks = all.Leaks || c.Leaks
	}
	return all
}
