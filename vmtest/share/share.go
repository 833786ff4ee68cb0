// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package share copies entries of the cache to a store and back, so that another machine
// does not build them again. A store is a directory, or a web server that accepts PUT. An
// entry is one file there, KIND/NAME.tar.gz. The name of an entry is the hash of its
// inputs, so an entry never changes and two machines may write it at once.
//
// A store decides what a machine boots. Use one only if you trust everybody who can
// write to it.
package share

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/cache"
)

// Suffix ends the names of the files in a store.
const Suffix = ".tar.gz"

// kinds are the kinds of entries in a store, in the order in which they are copied.
// Other kinds depend on the machine, as working trees do, or are made in seconds.
var kinds = []string{"base", "kernel", "iproute2", "bpftool", "guest", "selftests", "ynl", "headers"}

// Kinds lists the kinds of entries that a store has.
func Kinds() []string { return slices.Clone(kinds) }

// Options say what to copy.
type Options struct {
	// Cache is the cache directory.
	Cache string
	// Kinds are some of [Kinds]; empty means all.
	Kinds []string
	// Newer leaves out entries that were made before. Only [Push] looks at it.
	Newer time.Time
	// Done is called with each entry after it was copied. May be nil.
	Done func(name string, bytes int64)
}

func (o *Options) takes(name string) bool {
	kind, _, _ := strings.Cut(name, "/")
	return slices.Contains(kinds, kind) && (len(o.Kinds) == 0 || slices.Contains(o.Kinds, kind))
}

func (o *Options) done(name string, bytes int64) {
	if o.Done != nil {
		o.Done(name, bytes)
	}
}

// Store keeps files under names of the form KIND/FILE.
type Store interface {
	// List returns the names of all files.
	List(ctx context.Context) ([]string, error)
	// Get opens a file. The caller closes it.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// Put writes a file whole or not at all. data is at its beginning and has a name.
	Put(ctx context.Context, name string, data *os.File) error
	// Close writes what the store remembers of its files.
	Close(ctx context.Context) error
}

// Open returns the store at a directory, which need not exist, or at an http or https
// URL.
func Open(where string) (Store, error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		return newWeb(where), nil
	}
	if strings.Contains(where, "://") {
		return nil, fmt.Errorf("open store %s: want a directory or an http or https URL", where)
	}
	return directory(where), nil
}

// Push copies entries that the store lacks. It returns how many.
func Push(ctx context.Context, s Store, opt Options) (n int, err error) {
	have, err := s.List(ctx)
	if err != nil {
		return 0, err
	}
	for _, kind := range kinds {
		entries, err := os.ReadDir(filepath.Join(opt.Cache, kind))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("push: %w", err)
		}
		for _, e := range entries {
			name := kind + "/" + e.Name() + Suffix
			if strings.HasPrefix(e.Name(), ".") || !opt.takes(name) || slices.Contains(have, name) {
				continue
			}
			made, err := birth(filepath.Join(opt.Cache, kind, e.Name()))
			if err != nil || made.Before(opt.Newer) {
				continue // older, or gone meanwhile
			}
			if err := push(ctx, s, &opt, filepath.Join(opt.Cache, kind, e.Name()), name); err != nil {
				return n, fmt.Errorf("push %s: %w", name, err)
			}
			n++
		}
	}
	return n, s.Close(ctx)
}

// birth is when an entry was made. The time of change of a base is no measure: applying
// patches adds to it. A file system without times of birth has only that.
func birth(path string) (time.Time, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME|unix.STATX_MTIME, &st); err != nil {
		return time.Time{}, err
	}
	at := st.Mtime
	if st.Mask&unix.STATX_BTIME != 0 {
		at = st.Btime
	}
	return time.Unix(at.Sec, int64(at.Nsec)), nil
}

func push(ctx context.Context, s Store, opt *Options, from, name string) error {
	f, err := os.CreateTemp("", "xpsgen-push-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := pack(ctx, f, from); err != nil {
		return err
	}
	bytes, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.Put(ctx, name, f); err != nil {
		return err
	}
	opt.done(name, bytes)
	return nil
}

// Pull copies entries that the cache lacks. It returns how many.
func Pull(ctx context.Context, s Store, opt Options) (n int, err error) {
	list, err := s.List(ctx)
	if err != nil {
		return 0, err
	}
	// The pointer of a base comes after the base.
	slices.SortStableFunc(list, func(a, b string) int { return boolInt(isFile(a)) - boolInt(isFile(b)) })
	for _, name := range list {
		kind, file, _ := strings.Cut(name, "/")
		file = strings.TrimSuffix(file, Suffix)
		if !opt.takes(name) || !strings.HasSuffix(name, Suffix) || file == "" || strings.HasPrefix(file, ".") || strings.Contains(file, "/") {
			continue
		}
		to := filepath.Join(opt.Cache, kind, file)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := pull(ctx, s, &opt, name, to); err != nil {
			return n, fmt.Errorf("pull %s: %w", name, err)
		}
		n++
	}
	return n, nil
}

func pull(ctx context.Context, s Store, opt *Options, name, to string) error {
	r, err := s.Get(ctx, name)
	if err != nil {
		return err
	}
	defer r.Close()
	counted := &counter{r: r}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".tmp-pull-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := unpack(ctx, counted, tmp); err != nil {
		return err
	}
	from := filepath.Join(tmp, filepath.Base(to))
	if info, err := os.Lstat(from); err != nil || info.IsDir() == isFile(name) {
		return fmt.Errorf("%w: it is not %s", ErrContent, filepath.Base(to))
	}
	err = os.Rename(from, to)
	// Another run made the same entry meanwhile.
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return cache.Explain(err, opt.Cache, 0)
	}
	opt.done(name, counted.n)
	return nil
}

// isFile reports whether an entry is a file: the pointer of a base.
func isFile(name string) bool { return strings.HasSuffix(strings.TrimSuffix(name, Suffix), ".json") }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
