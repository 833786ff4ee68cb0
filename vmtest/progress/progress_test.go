// SPDX-License-Identifier: GPL-2.0-only OR MIT

package progress

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStep(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want State
	}{
		"finished": {nil, Finished},
		"stopped":  {fmt.Errorf("build: %w", context.Canceled), Stopped},
		"failed":   {errors.New("no compiler"), Failed},
	} {
		t.Run(name, func(t *testing.T) {
			var got []Event
			var f Func = func(e Event) { got = append(got, e) }
			end := f.Step("build kernel", "812 objects")
			time.Sleep(time.Millisecond)
			end(&tt.err)
			if len(got) != 2 || got[1].Elapsed < time.Millisecond {
				t.Fatalf("got %+v", got)
			}
			got[1].Elapsed = 0
			want := []Event{
				{Step: "build kernel", State: Started, Text: "812 objects"},
				{Step: "build kernel", State: tt.want},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	// A nil Func, and a step without an error.
	var silent Func
	silent.Notice("x")("y")
	silent.Step("x", "y")(nil)
	var last Event
	Func(func(e Event) { last = e }).Step("x", "y")(nil)
	if last.State != Finished {
		t.Errorf("without an error: %+v", last)
	}
}

func TestNotice(t *testing.T) {
	var got Event
	Func(func(e Event) { got = e }).Notice("fetch")("slow")
	if want := (Event{Step: "fetch", State: Notice, Text: "slow"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestStopwatch(t *testing.T) {
	all := []Event{
		{Step: "fetch", State: Started}, {Step: "fetch", State: Cached, Elapsed: time.Second},
		{Step: "build", State: Started}, {Step: "build", State: Advanced, Done: 1, Elapsed: time.Minute},
		{Step: "build", State: Finished, Elapsed: time.Hour},
		{Step: "boot", State: Failed, Elapsed: time.Hour}, {Step: "stop", State: Stopped},
	}
	var passed []Event
	w := NewStopwatch(func(e Event) { passed = append(passed, e) })
	for _, e := range all {
		w.Event(e)
	}
	if diff := cmp.Diff(all, passed); diff != "" {
		t.Errorf("passed on (-want +got)\n%s", diff)
	}
	want := []StepTime{{Step: "fetch", Cached: true}, {Step: "build", Elapsed: time.Hour}}
	got := w.Steps()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got)\n%s", diff)
	}
	// The caller owns the list.
	got[0].Step = "other"
	if w.Steps()[0].Step != "fetch" {
		t.Error("a change of the returned list changes the stopwatch")
	}
	NewStopwatch(nil).Event(all[0])
}
