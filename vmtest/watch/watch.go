// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package watch waits until source files change, so that a test can run again after an edit.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// quiet is the time without a change after which Wait reports. An editor, and even more
// so git, writes several files in a row.
const quiet = 300 * time.Millisecond

// Watcher collects changes below some directories. It starts with [New] and also collects
// between calls of Wait. Close it after use.
type Watcher struct {
	notify *fsnotify.Watcher
	done   chan struct{}
	// first is the directory to report when inotify lost the names of the changes.
	first string

	mu      sync.Mutex
	changed map[string]bool
	err     error
	// woken holds one token: changed or err is set.
	woken chan struct{}
}

// New watches dirs with all subdirectories, including those created later. It ignores
// files that are not sources: objects, editor backups, git's own files.
//
// It returns an error wrapping [fs.ErrNotExist] if a directory is missing.
func New(dirs ...string) (*Watcher, error) {
	if len(dirs) == 0 {
		return nil, errors.New("watch: no directory to watch")
	}
	n, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	w := &Watcher{notify: n, done: make(chan struct{}), first: dirs[0], changed: map[string]bool{}, woken: make(chan struct{}, 1)}
	for _, dir := range dirs {
		if err := w.add(dir); err != nil {
			return nil, errors.Join(fmt.Errorf("watch %s: %w", dir, explain(err)), n.Close())
		}
	}
	go w.collect()
	return w, nil
}

// explain adds the remedy for the inotify limit, which large trees exceed.
func explain(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w (raise it: sysctl fs.inotify.max_user_watches=524288)", err)
	}
	return err
}

// add watches dir and its subdirectories.
func (w *Watcher) add(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			// A path below dir may disappear during the walk. dir itself must
			// exist.
			if path != dir && errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if !d.IsDir() {
			return nil
		}
		if path != dir && ignored(path) {
			return filepath.SkipDir
		}
		return w.notify.Add(path)
	})
}

// collect runs until the watcher is closed.
func (w *Watcher) collect() {
	defer close(w.done)
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			w.event(e)
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				// The queue overflowed, so the names of the changes are lost.
				w.tell(func() { w.changed[w.first] = true })
				continue
			}
			w.tell(func() { w.err = errors.Join(w.err, err) })
		}
	}
}

func (w *Watcher) event(e fsnotify.Event) {
	// A change of mode or times alone does not change a source.
	if ignored(e.Name) || e.Op == fsnotify.Chmod {
		return
	}
	if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
		if !e.Has(fsnotify.Create) {
			return
		}
		if err := w.add(e.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.tell(func() { w.err = errors.Join(w.err, explain(err)) })
		}
	}
	w.tell(func() { w.changed[e.Name] = true })
}

// tell runs note under the lock and wakes the waiter.
func (w *Watcher) tell(note func()) {
	w.mu.Lock()
	note()
	w.mu.Unlock()
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Wait returns the sorted paths that changed since the last call. It waits for the first
// change, and then until no file changes for a moment. The error is that of ctx, or says
// that changes may have been missed.
func (w *Watcher) Wait(ctx context.Context) ([]string, error) {
	select {
	case <-w.woken:
	case <-ctx.Done():
		return nil, fmt.Errorf("watch: %w", context.Cause(ctx))
	}
	for settled := false; !settled; {
		select {
		case <-w.woken:
		case <-time.After(quiet):
			settled = true
		case <-ctx.Done():
			return nil, fmt.Errorf("watch: %w", context.Cause(ctx))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	changed, err := slices.Sorted(maps.Keys(w.changed)), w.err
	w.changed, w.err = map[string]bool{}, nil
	if err != nil {
		return changed, fmt.Errorf("watch: %w", err)
	}
	return changed, nil
}

// Close stops watching. A second call does nothing.
func (w *Watcher) Close() error {
	err := w.notify.Close()
	<-w.done
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return nil
}

// suffixes are the suffixes of files that builds and editors leave behind.
var suffixes = []string{"~", ".o", ".a", ".ko", ".cmd", ".mod", ".order", ".d", ".swp", ".swx", ".tmp", ".orig", ".rej"}

// ignored reports whether a path is hidden or a by-product. vi creates the file 4913 to
// test whether it can write.
func ignored(path string) bool {
	name := filepath.Base(path)
	if name == "4913" || strings.HasPrefix(name, ".") && name != "." && name != ".." {
		return true
	}
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}
