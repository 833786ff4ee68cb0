// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
)

// Dir is where the workbench at root keeps its runs.
func Dir(root string) string { return filepath.Join(root, "out", "runs") }

// RecordFile is the name of a record in its run's directory.
const RecordFile = "record.json"

// lockFile is held while the run lasts.
const lockFile = "lock"

// ErrUnknown is wrapped by [Store.Find] if no run matches, or more than one.
var ErrUnknown = errors.New("no such run")

// Store is a directory of runs.
type Store struct {
	// Dir is the directory. It need not exist.
	Dir string
}

// Run is a run that has begun and not ended.
type Run struct {
	// Record is the record so far. [Run.End] writes it.
	Record Record

	lock *cache.Lock
}

// Begin makes the directory of a run and writes its record, with the state
// [Running]. The caller calls [Run.End].
func (s *Store) Begin(ctx context.Context, r Record) (*Run, error) {
	if r.Started.IsZero() {
		r.Started = time.Now().UTC()
	}
	stem := fmt.Sprintf("%s-%s-%s", r.Started.UTC().Format("20060102-150405"), r.Subject.Name(), r.Kind)
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("record the run: %w", err)
	}
	// Two runs may begin within one second.
	r.ID = stem
	for n := 2; ; n++ {
		r.Dir = filepath.Join(s.Dir, r.ID)
		err := os.Mkdir(r.Dir, 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("record the run: %w", err)
		}
		r.ID = fmt.Sprintf("%s-%d", stem, n)
	}
	return begin(ctx, r, nil)
}

// BeginIn begins a run in a directory of the caller's choice instead of the
// store. The record of an earlier run there is replaced. If another run has the
// directory, BeginIn says so through p, which may be nil, and waits.
func BeginIn(ctx context.Context, dir string, r Record, p progress.Func) (*Run, error) {
	if r.Started.IsZero() {
		r.Started = time.Now().UTC()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("record the run: %w", err)
	}
	r.Dir, r.ID = dir, filepath.Base(dir)
	return begin(ctx, r, p)
}

func begin(ctx context.Context, r Record, p progress.Func) (*Run, error) {
	lock, err := cache.Acquire(ctx, filepath.Join(r.Dir, lockFile), "results in "+filepath.Base(r.Dir), p)
	if err != nil {
		return nil, err
	}
	r.State = Running
	run := &Run{Record: r, lock: lock}
	if err := run.Record.write(); err != nil {
		lock.Release()
		return nil, err
	}
	return run, nil
}

// Dir is the run's directory, for its results.
func (r *Run) Dir() string { return r.Record.Dir }

// End writes the record with its final state. Calling it twice is harmless:
// the first state stays.
func (r *Run) End(state State) error {
	if r.lock == nil {
		return nil
	}
	r.Record.State, r.Record.Ended = state, time.Now().UTC()
	err := r.Record.write()
	r.lock.Release()
	r.lock = nil
	return err
}

func (r *Record) write() error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	if err := cache.WriteFile(filepath.Join(r.Dir, RecordFile), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	return nil
}

// Point makes link a symbolic link to the run's directory, or to the file name in it.
// It replaces an existing link atomically. It renames a directory or file of that name
// to NAME.before-runs.
func (r *Run) Point(link, name string) error {
	dir := filepath.Dir(link)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("update the link to the run: %w", err)
	}
	target, err := filepath.Rel(dir, filepath.Join(r.Record.Dir, name))
	if err != nil {
		return fmt.Errorf("update the link to the run: %w", err)
	}
	if info, err := os.Lstat(link); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		if err := setAside(link); err != nil {
			return fmt.Errorf("update the link to the run: %w", err)
		}
	}
	// rename replaces a link at once; symlink does not.
	temp := filepath.Join(dir, ".tmp-"+r.Record.ID+"-"+filepath.Base(link))
	if err := os.Symlink(target, temp); err != nil {
		return fmt.Errorf("update the link to the run: %w", err)
	}
	if err := os.Rename(temp, link); err != nil {
		return errors.Join(fmt.Errorf("update the link to the run: %w", err), os.Remove(temp))
	}
	return nil
}

// setAside renames path to a name that is free.
func setAside(path string) error {
	to := path + ".before-runs"
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(path, to)
		}
		to = fmt.Sprintf("%s.before-runs-%d", path, n)
	}
}

// List returns all records, the newest first. A directory without a record is
// no run. A record that cannot be read is an error.
func (s *Store) List() ([]*Record, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the runs: %w", err)
	}
	var all []*Record
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		r, err := Read(filepath.Join(s.Dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	Sort(all)
	return all, nil
}

// Sort puts the newest records first.
func Sort(all []*Record) {
	slices.SortStableFunc(all, func(a, b *Record) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.ID, a.ID))
	})
}

// Read reads the record in a run's directory. The error wraps [fs.ErrNotExist] if the
// directory has no record.
func Read(dir string) (*Record, error) {
	// A link to a run names the run.
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("read the run: %w", err)
	}
	r, err := cache.ReadJSON[*Record](filepath.Join(real, RecordFile), "the run")
	if err != nil {
		return nil, err
	}
	if r == nil || r.Kind == "" || r.State == "" {
		return nil, fmt.Errorf("read the run: %s: kind or state is missing", filepath.Join(real, RecordFile))
	}
	if r.Dir, err = filepath.Abs(real); err != nil {
		return nil, fmt.Errorf("read the run: %w", err)
	}
	if r.State == Running && !cache.Held(filepath.Join(r.Dir, lockFile)) {
		// It may have ended between the two looks.
		again, err := cache.ReadJSON[*Record](filepath.Join(real, RecordFile), "the run")
		if err != nil {
			return nil, err
		}
		again.Dir = r.Dir
		if r = again; r.State == Running {
			r.State = Interrupted
			r.Reasons = append(r.Reasons, "the run was killed: it left no verdict")
		}
	}
	return r, nil
}

// Find returns the run called name: an ID, a part of exactly one ID, "last" for the
// newest, or a path to a run's directory.
func (s *Store) Find(name string) (*Record, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	if name == "last" && len(all) > 0 {
		return all[0], nil
	}
	if strings.ContainsRune(name, filepath.Separator) {
		r, err := Read(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s has no %s", ErrUnknown, name, RecordFile)
		}
		return r, err
	}
	var found []*Record
	for _, r := range all {
		if r.ID == name {
			return r, nil
		}
		if strings.Contains(r.ID, name) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: %q (xpsgen runs list names all)", ErrUnknown, name)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%w: %q is part of %d names, such as %s and %s", ErrUnknown, name, len(found), found[0].ID, found[1].ID)
}
