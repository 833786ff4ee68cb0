// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"xpsgen/vmtest/progress"
)

// story emits the events of a build.
func story(p progress.Func) {
	p(progress.Event{Step: "fetch linux", State: progress.Cached, Text: "6.12.117"})
	p(progress.Event{Step: "build kernel", State: progress.Started, Text: "2 jobs", Log: "/log"})
	p(progress.Event{Step: "build kernel", State: progress.Advanced, Done: 3, Total: 812, Unit: "objects"})
	p(progress.Event{Step: "build kernel", State: progress.Finished, Elapsed: 90 * time.Second})
	p(progress.Event{Step: "vm", State: progress.Notice, Text: "no KVM here"})
	p(progress.Event{Step: "boot", State: progress.Failed, Elapsed: 1500 * time.Millisecond, Log: "/console"})
}

func TestPlain(t *testing.T) {
	cases := map[string]struct {
		opt  Options
		want string
	}{
		"lines": {want: `have  fetch linux: 6.12.117
....  build kernel: 2 jobs, log /log
done  build kernel: 1m30s
note  vm: no KVM here
FAIL  boot: 1.5 s, log /console
xpsgen: boot: silent
`},
		"quiet keeps the error": {opt: Options{Quiet: true}, want: "xpsgen: boot: silent\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			u := New(&b, c.opt)
			story(u.Progress())
			u.Error("boot: silent")
			if b.String() != c.want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), c.want)
			}
		})
	}
}

func TestColor(t *testing.T) {
	for name, c := range map[string]struct {
		opt  Options
		want bool
	}{
		"a buffer is not a terminal": {want: false},
		"always":                     {opt: Options{Color: ColorAlways}, want: true},
		"always beats NO_COLOR":      {opt: Options{Color: ColorAlways, NoColor: true}, want: true},
		"never":                      {opt: Options{Color: ColorNever}, want: false},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			New(&b, c.opt).Error("x")
			if got := strings.Contains(b.String(), "\x1b["); got != c.want {
				t.Errorf("coloured = %v, want %v: %q", got, c.want, b.String())
			}
		})
	}
}

// onTerminal returns the output of story on a terminal.
func onTerminal(t *testing.T, opt Options) string {
	t.Helper()
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(ptmx) // ends with EIO once the tty is closed
		read <- string(b)
	}()
	u := New(tty, opt)
	story(u.Progress())
	u.Close()
	tty.Close()
	got := <-read
	ptmx.Close()
	return got
}

func TestTerminal(t *testing.T) {
	if got := onTerminal(t, Options{}); !strings.Contains(got, "\r") || !strings.Contains(got, "3/812") || !strings.Contains(got, "\x1b[32m") {
		t.Errorf("no bar, count or colour on a terminal: %q", got)
	}
	if got := onTerminal(t, Options{NoColor: true}); strings.Contains(got, "\x1b[32m") {
		t.Errorf("NO_COLOR ignored: %q", got)
	}
	if got := onTerminal(t, Options{Dumb: true}); strings.Contains(strings.ReplaceAll(got, "\r\n", ""), "\r") {
		t.Errorf("bar on a dumb terminal: %q", got)
	}
}

// A patient UI shows only failures and steps that take long.
func TestPatient(t *testing.T) {
	var b bytes.Buffer
	u := New(&b, Options{})
	u.Patient()
	story(u.Progress())
	u.Progress()(progress.Event{Step: "build kernel", State: progress.Waiting, Text: "waiting for another run"})
	u.Progress()(progress.Event{Step: "build ip", State: progress.Started})
	u.said["build ip"] = time.Now().Add(-2 * plainEvery)
	u.Progress()(progress.Event{Step: "build ip", State: progress.Advanced, Done: 3, Total: 7, Unit: "objects"})
	u.Progress()(progress.Event{Step: "build ip", State: progress.Finished, Elapsed: time.Minute})
	const want = `FAIL  boot: 1.5 s, log /console
note  build kernel: waiting for another run
....  build ip: 3/7 objects
done  build ip: 1m0s
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Nothing may be drawn after a step has ended: the guest's shell writes then.
func TestNothingIsDrawnAfterStep(t *testing.T) {
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var seen bytes.Buffer
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := ptmx.Read(b)
			if err != nil {
				return
			}
			mu.Lock()
			seen.Write(b[:n])
			mu.Unlock()
		}
	}()
	defer ptmx.Close()
	defer tty.Close()
	u := New(tty, Options{})
	u.Progress()(progress.Event{Step: "build guest init", State: progress.Started})
	u.Progress()(progress.Event{Step: "build guest init", State: progress.Finished})
	u.Close()
	const mark = "the guest speaks\r\n"
	io.WriteString(tty, "the guest speaks\n")
	text := func() string {
		mu.Lock()
		defer mu.Unlock()
		return seen.String()
	}
	for !strings.Contains(text(), mark) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(400 * time.Millisecond)
	if !strings.HasSuffix(text(), mark) {
		t.Errorf("drawn after the end: %q", text())
	}
}

func TestTerminalRestored(t *testing.T) {
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ptmx.Close()
	defer tty.Close()
	term, err := OpenTerminal(tty, tty)
	if err != nil {
		t.Fatal(err)
	}
	before := stty(t, tty)
	if err := term.Raw(); err != nil {
		t.Fatal(err)
	}
	if raw := stty(t, tty); raw == before {
		t.Error("Raw changed nothing")
	}
	term.Restore()
	term.Restore()
	if after := stty(t, tty); after != before {
		t.Errorf("after Restore %+v, before %+v", after, before)
	}
	if err := pty.Setsize(ptmx, &pty.Winsize{Cols: 97, Rows: 31}); err != nil {
		t.Fatal(err)
	}
	if c, r := term.Size(); c != 97 || r != 31 {
		t.Errorf("Size = %d x %d, want 97 x 31", c, r)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if n, err := OpenTerminal(null, &bytes.Buffer{}); err != nil || n.IsTerminal() || n.Raw() != nil {
		t.Errorf("/dev/null as a terminal: %v", err)
	}
}

// Every line clears the bar that was drawn before it.
func TestClear(t *testing.T) {
	for name, show := range map[string]func(*UI){
		"finished":   func(u *UI) { u.event(progress.Event{Step: "s", State: progress.Finished}) },
		"cached":     func(u *UI) { u.event(progress.Event{Step: "s", State: progress.Cached}) },
		"stopped":    func(u *UI) { u.event(progress.Event{Step: "s", State: progress.Stopped}) },
		"failed":     func(u *UI) { u.event(progress.Event{Step: "s", State: progress.Failed}) },
		"notice":     func(u *UI) { u.event(progress.Event{Step: "s", State: progress.Notice}) },
		"waiting":    func(u *UI) { u.event(progress.Event{Step: "s", State: progress.Waiting}) },
		"printf":     func(u *UI) { u.Printf("text") },
		"error":      func(u *UI) { u.Error("text") },
		"verdict":    func(u *UI) { u.Verdict(true, "text") },
		"incomplete": func(u *UI) { u.Incomplete("text") },
		"important":  func(u *UI) { u.Important("text") },
		"above":      func(u *UI) { u.Above(func() { fmt.Fprintln(u.w, "text") }) },
	} {
		var b bytes.Buffer
		u := New(&b, Options{})
		u.terminal = true
		u.event(progress.Event{Step: "s", State: progress.Started})
		if u.bar == nil {
			t.Fatal("no bar")
		}
		b.Reset()
		show(u)
		if u.bar != nil || !strings.HasPrefix(b.String(), eraseLine) || !strings.HasSuffix(b.String(), "\n") || strings.Count(b.String(), eraseLine) != 1 {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}
