// SPDX-License-Identifier: GPL-2.0-only OR MIT

package gate

import (
	"strings"
	"testing"
	"time"
)

const interval = 24 * time.Hour

func TestCheck(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		in   Input
		want string
	}{
		{"first RFC, window unknown", Input{Tree: "net-next", RFC: true, Patches: 5}, ""},
		{"first PATCH, window unknown", Input{Tree: "net-next", Patches: 5}, "window"},
		{"window open", Input{Tree: "net-next", Patches: 5, State: Closed}, "window"},
		{"RFC in the window", Input{Tree: "net-next", RFC: true, Patches: 5, State: Closed}, ""},
		{"window closed", Input{Tree: "net-next", Patches: 5, State: Open}, ""},
		{"fixes in the window", Input{Tree: "net", Patches: 5, State: Closed}, ""},
		{"iproute2 in the window", Input{Tree: "iproute2-next", Patches: 5, State: Closed}, ""},
		{"a second early", Input{Tree: "net", Patches: 1, LastSent: now.Add(-interval + time.Second)}, "interval"},
		{"just in time", Input{Tree: "net", Patches: 1, LastSent: now.Add(-interval)}, ""},
		{"an RFC waits, too", Input{Tree: "net-next", RFC: true, Patches: 1, LastSent: now.Add(-time.Hour)}, "interval"},
		{"fifteen", Input{Tree: "net", Patches: 15}, ""},
		{"sixteen", Input{Tree: "net", Patches: 16}, "patches"},
		{"fifteen in all", Input{Tree: "net", Patches: 10, Outstanding: 5}, ""},
		{"sixteen in all", Input{Tree: "net", Patches: 10, Outstanding: 6}, "outstanding"},
		{"no rules", Input{Tree: "any", Patches: 99, LastSent: now}, ""},
		{"all at once", Input{Tree: "net-next", Patches: 16, Outstanding: 1, State: Closed, LastSent: now}, "interval window patches"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Now, c.in.Interval, c.in.MaxPatches = now, interval, 15
			if c.in.Tree == "any" {
				c.in.Interval, c.in.MaxPatches = 0, 0
			}
			if strings.HasSuffix(c.in.Tree, "net-next") {
				c.in.Page = "https://example.org/net-next"
			}
			var got []string
			for _, s := range Check(c.in) {
				got = append(got, s.Gate)
				if s.Gate == "interval" && !s.Until.Equal(c.in.LastSent.Add(24*time.Hour)) {
					t.Errorf("until %v", s.Until)
				}
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("shut: %q, want %q", g, c.want)
			}
		})
	}
}

func TestParseTags(t *testing.T) {
	for _, c := range []struct {
		name, tags string
		want       State
		err        bool
	}{
		{"just released", "v7.2\nv7.3-rc7\nv7.3\n", Closed, false},
		{"first candidate", "v7.3\nv7.4-rc1\n", Open, false},
		{"late candidate, any order", "v7.4-rc10\nv7.3\nv7.4-rc9\n", Open, false},
		{"ten after nine", "v6.9-rc1\nv6.10\n", Closed, false},
		{"stable releases do not count", "v7.4-rc1\nv7.3.4\n", Open, false},
		{"as ls-remote has it", "0123abcd\trefs/tags/v7.3\n0123abcd\trefs/tags/v7.3^{}\n", Closed, false},
		{"nothing", "next-20261122\n", Unknown, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseTags(strings.NewReader(c.tags))
			if got != c.want || (err != nil) != c.err {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
