// SPDX-License-Identifier: GPL-2.0-only OR MIT

package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

func TestIgnored(t *testing.T) {
	for path, want := range map[string]bool{
		"a/dev.c": false, "a/dev.h": false, "a/Makefile": false, "a/0001-x.patch": false, "a/49130": false, ".": false, "a/..": false,
		"a/4913": true, "a/.git": true, ".config": true, "a/x~": true, "a/x.o": true, "a/x.a": true, "a/x.ko": true, "a/x.cmd": true,
		"a/x.mod": true, "a/modules.order": true, "a/x.d": true, "a/x.swp": true, "a/x.swx": true, "a/x.tmp": true, "a/x.orig": true, "a/x.rej": true,
	} {
		if got := ignored(path); got != want {
			t.Errorf("ignored(%q) is %v", path, got)
		}
	}
}

func TestExplain(t *testing.T) {
	err := explain(fmt.Errorf("inotify: %w", unix.ENOSPC))
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "fs.inotify.max_user_watches") {
		t.Errorf("no watch left: %v", err)
	}
	if err := explain(unix.EIO); err != error(unix.EIO) {
		t.Errorf("another error: %v", err)
	}
}

func TestNewNeedsDirectory(t *testing.T) {
	if w, err := New(); w != nil || err == nil {
		t.Errorf("got %v, %v", w, err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	if w, err := New(t.TempDir(), missing); w != nil || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v, %v", w, err)
	}
}

// pending returns the result that Wait would return now, and resets it.
func pending(w *Watcher) (changed []string) {
	select {
	case <-w.woken:
	default:
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for path := range w.changed {
		changed = append(changed, path)
	}
	w.changed = map[string]bool{}
	slices.Sort(changed)
	return changed
}

// Events are given by hand, so that each kind is seen alone.
func TestEvent(t *testing.T) {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	dir := t.TempDir()
	sub, file := filepath.Join(dir, "sub"), filepath.Join(dir, "dev.c")
	deep := filepath.Join(sub, "deep")
	mustWrite(t, file)
	if err := os.MkdirAll(filepath.Join(sub, ".hidden"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	w := &Watcher{notify: n, changed: map[string]bool{}, woken: make(chan struct{}, 1)}
	for name, tt := range map[string]struct {
		event fsnotify.Event
		want  []string
	}{
		"write":                 {fsnotify.Event{Name: file, Op: fsnotify.Write}, []string{file}},
		"remove":                {fsnotify.Event{Name: file + "x", Op: fsnotify.Remove}, []string{file + "x"}},
		"mode":                  {fsnotify.Event{Name: file, Op: fsnotify.Chmod}, nil},
		"mode and write":        {fsnotify.Event{Name: file, Op: fsnotify.Chmod | fsnotify.Write}, []string{file}},
		"object":                {fsnotify.Event{Name: file + ".o", Op: fsnotify.Write}, nil},
		"write of a directory":  {fsnotify.Event{Name: deep, Op: fsnotify.Write}, nil},
		"create of a directory": {fsnotify.Event{Name: sub, Op: fsnotify.Create}, []string{sub}},
	} {
		if w.event(tt.event); true {
			if got := pending(w); !slices.Equal(got, tt.want) {
				t.Errorf("%s: got %q, want %q", name, got, tt.want)
			}
		}
	}
	watched := n.WatchList()
	slices.Sort(watched)
	if want := []string{sub, deep}; !slices.Equal(watched, want) {
		t.Errorf("watches %q, want %q", watched, want)
	}
}

// Errors of inotify reach the caller once. An overflow is a change.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	w := mustNew(t, dir)
	w.notify.Errors <- fsnotify.ErrEventOverflow
	if got := mustWait(t, w); !slices.Equal(got, []string{dir}) {
		t.Errorf("after an overflow: %q, want %q", got, dir)
	}
	w.notify.Errors <- unix.EIO
	if _, err := w.Wait(t.Context()); !errors.Is(err, unix.EIO) {
		t.Errorf("after an error: %v", err)
	}
	file := filepath.Join(dir, "dev.c")
	mustWrite(t, file)
	if got := mustWait(t, w); !slices.Equal(got, []string{file}) {
		t.Errorf("after that: %q, want %q", got, file)
	}
}

// Wait returns changes together if they follow one another closely, and each once.
func TestWaitSettles(t *testing.T) {
	dir := t.TempDir()
	w := mustNew(t, dir)
	want := []string{filepath.Join(dir, "a.c"), filepath.Join(dir, "b.c")}
	w.tell(func() { w.changed[want[1]] = true })
	time.AfterFunc(quiet/10, func() { w.tell(func() { w.changed[want[0]] = true }) })
	if got := mustWait(t, w); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// The context also ends the wait for silence.
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	w.tell(func() { w.changed[want[0]] = true })
	time.AfterFunc(quiet/10, func() { cancel(stop) })
	if _, err := w.Wait(ctx); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
}

func TestCloseTwice(t *testing.T) {
	w, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
