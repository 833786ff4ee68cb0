// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Entry is one thing in the cache that can be removed by itself.
type Entry struct {
	// Kind is the directory of the cache that contains it: "kernel", "image",
	// "work".
	Kind string
	// Path is its path. It begins with the path of the cache.
	Path string
	// Bytes is its size on disk.
	Bytes int64
	// Used is when it was last used.
	Used time.Time
	// Left says that an interrupted run left it incomplete.
	Left bool
}

// sources are the kinds that are fetched from elsewhere. [Prune] keeps them.
var sources = []string{"apt", "base", "download"}

// young is the time since the last use for which an entry is kept. A run may be
// about to use what it has just built or found.
const young = time.Hour

// List returns the entries of the cache dir, the entry used longest ago first.
func List(ctx context.Context, dir string) ([]Entry, error) {
	kinds, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the cache: %w", err)
	}
	var all []Entry
	for _, k := range kinds {
		if !k.IsDir() || k.Name() == "lock" {
			continue
		}
		inside, err := os.ReadDir(filepath.Join(dir, k.Name()))
		if err != nil {
			return nil, fmt.Errorf("list the cache: %w", err)
		}
		for _, e := range inside {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			info, err := e.Info()
			if err != nil {
				continue // somebody else has removed it
			}
			path := filepath.Join(dir, k.Name(), e.Name())
			all = append(all, Entry{Kind: k.Name(), Path: path, Bytes: diskUsage(path), Used: lastUsed(path, info),
				Left: strings.HasPrefix(e.Name(), tempPrefix)})
		}
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return a.Used.Compare(b.Used) })
	return all, nil
}

// lastUsed is when an entry was changed last; of a working tree, when its lock was
// taken last.
func lastUsed(path string, info fs.FileInfo) time.Time {
	if lock, err := os.Stat(filepath.Join(path, "lock")); err == nil && lock.ModTime().After(info.ModTime()) {
		return lock.ModTime()
	}
	return info.ModTime()
}

// diskUsage returns the size on disk of a file, or of a directory with its content. A
// file with two names counts once.
func diskUsage(path string) (n int64) {
	type inode struct{ dev, ino uint64 }
	seen := make(map[inode]bool)
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // removed meanwhile, or not readable
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && !seen[inode{st.Dev, st.Ino}] {
			seen[inode{st.Dev, st.Ino}] = true
			n += st.Blocks * 512
		}
		return nil
	})
	return n
}

// PruneOptions select the entries to remove.
type PruneOptions struct {
	// Older removes entries that were not used for this long; 0 means no limit.
	Older time.Duration
	// MaxBytes removes what was used longest ago until the rest takes no more; 0
	// means no limit.
	MaxBytes int64
	// Now is the time to count from; zero means now.
	Now time.Time
	// Dry removes nothing.
	Dry bool
}

// Prune removes leftovers of interrupted runs from the cache dir, and entries by opt.
// It keeps entries used in the last hour, entries that a run has locked, and
// sources, which would have to be downloaded again. It returns the removed entries.
func Prune(ctx context.Context, dir string, opt PruneOptions) (removed []Entry, err error) {
	all, err := List(ctx, dir)
	if err != nil {
		return nil, err
	}
	if opt.Now.IsZero() {
		opt.Now = time.Now()
	}
	var total int64
	for _, e := range all {
		total += e.Bytes
	}
	for _, e := range all {
		age := opt.Now.Sub(e.Used)
		old := opt.Older > 0 && age > opt.Older || opt.MaxBytes > 0 && total > opt.MaxBytes
		if age < young || slices.Contains(sources, e.Kind) || !old && !e.Left || locked(e.Path) {
			continue
		}
		if !opt.Dry {
			if err := removeAll(e.Path); err != nil {
				return removed, fmt.Errorf("prune the cache: %w", err)
			}
		}
		total -= e.Bytes
		removed = append(removed, e)
		if ctx.Err() != nil {
			return removed, context.Cause(ctx)
		}
	}
	return removed, nil
}

// removeAll renames path and then removes it, so that no run uses a half removed entry.
func removeAll(path string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(path), tempPrefix+"gone-*")
	if err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(tmp, "x")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return os.RemoveAll(tmp)
}

// locked reports whether a run holds the lock in a directory.
func locked(path string) bool {
	f, err := os.Open(filepath.Join(path, "lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
}

// PruneDir keeps the n entries of dir that were used last, and all entries used in
// the last hour. It removes leftovers of interrupted runs. It is for directories
// that each run may add to.
func PruneDir(dir string, n int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type used struct {
		path string
		at   time.Time
		left bool
	}
	var all []used
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			all = append(all, used{filepath.Join(dir, e.Name()), info.ModTime(), strings.HasPrefix(e.Name(), tempPrefix)})
		}
	}
	slices.SortFunc(all, func(a, b used) int { return b.at.Compare(a.at) })
	kept := 0
	for _, u := range all {
		if !u.left {
			kept++
		}
		if time.Since(u.at) < young || !u.left && kept <= n {
			continue
		}
		if err := os.RemoveAll(u.path); err != nil {
			return err
		}
	}
	return nil
}
