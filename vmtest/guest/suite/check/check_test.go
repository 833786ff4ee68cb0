// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/ktap"
)

// run runs tests as one group. It returns the result of each test, and how many failed.
func run(t *testing.T, r *Runner, tests ...Test) (map[string]ktap.Test, int) {
	t.Helper()
	var out bytes.Buffer
	r.Writer = ktap.NewWriter(&out)
	r.Rerun = func(name string) string { return "again " + name }
	failed, err := r.Run(context.Background(), []Group{{Name: "group", Tests: tests}})
	if err != nil {
		t.Fatal(err)
	}
	report, err := ktap.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) > 0 || len(report.Tests) != 1 {
		t.Fatalf("report %+v", report)
	}
	got := make(map[string]ktap.Test)
	for _, test := range report.Tests[0].Subtests {
		got[test.Name] = test
	}
	return got, failed
}

func TestOutcomes(t *testing.T) {
	var order []string
	got, failed := run(t, &Runner{},
		Test{Name: "passes", Run: func(t *T) { t.Logf("not shown"); t.Notef("counted %d", 7) }},
		Test{Name: "fails", Run: func(t *T) {
			t.Step("second step", func() { Equal(t, "number", 1, 2) })
			t.Errorf("and more")
		}},
		Test{Name: "ends", Run: func(t *T) {
			t.Cleanup(func() { order = append(order, "first") })
			t.Cleanup(func() { t.Fatalf("in a cleanup") })
			t.Cleanup(func() { order = append(order, "last") })
			t.Fatalf("the end")
			t.Errorf("not reached")
		}},
		Test{Name: "skips", Run: func(t *T) { t.Skipf("no %s", "reason") }},
		Test{Name: "skips-after-failing", Run: func(t *T) { t.Errorf("first"); t.Skipf("then") }},
		Test{Name: "panics", Run: func(t *T) {
			t.Cleanup(func() { order = append(order, "after panic") })
			var p *int
			*p = 1
		}},
		Test{Name: "panics-in-cleanup", Run: func(t *T) { t.Cleanup(func() { panic("cleanup") }) }},
	)
	if failed != 5 {
		t.Errorf("%d failed, want 5", failed)
	}
	for name, want := range map[string]ktap.Status{
		"passes": ktap.Pass, "fails": ktap.Fail, "ends": ktap.Fail, "skips": ktap.Skip,
		"skips-after-failing": ktap.Fail, "panics": ktap.Fail, "panics-in-cleanup": ktap.Fail,
	} {
		if got[name].Status != want {
			t.Errorf("%s: %v, want %v", name, got[name].Status, want)
		}
	}
	if text := strings.Join(got["passes"].Diag, "\n"); strings.Contains(text, "not shown") {
		t.Errorf("a test that passes shows %q", text)
	}
	if want := []string{"last", "first", "after panic"}; strings.Join(order, ",") != strings.Join(want, ",") {
		t.Errorf("cleanups ran as %q, want %q", order, want)
	}
	for name, words := range map[string][]string{
		"fails":             {"second step: number", "expected: 1", "seen:     2", "and more", "rerun: again group/fails"},
		"ends":              {"the end", "in a cleanup"},
		"passes":            {"counted 7"},
		"panics":            {"nil pointer", "check_test.go"},
		"panics-in-cleanup": {"panic: cleanup", "check_test.go"},
	} {
		text := strings.Join(got[name].Diag, "\n")
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", name, w, text)
			}
		}
	}
	if r := got["fails"].Reason; r != "second step: number" {
		t.Errorf("reason %q", r)
	}
	if r := got["skips"].Reason; r != "no reason" {
		t.Errorf("reason of the skip %q", r)
	}
	if d := strings.Join(got["passes"].Diag, "\n"); strings.Contains(d, "not shown") {
		t.Errorf("passed test shows its log: %s", d)
	}
	if strings.Contains(strings.Join(got["ends"].Diag, "\n"), "not reached") {
		t.Error("Fatalf did not end the test")
	}
}

func TestDeadline(t *testing.T) {
	release := make(chan struct{})
	gone := make(chan struct{})
	got, failed := run(t, &Runner{Scale: 0.2},
		Test{Name: "hangs", Timeout: 100 * time.Millisecond, Run: func(*T) {
			defer close(gone)
			<-release
		}},
		Test{Name: "heeds", Timeout: 100 * time.Millisecond, Run: func(t *T) { <-t.Context().Done() }},
		Test{Name: "next", Run: func(*T) {}},
	)
	close(release)
	<-gone
	if failed != 2 || got["hangs"].Status != ktap.Fail || got["heeds"].Status != ktap.Fail || got["next"].Status != ktap.Pass {
		t.Fatalf("%d failed: %+v", failed, got)
	}
	if !strings.Contains(strings.Join(got["hangs"].Diag, "\n"), "TestDeadline") {
		t.Errorf("no stack in %q", got["hangs"].Diag)
	}
}

func TestLeaks(t *testing.T) {
	var (
		left *os.File
		stop = make(chan struct{})
	)
	got, _ := run(t, &Runner{Scale: 0.1},
		Test{Name: "file", Run: func(t *T) {
			var err error
			left, err = os.Open(os.DevNull)
			t.Must(err, "open")
		}},
		Test{Name: "goroutine", Run: func(*T) { go func() { <-stop }() }},
		Test{Name: "nothing", Run: func(t *T) {
			f, err := os.Open(os.DevNull)
			t.Must(err, "open")
			t.Cleanup(func() { f.Close() })
			// A goroutine that ends soon after the test is not a leak.
			go func() { time.Sleep(time.Millisecond) }()
		}},
	)
	close(stop)
	left.Close()
	for name, word := range map[string]string{"file": os.DevNull, "goroutine": "TestLeaks"} {
		if got[name].Status != ktap.Fail || !strings.Contains(strings.Join(got[name].Diag, "\n"), word) {
			t.Errorf("%s: %+v, want a failure with %q", name, got[name], word)
		}
	}
	if got["nothing"].Status != ktap.Pass {
		t.Errorf("nothing: %+v", got["nothing"])
	}
}

// TestThreadLeak: a thread that stays in another network namespace is a leak of its own
// test, not of the tests after it. A thread that comes back is none.
func TestThreadLeak(t *testing.T) {
	stop := make(chan struct{})
	permitted := true
	unshare := func(t *T) {
		err := unix.Unshare(unix.CLONE_NEWNET)
		if permitted = !errors.Is(err, unix.EPERM); permitted {
			t.Must(err, "make a network namespace")
		}
	}
	got, _ := run(t, &Runner{Scale: 0.1},
		Test{Name: "comes-back", Run: func(t *T) {
			home, err := os.Open("/proc/thread-self/ns/net")
			t.Must(err, "open the network namespace")
			defer home.Close()
			if unshare(t); permitted {
				t.Must(unix.Setns(int(home.Fd()), unix.CLONE_NEWNET), "come back")
			}
		}},
		Test{Name: "stays", Run: func(t *T) {
			there := make(chan struct{})
			var stay func()
			stay = func() {
				runtime.LockOSThread() // the thread ends with the goroutine
				if unix.Gettid() == unix.Getpid() {
					go stay() // the main thread of a process never ends, so take another one
					<-stop
					runtime.UnlockOSThread()
					return
				}
				unshare(t)
				close(there)
				<-stop
			}
			go stay()
			<-there
		}},
		Test{Name: "after", Run: func(*T) {}},
	)
	close(stop)
	if !permitted {
		t.Log("not permitted to make a network namespace")
		return
	}
	const words = "thread in a network namespace of a test: "
	for name, leaks := range map[string]bool{"comes-back": false, "stays": true, "after": false} {
		if diag := strings.Join(got[name].Diag, "\n"); strings.Contains(diag, words) != leaks || (got[name].Status == ktap.Fail) != leaks {
			t.Errorf("%s: %+v, want a leak: %v", name, got[name], leaks)
		}
	}
}

// TestOwnThread: a test does not see changes that another test made to its thread.
func TestOwnThread(t *testing.T) {
	const name = "odd-name"
	seen := make(map[int]bool)
	test := func(t *T) {
		if tid := unix.Gettid(); seen[tid] || tid == unix.Getpid() {
			t.Errorf("thread %d is not a new one", tid)
		} else {
			seen[tid] = true
		}
		comm, err := os.ReadFile("/proc/thread-self/comm")
		t.Must(err, "read name")
		if strings.TrimSpace(string(comm)) == name {
			t.Errorf("thread has the name that another test gave it")
		}
		t.Must(os.WriteFile("/proc/thread-self/comm", []byte(name), 0), "name the thread")
	}
	var tests []Test
	for _, n := range []string{"a", "b", "c", "d", "e", "f"} {
		tests = append(tests, Test{Name: n, Run: test})
	}
	if got, failed := run(t, &Runner{}, tests...); failed != 0 {
		t.Errorf("%+v", got)
	}
}

func TestGate(t *testing.T) {
	ran := make(map[string]bool)
	mark := func(t *T) { ran[t.Name()] = true }
	fail := func(t *T) { t.Errorf("by itself") }
	r := &Runner{Gate: func(_ string, test Test) Decision {
		switch test.Name {
		case "skip":
			return Decision{Skip: "why"}
		case "fail":
			return Decision{Fail: "how"}
		case "doubt", "doubt-fails":
			return Decision{Doubt: "too good"}
		}
		return Decision{}
	}}
	got, failed := run(t, r, Test{Name: "skip", Run: mark}, Test{Name: "fail", Run: mark},
		Test{Name: "doubt", Run: mark}, Test{Name: "doubt-fails", Run: fail}, Test{Name: "free", Run: mark})
	if failed != 3 {
		t.Errorf("%d failed, want 3", failed)
	}
	for name, want := range map[string]struct {
		status ktap.Status
		reason string
		ran    bool
	}{
		"skip": {ktap.Skip, "why", false}, "fail": {ktap.Fail, "how", false}, "doubt": {ktap.Fail, "too good", true},
		"doubt-fails": {ktap.Fail, "by itself", false}, "free": {ktap.Pass, "", true},
	} {
		g := got[name]
		if g.Status != want.status || g.Reason != want.reason || ran["group/"+name] != want.ran {
			t.Errorf("%s: %v %q ran=%v, want %+v", name, g.Status, g.Reason, ran["group/"+name], want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var out bytes.Buffer
	r := &Runner{Writer: ktap.NewWriter(&out)}
	_, err := r.Run(ctx, []Group{{Name: "group", Tests: []Test{
		{Name: "a", Run: func(*T) { cancel() }},
		{Name: "b", Run: func(*T) { t.Error("ran after cancellation") }},
	}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestBrokenWriter: if the report cannot be written, Run returns an error.
func TestBrokenWriter(t *testing.T) {
	r := &Runner{Writer: ktap.NewWriter(brokenWriter{})}
	if _, err := r.Run(context.Background(), []Group{{Name: "g", Tests: []Test{{Name: "a", Run: func(*T) {}}}}}); err == nil {
		t.Error("no error")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

// TestAfter: Runner.After is called after each test that ran, before its result is reported.
func TestAfter(t *testing.T) {
	var order []string
	_, failed := run(t, &Runner{
		After: func(name string) { order = append(order, "after "+name) },
		Gate: func(_ string, test Test) Decision {
			if test.Name == "skipped" {
				return Decision{Skip: "why"}
			}
			return Decision{}
		},
	},
		Test{Name: "passes", Run: func(t *T) {
			t.Cleanup(func() { order = append(order, "cleanup") })
			order = append(order, "passes")
		}},
		Test{Name: "skipped", Run: func(t *T) { order = append(order, "skipped") }},
		Test{Name: "fails", Run: func(t *T) { t.Errorf("x") }},
	)
	want := []string{"passes", "cleanup", "after group/passes", "after group/fails"}
	if failed != 1 || !slices.Equal(order, want) {
		t.Errorf("%d failed, order %q", failed, order)
	}
}
