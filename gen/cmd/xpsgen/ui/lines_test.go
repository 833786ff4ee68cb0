// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"xpsgen/vmtest/progress"
)

func TestParseColor(t *testing.T) {
	for s, want := range map[string]Color{"": ColorAuto, "auto": ColorAuto, "always": ColorAlways, "never": ColorNever} {
		if got, err := ParseColor(s); got != want || err != nil {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	if got, err := ParseColor("red"); got != 0 || err == nil || !strings.Contains(err.Error(), `"red"`) {
		t.Errorf("got %v, %v", got, err)
	}
}

// Each event makes its line, with and without patience.
func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		event                  progress.Event
		plain, patient, colour string
	}{
		"started":       {progress.Event{State: progress.Started, Text: "t", Log: "l"}, "....  s: t, log l\n", "", "....  s: t, log l\n"},
		"finished":      {progress.Event{State: progress.Finished, Text: "t", Elapsed: 1500 * time.Millisecond}, "done  s: t, 1.5 s\n", "", "\x1b[32mdone\x1b[0m  s: t, 1.5 s\n"},
		"finished late": {progress.Event{State: progress.Finished, Elapsed: 90*time.Second + time.Millisecond}, "done  s: 1m30s\n", "", "\x1b[32mdone\x1b[0m  s: 1m30s\n"},
		"after 59.9 s":  {progress.Event{State: progress.Finished, Elapsed: 59900 * time.Millisecond}, "done  s: 59.9 s\n", "", "\x1b[32mdone\x1b[0m  s: 59.9 s\n"},
		"a minute":      {progress.Event{State: progress.Finished, Elapsed: time.Minute}, "done  s: 1m0s\n", "", "\x1b[32mdone\x1b[0m  s: 1m0s\n"},
		"cached":        {progress.Event{State: progress.Cached, Text: "t"}, "have  s: t\n", "", "\x1b[32mhave\x1b[0m  s: t\n"},
		"stopped":       {progress.Event{State: progress.Stopped, Elapsed: time.Second}, "stop  s: 1.0 s\n", "stop  s: 1.0 s\n", "stop  s: 1.0 s\n"},
		"failed":        {progress.Event{State: progress.Failed, Text: "t", Elapsed: time.Second, Log: "l"}, "FAIL  s: t, 1.0 s, log l\n", "FAIL  s: t, 1.0 s, log l\n", "\x1b[31mFAIL\x1b[0m  s: t, 1.0 s, log l\n"},
		"failed early":  {progress.Event{State: progress.Failed}, "FAIL  s\n", "FAIL  s\n", "\x1b[31mFAIL\x1b[0m  s\n"},
		"notice":        {progress.Event{State: progress.Notice, Text: "t"}, "note  s: t\n", "", "\x1b[33mnote\x1b[0m  s: t\n"},
		"waiting":       {progress.Event{State: progress.Waiting, Text: "t"}, "note  s: t\n", "note  s: t\n", "\x1b[33mnote\x1b[0m  s: t\n"},
		"advanced":      {progress.Event{State: progress.Advanced, Text: "t", Done: 3, Total: 7, Unit: "files"}, "....  s: 3/7 files, t\n", "....  s: 3/7 files, t\n", "....  s: 3/7 files, t\n"},
	} {
		tt.event.Step = "s"
		for mode, want := range map[string]string{"plain": tt.plain, "patient": tt.patient, "colour": tt.colour, "quiet": ""} {
			var out bytes.Buffer
			opt := Options{Color: ColorNever, Quiet: mode == "quiet"}
			if mode == "colour" {
				opt.Color = ColorAlways
			}
			u := New(&out, opt)
			if mode == "patient" {
				u.Patient()
			}
			if u.Terminal() || u.Coloured() != (mode == "colour") {
				t.Errorf("%s, %s: terminal %v, colour %v", name, mode, u.Terminal(), u.Coloured())
			}
			u.Progress()(tt.event)
			if got := out.String(); got != want {
				t.Errorf("%s, %s: %q, want %q", name, mode, got, want)
			}
		}
	}
}

// A step that is slow is shown now and then, and so is its end.
func TestSlowSteps(t *testing.T) {
	var out bytes.Buffer
	u := New(&out, Options{})
	u.Patient()
	u.event(progress.Event{Step: "s", State: progress.Started})
	u.event(progress.Event{Step: "s", State: progress.Advanced, Done: 1, Unit: "files"})
	if out.Len() != 0 {
		t.Errorf("shown at once: %q", &out)
	}
	u.said["s"] = time.Now().Add(-plainEvery)
	for range 2 {
		u.event(progress.Event{Step: "s", State: progress.Advanced, Done: 2, Unit: "files"})
	}
	u.event(progress.Event{Step: "s", State: progress.Finished, Elapsed: time.Second})
	if got, want := out.String(), "....  s: 2 files\ndone  s: 1.0 s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		say          func(*UI)
		plain, quiet string
	}{
		"error":      {func(u *UI) { u.Error("broken") }, "xpsgen: broken\n", "xpsgen: broken\n"},
		"printf":     {func(u *UI) { u.Printf("%d files", 3) }, "3 files\n", ""},
		"passed":     {func(u *UI) { u.Verdict(true, "all") }, "PASS  all\n", ""},
		"failed":     {func(u *UI) { u.Verdict(false, "one") }, "FAIL  one\n", "FAIL  one\n"},
		"incomplete": {func(u *UI) { u.Incomplete("most") }, "----  most\n", "----  most\n"},
		"important":  {func(u *UI) { u.Important("this") }, "this\n", "this\n"},
		"above":      {func(u *UI) { u.Above(func() { u.w.Write([]byte("x")) }) }, "x", "x"},
		"close":      {func(u *UI) { u.Close() }, "", ""},
	} {
		for quiet, want := range map[bool]string{false: tt.plain, true: tt.quiet} {
			var out bytes.Buffer
			tt.say(New(&out, Options{Quiet: quiet}))
			if got := out.String(); got != want {
				t.Errorf("%s, quiet %v: %q, want %q", name, quiet, got, want)
			}
		}
	}
}

func TestCount(t *testing.T) {
	for want, e := range map[string]progress.Event{
		"": {}, "3 files": {Done: 3, Unit: "files"}, "0/7 files": {Total: 7, Unit: "files"}, "1 MiB": {Done: 2<<20 - 1, Unit: "bytes"},
		"0 MiB": {Unit: "bytes"}, "1/3 MiB": {Done: 1 << 20, Total: 3 << 20, Unit: "bytes"},
	} {
		if got := count(e); got != want {
			t.Errorf("%+v: %q, want %q", e, got, want)
		}
	}
	if got := describe(progress.Event{Step: "s", Text: strings.Repeat("x", 50)}); got != "s: "+strings.Repeat("x", 40) {
		t.Errorf("got %q", got)
	}
	if got := describe(progress.Event{Step: "s"}); got != "s" {
		t.Errorf("got %q", got)
	}
}

// A bar is drawn in the width of the terminal, replaced if the total changes,
// and cleared before each line.
func TestBar(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 10, Cols: 61}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	b := newBar(&out, progress.Event{Step: "s", Done: 1, Total: 4, Unit: "files"})
	if got := out.String(); !strings.HasPrefix(got, eraseLine+"s [") || !strings.Contains(got, "1/4 files") {
		t.Errorf("got %q", got)
	}
	b.drawn = time.Now().Add(-redraw)
	out.Reset()
	b.set(progress.Event{Step: "s", Done: 5, Total: 4, Unit: "files"}) // more than there are
	if got := out.String(); !strings.Contains(got, "1/4 files") {
		t.Errorf("beyond the total: %q", got)
	}
	out.Reset()
	b.set(progress.Event{Step: "s", Done: 2, Total: 4, Unit: "files"}) // too soon
	if out.Len() != 0 {
		t.Errorf("drawn too soon: %q", &out)
	}
	b.set(progress.Event{Step: "s", Done: 3, Total: 8, Unit: "files"})
	if got := out.String(); !strings.Contains(got, "3/8 files") {
		t.Errorf("another total: %q", got)
	}
	out.Reset()
	b.clear()
	if got := out.String(); got != "\r\x1b[K" {
		t.Errorf("clear writes %q", got)
	}
	wide := newBar(slave, progress.Event{Step: "s", Total: 4, Unit: "files"})
	if w := wide.pb.Width(); w != 60 {
		t.Errorf("a bar of %d columns on a terminal of 61", w)
	}
	if w := b.pb.Width(); w != 79 {
		t.Errorf("a bar of %d columns without a terminal", w)
	}
}

func TestTerminalSize(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 10, Cols: 61}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in, out    *os.File
		tty        bool
		cols, rows int
	}{
		"both": {slave, slave, true, 61, 10}, "in": {slave, null, true, 61, 10}, "out": {null, slave, false, 61, 10}, "none": {null, null, false, 80, 24},
	} {
		term, err := OpenTerminal(tt.in, tt.out)
		if err != nil {
			t.Fatal(err)
		}
		if cols, rows := term.Size(); cols != tt.cols || rows != tt.rows || term.IsTerminal() != tt.tty {
			t.Errorf("%s: %d x %d, terminal %v", name, cols, rows, term.IsTerminal())
		}
		if !tt.tty {
			if err := term.Raw(); err != nil || term.saved != nil {
				t.Errorf("%s: raw mode without a terminal: %v", name, err)
			}
			term.Restore()
		}
	}
	// Without columns, the size is not known.
	if err := pty.Setsize(slave, &pty.Winsize{}); err != nil {
		t.Fatal(err)
	}
	term, err := OpenTerminal(slave, slave)
	if err != nil {
		t.Fatal(err)
	}
	if cols, rows := term.Size(); cols != 80 || rows != 24 {
		t.Errorf("unknown size: %d x %d", cols, rows)
	}
}

func TestColorOfTerminal(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	for name, tt := range map[string]struct {
		opt              Options
		terminal, colour bool
	}{
		"auto": {Options{}, true, true}, "NO_COLOR": {Options{NoColor: true}, true, false}, "always": {Options{NoColor: true, Color: ColorAlways}, true, true},
		"never": {Options{Color: ColorNever}, true, false}, "dumb": {Options{Dumb: true}, false, false},
	} {
		u := New(slave, tt.opt)
		if u.Terminal() != tt.terminal || u.Coloured() != tt.colour {
			t.Errorf("%s: terminal %v, colour %v", name, u.Terminal(), u.Coloured())
		}
	}
}
