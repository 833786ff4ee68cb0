// SPDX-License-Identifier: GPL-2.0-only OR MIT

package seed

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// failing is a test that keeps how it failed.
type failing struct {
	testing.TB
	text   string
	helper bool
}

func (f *failing) Helper() { f.helper = true }

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestRandRejects(t *testing.T) {
	for _, value := range []string{"x", "-1", "18446744073709551616", " 7"} {
		t.Setenv(Variable, value)
		f := &failing{TB: t}
		done := make(chan struct{})
		go func() { defer close(done); Rand(f) }()
		<-done
		if !strings.HasPrefix(f.text, "read $"+Variable) || !f.helper {
			t.Errorf("%q: failed with %q, helper: %v", value, f.text, f.helper)
		}
	}
}

// A printed seed always repeats the run.
func TestRandIsStable(t *testing.T) {
	t.Setenv(Variable, "7")
	if got, want := Rand(t).Uint64(), uint64(11398524543609367869); got != want {
		t.Errorf("seed 7 draws %d, want %d", got, want)
	}
}
