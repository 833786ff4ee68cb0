// SPDX-License-Identifier: GPL-2.0-only OR MIT

package boots

import (
	"context"
	"errors"
	"strings"
	"testing"

	"xpsgen/vmtest/progress"
)

// Another project's tool fails in the second of three rounds.
func TestToolDropsOut(t *testing.T) {
	broken := errors.New("exit status 255")
	count := map[string]int{}
	take := func(name string, other bool, failAt int) way {
		return way{name: name, what: "w", other: other, boot: func(context.Context) error {
			if count[name]++; count[name] == failAt {
				return broken
			}
			return nil
		}}
	}
	var said []string
	var last progress.Event
	p := progress.Func(func(e progress.Event) {
		switch e.State {
		case progress.Notice:
			said = append(said, e.Text)
		case progress.Advanced:
			last = e
		}
	})

	got, err := measure(t.Context(), []way{take("bare", false, 0), take("vng", true, 2), take("vimto", true, 0)}, 3, p)
	if err != nil || len(got) != 2 || got[0].Name != "bare" || got[1].Name != "vimto" || got[0].Ratio != 1 {
		t.Fatalf("%v, got %+v", err, got)
	}
	if count["bare"] != 3 || count["vng"] != 2 || count["vimto"] != 3 {
		t.Errorf("boots: %v", count)
	}
	if len(said) != 1 || !strings.Contains(said[0], "left out vng: its boot in round 2 failed: exit status 255") {
		t.Errorf("said %q", said)
	}
	if last.Done != 9 || last.Total != 9 {
		t.Errorf("%d of %d boots in the end", last.Done, last.Total)
	}

	if _, err := measure(t.Context(), []way{take("own", false, 1)}, 1, nil); !errors.Is(err, broken) || !strings.Contains(err.Error(), "own") {
		t.Errorf("a way of the workbench fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := measure(ctx, []way{take("late", true, 1)}, 1, nil); !errors.Is(err, broken) {
		t.Errorf("interrupted: %v", err)
	}
}

// Only some ways take part. The first of them is the reference.
func TestOnly(t *testing.T) {
	var ways []way
	for _, name := range Names() {
		ways = append(ways, way{name: name, boot: func(context.Context) error { return nil }})
	}
	opt := &Options{Only: []string{"vimto", "run"}}
	got, err := measure(t.Context(), opt.chosen(ways), 2, nil)
	if err != nil || len(got) != 2 || got[0].Name != "run" || got[0].Ratio != 1 || got[1].Name != "vimto" {
		t.Errorf("%+v, %v", got, err)
	}
	opt.Only = []string{"nosuch"}
	if _, err := measure(t.Context(), opt.chosen(ways), 2, nil); err == nil {
		t.Error("no way takes part, and there is no error")
	}
}
