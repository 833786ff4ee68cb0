// SPDX-License-Identifier: GPL-2.0-only OR MIT

package record

import (
	"slices"
	"testing"
)

func TestIn(t *testing.T) {
	for name, tt := range map[string]struct {
		object         Object
		build, context string
		want           bool
	}{
		"everywhere":            {Object{}, "1.1", BPFFS, true},
		"its context":           {Object{Contexts: []string{NetNS, BPFFS}}, "1.1", BPFFS, true},
		"another context":       {Object{Contexts: []string{NetNS}}, "1.1", BPFFS, false},
		"its build":             {Object{Builds: []string{"1.1"}}, "1.1", BPFFS, true},
		"another build":         {Object{Builds: []string{"legacy"}}, "1.1", BPFFS, false},
		"both":                  {Object{Builds: []string{"1.1"}, Contexts: []string{BPFFS}}, "1.1", BPFFS, true},
		"build but not context": {Object{Builds: []string{"1.1"}, Contexts: []string{NetNS}}, "1.1", BPFFS, false},
		"context but not build": {Object{Builds: []string{"legacy"}, Contexts: []string{BPFFS}}, "1.1", BPFFS, false},
	} {
		if got := tt.object.In(tt.build, tt.context); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestContexts(t *testing.T) {
	want := []string{"bpffs", "ro-sys", "netns", "netns-no-bpffs", "netns-exec", "unprivileged"}
	if got := Contexts(); !slices.Equal(got, want) || slices.Contains(got, Manual) {
		t.Errorf("got %q, want %q", got, want)
	}
}
