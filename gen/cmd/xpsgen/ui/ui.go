// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package ui shows progress events on stderr: as bars on a terminal, and as
// plain lines elsewhere. It also sets the mode of the terminal for interactive
// guests.
package ui

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"xpsgen/vmtest/progress"
)

// Color is the value of --color.
type Color int

const (
	// ColorAuto uses colours on a terminal, unless NO_COLOR is set.
	ColorAuto Color = iota
	// ColorAlways always uses colours.
	ColorAlways
	// ColorNever never uses colours.
	ColorNever
)

// ParseColor reads the value of --color.
func ParseColor(s string) (Color, error) {
	switch s {
	case "auto", "":
		return ColorAuto, nil
	case "always":
		return ColorAlways, nil
	case "never":
		return ColorNever, nil
	}
	return 0, fmt.Errorf("--color: %q is not auto, always or never", s)
}

// Options of a [UI]. With the zero value, the UI draws bars and colours if it
// writes to a terminal.
type Options struct {
	Color Color
	// Quiet hides progress and notices, but no errors.
	Quiet bool
	// NoColor says that NO_COLOR is in the environment.
	NoColor bool
	// Dumb says that the terminal cannot move its cursor.
	Dumb bool
}

// plainEvery is the interval of progress lines if the output is not a terminal. A CI log must
// show progress, but stay short.
const plainEvery = 15 * time.Second

// UI shows events. It is safe for concurrent use.
type UI struct {
	mu       sync.Mutex
	w        io.Writer
	opt      Options
	terminal bool
	color    bool
	bar      *bar
	said     map[string]time.Time
	// patient is set by [UI.Patient]. slow has the steps that ran long enough to print
	// their progress.
	patient bool
	slow    map[string]bool
}

// New returns a UI that writes to w. The caller keeps ownership of w.
func New(w io.Writer, opt Options) *UI {
	u := &UI{w: w, opt: opt, said: make(map[string]time.Time), slow: make(map[string]bool)}
	if f, ok := w.(*os.File); ok {
		u.terminal = term.IsTerminal(int(f.Fd())) && !opt.Dumb
	}
	switch opt.Color {
	case ColorAlways:
		u.color = true
	case ColorAuto:
		u.color = u.terminal && !opt.NoColor
	}
	return u
}

// Patient hides notices, cached steps and the lines of short steps. It is for a
// command whose stderr also has the output of another program.
func (u *UI) Patient() { u.patient = true }

// Terminal reports whether the UI draws bars.
func (u *UI) Terminal() bool { return u.terminal }

// Progress returns the function that receives the engine's events.
func (u *UI) Progress() progress.Func { return u.event }

func (u *UI) event(e progress.Event) {
	if u.opt.Quiet {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch e.State {
	case progress.Started:
		u.started(e)
	case progress.Advanced:
		u.advanced(e)
	case progress.Finished:
		u.clear()
		if u.patient && !u.slow[e.Step] {
			return
		}
		u.line(green, "done", e.Step, join(e.Text, seconds(e.Elapsed)))
	case progress.Cached:
		u.clear()
		if u.patient {
			return
		}
		u.line(green, "have", e.Step, e.Text)
	case progress.Stopped:
		u.clear()
		u.line(plain, "stop", e.Step, seconds(e.Elapsed))
	case progress.Failed:
		u.clear()
		u.line(red, "FAIL", e.Step, join(e.Text, seconds(e.Elapsed), logAt(e.Log)))
	case progress.Notice:
		u.clear()
		if !u.patient {
			u.line(yellow, "note", e.Step, e.Text)
		}
	case progress.Waiting:
		u.clear()
		u.line(yellow, "note", e.Step, e.Text)
	}
}

func (u *UI) started(e progress.Event) {
	u.said[e.Step] = time.Now()
	u.clear()
	if u.terminal {
		u.bar = newBar(u.w, e)
		return
	}
	if !u.patient {
		u.line(plain, "....", e.Step, join(e.Text, logAt(e.Log)))
	}
}

func (u *UI) advanced(e progress.Event) {
	if u.terminal {
		if u.bar == nil || u.bar.step != e.Step {
			u.clear()
			u.bar = newBar(u.w, e)
		}
		u.bar.set(e)
		return
	}
	if time.Since(u.said[e.Step]) < plainEvery {
		return
	}
	u.said[e.Step] = time.Now()
	u.slow[e.Step] = true
	u.line(plain, "....", e.Step, join(count(e), e.Text))
}

// Error prints the error of a failed command, even if Quiet is set.
func (u *UI) Error(text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
	fmt.Fprintf(u.w, "%s %s\n", u.paint(red, "xpsgen:"), text)
}

// Printf prints a line above the bar, unless Quiet is set.
func (u *UI) Printf(format string, args ...any) {
	if u.opt.Quiet {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
	fmt.Fprintf(u.w, format+"\n", args...)
}

// Close removes the bar. The UI stays usable.
func (u *UI) Close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
}

// Above removes the bar while f runs. f may write to the same terminal through another
// stream.
func (u *UI) Above(f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
	f()
}

func (u *UI) clear() {
	if u.bar != nil {
		u.bar.clear()
		u.bar = nil
	}
}

func (u *UI) line(c colour, mark, step, text string) {
	out := u.paint(c, mark) + "  " + step
	if text != "" {
		out += ": " + text
	}
	fmt.Fprintln(u.w, out)
}

func join(parts ...string) string {
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ", ")
}

func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func logAt(path string) string {
	if path == "" {
		return ""
	}
	return "log " + path
}

// Verdict prints the verdict of a run. Quiet hides it only if the run passed.
func (u *UI) Verdict(passed bool, text string) {
	if passed && u.opt.Quiet {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
	if passed {
		u.line(green, "PASS", text, "")
		return
	}
	u.line(red, "FAIL", text, "")
}

// Incomplete prints that there is no verdict, since something was not run.
func (u *UI) Incomplete(text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
	u.line(yellow, "----", text, "")
}

// Important prints a line that needs an action of the user, even if Quiet is set.
func (u *UI) Important(text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
	fmt.Fprintln(u.w, text)
}
