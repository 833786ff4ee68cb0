// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/progress"
)

// steps are the events that begin or end a step.
type steps struct {
	mu     sync.Mutex
	events []progress.Event
}

func (s *steps) add(e progress.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.State != progress.Advanced {
		e.Elapsed = 0
		s.events = append(s.events, e)
	}
}

func (s *steps) expect(t *testing.T, name string, want ...progress.Event) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.events); diff != "" {
		t.Errorf("%s: steps (-want +got)\n%s", name, diff)
	}
}

// TestReproducerFiles: a program that makes the kernel panic again is written down, with
// the tools that run it. The search is a step that the user sees.
func TestReproducerFiles(t *testing.T) {
	const twoPrograms = "executing program 0:\nopen()\n\nexecuting program 0:\nclose(0x3)\n"
	workbench := errors.New("no space")
	started := progress.Event{Step: "reproduce", State: progress.Started, Text: "2 programs"}
	ended := func(s progress.State) []progress.Event {
		return []progress.Event{started, {Step: "reproduce", State: s}}
	}
	for name, tt := range map[string]struct {
		log, complaint string
		noTools        bool
		// fails is the error of a guest, want the error of reproduce.
		fails, want error
		found       bool
		steps       []progress.Event
	}{
		"again":                {log: twoPrograms, complaint: "BUG", found: true, steps: ended(progress.Finished)},
		"not again":            {log: twoPrograms, steps: ended(progress.Finished)},
		"guest does not boot":  {log: twoPrograms, fails: workbench, want: workbench, steps: ended(progress.Failed)},
		"interrupted":          {log: twoPrograms, fails: context.Canceled, want: context.Canceled, steps: ended(progress.Stopped)},
		"no tools":             {log: twoPrograms, complaint: "BUG", noTools: true, want: os.ErrNotExist, found: true, steps: ended(progress.Failed)},
		"log without programs": {log: "12:00 nothing\n"},
		"no log":               {want: os.ErrNotExist},
	} {
		dir, bin := t.TempDir(), t.TempDir()
		tools := &Tools{Executor: filepath.Join(bin, "syz-executor"), Execprog: filepath.Join(bin, "syz-execprog")}
		if !tt.noTools {
			if err := errors.Join(os.WriteFile(tools.Executor, []byte("executor"), 0o600), os.WriteFile(tools.Execprog, []byte("execprog"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if tt.log != "" {
			if err := os.WriteFile(filepath.Join(dir, LogFile), []byte(tt.log), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var steps steps
		var res Result
		opt := &Options{Dir: dir, Tools: tools, Progress: steps.add}
		err := opt.reproduce(t.Context(), &res, func(_ context.Context, list []string) (string, []string, error) {
			if !strings.Contains(strings.Join(list, ""), "close(0x3)") {
				return "", list, tt.fails
			}
			return tt.complaint, list, tt.fails
		})
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		steps.expect(t, name, tt.steps...)
		if (res.Reproducer != nil) != tt.found {
			t.Errorf("%s: %+v", name, res.Reproducer)
		}
		for file, want := range map[string]string{"syz-executor": "executor", "syz-execprog": "execprog", ReproducerFile: "executing program 0:\nclose(0x3)\n\n"} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if !tt.found || tt.want != nil {
				if !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %s: %q, %v, want no file", name, file, text, err)
				}
				continue
			}
			if err != nil || string(text) != want {
				t.Errorf("%s: %s: %q, %v, want %q", name, file, text, err, want)
			}
			if info, err := os.Stat(filepath.Join(dir, file)); file != ReproducerFile && (err != nil || info.Mode().Perm()&0o111 == 0) {
				t.Errorf("%s: %s cannot be executed: %v, %v", name, file, info, err)
			}
		}
	}
}
