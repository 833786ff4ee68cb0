// SPDX-License-Identifier: GPL-2.0-only OR MIT

package seed

import (
	"fmt"
	"testing"
)

// logged is a test that keeps its log.
type logged struct {
	testing.TB
	text string
}

func (l *logged) Logf(format string, args ...any) { l.text = fmt.Sprintf(format, args...) }

func draw(tb testing.TB) (uint64, string) {
	l := &logged{TB: tb}
	return Rand(l).Uint64(), l.text
}

func TestRandIsFixedUnlessAsked(t *testing.T) {
	t.Setenv(Variable, "")
	first, text := draw(t)
	if again, _ := draw(t); again != first || text != fmt.Sprintf("%s=%d", Variable, fixed) {
		t.Errorf("drew %d, then %d; logged %q", first, again, text)
	}
	t.Setenv(Variable, "7")
	if n, text := draw(t); n == first || text != Variable+"=7" {
		t.Errorf("seed 7 drew %d; logged %q", n, text)
	}
	t.Setenv(Variable, New)
	one, text := draw(t)
	if two, _ := draw(t); one == two {
		t.Errorf("drew %d twice", one)
	}
	t.Setenv(Variable, text[len(Variable)+1:])
	if again, _ := draw(t); again != one {
		t.Errorf("%s repeats %d, want %d", text, again, one)
	}
}
