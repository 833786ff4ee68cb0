// SPDX-License-Identifier: GPL-2.0-only OR MIT

package gate

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The texts contain the figures. Only the interval gate opens by itself.
func TestShut(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	sent := now.Add(-time.Hour)
	for name, tt := range map[string]struct {
		in   Input
		want []Shut
	}{
		"interval": {Input{LastSent: sent, Interval: 24 * time.Hour}, []Shut{
			{"interval", "the previous version was sent 1h0m0s ago (wait until Mon 2026-11-23 11:00 UTC)", sent.Add(24 * time.Hour)}}},
		"never sent":         {Input{Interval: 1 << 62}, nil},
		"patches":            {Input{Patches: 2, MaxPatches: 1}, []Shut{{Gate: "patches", Why: "2 patches, maximum is 1"}}},
		"no limit":           {Input{Patches: 2, Outstanding: 2}, nil},
		"none, but too many": {Input{Patches: 0, Outstanding: 1, MaxPatches: 1}, nil},
		"outstanding": {Input{Tree: "net", Patches: 1, Outstanding: 1, MaxPatches: 1}, []Shut{
			{Gate: "outstanding", Why: "2 patches would wait for net, maximum is 1"}}},
		"too many alone": {Input{Tree: "net", Patches: 2, Outstanding: 1, MaxPatches: 1}, []Shut{
			{Gate: "patches", Why: "2 patches, maximum is 1"}}},
		"exactly": {Input{Patches: 1, MaxPatches: 1}, nil},
	} {
		tt.in.Now = now
		if diff := cmp.Diff(tt.want, Check(tt.in)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestReleaseOrder(t *testing.T) {
	order := []release{{6, 12, 9}, {6, 12, 10}, {6, 12, 0}, {6, 13, 1}, {6, 13, 0}, {7, 0, 1}, {7, 0, 0}, {10, 0, 1}}
	for i, a := range order {
		for j, b := range order {
			if a.after(b) != (i > j) {
				t.Errorf("%v is after %v: %v", a, b, i <= j)
			}
		}
	}
}

func TestTagsByMajor(t *testing.T) {
	for tags, want := range map[string]State{
		"v6.99\nv7.0-rc1\n": Open, "v7.0-rc1\nv6.99\n": Open, "v10.0\nv9.9-rc1\n": Closed, "\n \nv7.3-rc1\n": Open, "v7.3-rc1\nv7.3-rc2x\nv7.3.0\n": Open,
	} {
		if got, err := ParseTags(strings.NewReader(tags)); got != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", tags, got, err, want)
		}
	}
	broken := errors.New("connection lost")
	if got, err := ParseTags(iotest.ErrReader(broken)); got != Unknown || !errors.Is(err, broken) {
		t.Errorf("got %v, %v", got, err)
	}
}
