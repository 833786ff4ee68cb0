// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package watch waits until source files change, so that a test can be run
// again as soon as an editor has written one.
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

// quiet is how long nothing must have changed before a change is told: an
// editor, and git even more, writes several files for one.
const quiet = 300 * time.Millisecond

// Watcher collects changes below some directories, from [New] on and also
// while nobody waits. Close it after use.
type Watcher struct {
	notify *fsnotify.Watcher
	done   chan struct{}
	// first of the directories stands for changes that are too many to name.
	first string

	mu      sync.Mutex
	changed map[string]bool
	err     error
	// woken has room for one: something is in changed or err.
	woken chan struct{}
}

// New watches dirs and all directories in them, those that are made later
// included. What is no source, such as objects, backups of editors and what
// git keeps for itself, is passed over.
//
// Returns an error wrapping [fs.ErrNotExist] if there is no such directory.
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

// explain says what to do about the limit that large trees run into.
func explain(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w (raise it: sysctl fs.inotify.max_user_watches=524288)", err)
	}
	return err
}

// add watches dir and what is in it.
func (w *Watcher) add(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			// What goes away while it is looked at is none of ours, but what
			// was asked for has to be there.
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
				// Something changed; what, nobody knows any more.
				w.tell(func() { w.changed[w.first] = true })
				continue
			}
			w.tell(func() { w.err = errors.Join(w.err, err) })
		}
	}
}

func (w *Watcher) event(e fsnotify.Event) {
	// A change of mode or times alone changes no source.
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

// tell makes a note and wakes who waits.
func (w *Watcher) tell(note func()) {
	w.mu.Lock()
	note()
	w.mu.Unlock()
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Wait returns the paths that have changed since the last call, sorted, once
// there are any and nothing more has changed for a moment. Its error is that
// of ctx, or that changes may have been missed.
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

// Close ends the watching. Closing twice does no harm.
func (w *Watcher) Close() error {
	err := w.notify.Close()
	<-w.done
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return nil
}

// suffixes are of files that builds and editors leave behind.
var suffixes = []string{"~", ".o", ".a", ".ko", ".cmd", ".mod", ".order", ".d", ".swp", ".swx", ".tmp", ".orig", ".rej"}

// ignored tells whether a path is none of a source: hidden, or a by-product.
// 4913 is what vi writes to see whether it can.
func ignored(path string) bool {
	name := filepath.Base(path)
	if name == "4913" || strings.HasPrefix(name, ".") && name != "." && name != ".." {
		return true
	}
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}
