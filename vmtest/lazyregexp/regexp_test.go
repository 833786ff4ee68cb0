// SPDX-License-Identifier: GPL-2.0-only OR MIT

package lazyregexp

import "testing"

func TestRegexp(t *testing.T) {
	r := New(`^(\w+)=(\d+)$`)
	if !r.MatchString("a=1") || r.MatchString("a=b") {
		t.Error("matches something else than its text")
	}
	if m := r.FindStringSubmatch("mtu=1500"); len(m) != 3 || m[2] != "1500" {
		t.Errorf("groups: %q", m)
	}
}

// TestNewRefusesErrorInTests makes sure that the tests of a package find a bad
// expression that none of them uses.
func TestNewRefusesErrorInTests(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New accepts an expression with an error")
		}
	}()
	New(`(`)
}
