// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/progress"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func netNext() Record {
	return Record{Kind: Suite, Subject: Subject{Base: "net-next"}, Started: noon, Command: []string{"xpsgen", "vmtest"},
		Inputs: Inputs{"suite": "1"}}
}

// childVar names the store in which a child process begins a run and waits to
// be killed.
const childVar = "XPSGEN_TEST_RUNS_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		run, err := (&Store{Dir: dir}).Begin(child{}, netNext())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(run.Record.ID)
		time.Sleep(time.Minute)
	}
	os.Exit(m.Run())
}

// child is the context of a process that is killed.
type child struct{}

func (child) Deadline() (time.Time, bool) { return time.Time{}, false }
func (child) Done() <-chan struct{}       { return nil }
func (child) Err() error                  { return nil }
func (child) Value(any) any               { return nil }

func TestBeginEnd(t *testing.T) {
	s := &Store{Dir: filepath.Join(t.TempDir(), "out", "runs")}
	if all, err := s.List(); err != nil || len(all) != 0 {
		t.Fatalf("List of no store = %v, %v", all, err)
	}
	run, err := s.Begin(t.Context(), netNext())
	if err != nil {
		t.Fatal(err)
	}
	if want := "20261129-120000-net-next-suite"; run.Record.ID != want {
		t.Errorf("ID = %s, want %s", run.Record.ID, want)
	}
	seen, err := Read(run.Dir())
	if err != nil || seen.State != Running {
		t.Fatalf("while it runs: %+v, %v", seen, err)
	}
	run.Record.Seed, run.Record.Counts = 7, Counts{Pass: 2, Planned: 3}
	if err := run.End(Failed); err != nil {
		t.Fatal(err)
	}
	if err := run.End(Passed); err != nil {
		t.Fatal(err)
	}
	seen, err = Read(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&run.Record, seen); diff != "" {
		t.Errorf("read back (-wrote +read):\n%s", diff)
	}
	if seen.State != Failed || seen.Elapsed() <= 0 {
		t.Errorf("state %s, elapsed %s", seen.State, seen.Elapsed())
	}
}

// TestConcurrentRuns begins runs at the same time: none shares a directory, and
// a link always points to one of them.
func TestConcurrentRuns(t *testing.T) {
	out := t.TempDir()
	s, link := &Store{Dir: filepath.Join(out, "runs")}, filepath.Join(out, "net-next")
	const n = 20
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			run, err := s.Begin(t.Context(), netNext())
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(run.Point(link, ""), run.End(Passed)); err != nil {
				t.Error(err)
			}
			if _, err := Read(link); err != nil {
				t.Errorf("through the link: %v", err)
			}
		})
	}
	wg.Wait()
	all, err := s.List()
	if err != nil || len(all) != n {
		t.Errorf("%d runs, %v, want %d", len(all), err, n)
	}
	if left, _ := filepath.Glob(filepath.Join(out, ".tmp-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestKilledRunIsInterrupted(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+s.Dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.Dir, strings.TrimSpace(string(line[:n])))
	r, err := Read(dir)
	if err != nil || r.State != Running {
		t.Errorf("before: %v, %v, want running", r, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	r, err = Read(dir)
	if err != nil || r.State != Interrupted || len(r.Reasons) != 1 {
		t.Errorf("after: %+v, %v, want interrupted", r, err)
	}
}

// TestBeginInWaits: of two runs in one directory the later one waits, and says
// so.
func TestBeginInWaits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	first, err := BeginIn(t.Context(), dir, netNext(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var told atomic.Bool
	begun := make(chan error)
	go func() {
		second, err := BeginIn(t.Context(), dir, netNext(), func(progress.Event) { told.Store(true) })
		if err == nil {
			err = second.End(Failed)
		}
		begun <- err
	}()
	for !told.Load() {
		select {
		case err := <-begun:
			t.Fatalf("the second did not wait: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if err := first.End(Passed); err != nil {
		t.Fatal(err)
	}
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	if r, err := Read(dir); err != nil || r.State != Failed {
		t.Errorf("left %v, %v, want the second run", r, err)
	}
}

func TestPointSetsAside(t *testing.T) {
	out := t.TempDir()
	s, link := &Store{Dir: filepath.Join(out, "runs")}, filepath.Join(out, "net-next")
	for _, dir := range []string{link, link + ".before-runs"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(link, "results.json"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	run, err := s.Begin(t.Context(), netNext())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(run.Point(link, ""), run.Point(link, ""), run.End(Passed)); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != "runs/"+run.Record.ID {
		t.Errorf("link to %q, %v", target, err)
	}
	kept, err := os.ReadFile(filepath.Join(link+".before-runs-2", "results.json"))
	if err != nil || string(kept) != "old" {
		t.Errorf("the old results: %q, %v", kept, err)
	}
}

func TestFind(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	for i, base := range []string{"net-next", "net-next", "6.12"} {
		r := netNext()
		r.Base, r.Started = base, noon.Add(time.Duration(i)*time.Minute)
		run, err := s.Begin(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if err := run.End(Passed); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"last":                           "20261129-120200-6.12-suite",
		"6.12":                           "20261129-120200-6.12-suite",
		"120100":                         "20261129-120100-net-next-suite",
		"20261129-120000-net-next-suite": "20261129-120000-net-next-suite",
		filepath.Join(s.Dir, "20261129-120000-net-next-suite"): "20261129-120000-net-next-suite",
		"net-next":                          "",
		"nosuch":                            "",
		filepath.Join(t.TempDir(), "empty"): "",
	} {
		r, err := s.Find(name)
		switch {
		case want == "" && !errors.Is(err, ErrUnknown):
			t.Errorf("Find(%s) = %v, %v, want ErrUnknown", name, r, err)
		case want != "" && (err != nil || r.ID != want):
			t.Errorf("Find(%s) = %v, %v, want %s", name, r, err, want)
		}
	}
}

func TestReadRefusesHalfARecord(t *testing.T) {
	for name, text := range map[string]string{"not JSON": "{", "null": "null", "no kind": `{"state": "passed"}`, "no state": `{"kind": "suite"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, RecordFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if r, err := Read(dir); err == nil {
			t.Errorf("%s: read as %+v", name, r)
		}
		if _, err := (&Store{Dir: filepath.Dir(dir)}).List(); err == nil {
			t.Errorf("%s: listed without an error", name)
		}
	}
}
