// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PruneOptions say which runs to remove: those beyond any of the limits. A
// limit of zero does not apply.
type PruneOptions struct {
	// OlderThan removes runs that began longer ago.
	OlderThan time.Duration
	// Keep removes all but that many of the newest runs.
	Keep int
	// Bytes removes the oldest runs until the rest takes no more.
	Bytes int64
	// DryRun removes nothing.
	DryRun bool
}

// Pruned is a run that was removed, or would be.
type Pruned struct {
	*Record
	Bytes int64
}

// Prune removes runs, the oldest first, and returns them. It always keeps the
// runs that a picture needs: runs that have not ended, and the run that gives a
// cell its verdict, with all later runs of the cell. It also keeps the targets
// of links below the directory out. The limits count them too.
func (s *Store) Prune(p *Picture, out string, opt PruneOptions) ([]Pruned, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	keep := map[string]bool{}
	for _, c := range p.Cells {
		keep[c.Run.ID] = true
		for _, r := range c.Later {
			keep[r.ID] = true
		}
	}
	pointed, err := s.pointed(out)
	if err != nil {
		return nil, err
	}
	maps.Copy(keep, pointed)
	sizes := make([]int64, len(all))
	var total int64
	for i, r := range all {
		if sizes[i], err = size(r.Dir); err != nil {
			return nil, fmt.Errorf("prune the runs: %w", err)
		}
		total += sizes[i]
	}
	if !opt.DryRun {
		if err := s.sweep(); err != nil {
			return nil, err
		}
	}
	var gone []Pruned
	for i := len(all) - 1; i >= 0; i-- {
		r := all[i]
		beyond := opt.OlderThan > 0 && time.Since(r.Started) > opt.OlderThan ||
			opt.Keep > 0 && i >= opt.Keep ||
			opt.Bytes > 0 && total > opt.Bytes
		if !beyond || keep[r.ID] || r.State == Running {
			continue
		}
		if !opt.DryRun {
			if err := s.remove(r); err != nil {
				return gone, err
			}
		}
		gone = append(gone, Pruned{Record: r, Bytes: sizes[i]})
		total -= sizes[i]
	}
	return gone, nil
}

// pointed are the IDs of the runs that links below dir point into.
func (s *Store) pointed(dir string) (map[string]bool, error) {
	ids := map[string]bool{}
	store, err := filepath.EvalSymlinks(s.Dir)
	if err != nil {
		return ids, nil // there is no store, so nothing points into it
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path == s.Dir:
			return fs.SkipDir
		case e.Type()&fs.ModeSymlink == 0:
			return nil
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			if rel, err := filepath.Rel(store, real); err == nil && filepath.IsLocal(rel) {
				id, _, _ := strings.Cut(rel, string(filepath.Separator))
				ids[id] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("prune the runs: %w", err)
	}
	return ids, nil
}

// remove renames a run before it deletes it, so that no reader sees a partly deleted
// run.
func (s *Store) remove(r *Record) error {
	away := filepath.Join(s.Dir, awayPrefix+r.ID)
	if err := os.Rename(r.Dir, away); err != nil {
		return fmt.Errorf("prune the runs: %w", err)
	}
	if err := os.RemoveAll(away); err != nil {
		return fmt.Errorf("prune the runs: %w", err)
	}
	return nil
}

// awayPrefix marks a run that is being removed. No run has such a name.
const awayPrefix = ".tmp-"

// sweep removes leftovers of interrupted calls of remove.
func (s *Store) sweep() error {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("prune the runs: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), awayPrefix) {
			if err := os.RemoveAll(filepath.Join(s.Dir, e.Name())); err != nil {
				return fmt.Errorf("prune the runs: %w", err)
			}
		}
	}
	return nil
}

// size returns the total size of the files below dir, in bytes.
func size(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // another run's file, gone meanwhile
			}
			return err
		}
		if !e.Type().IsRegular() {
			return nil
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return nil
	})
	return n, err
}
