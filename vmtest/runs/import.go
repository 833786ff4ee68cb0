// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// Import copies runs of other stores into s. It leaves out runs that s has already. A run
// of another machine that has the ID of a run in s gets another ID.
func Import(s *Store, records []*Record) error {
	for _, r := range records {
		if err := s.importRun(*r); err != nil {
			return fmt.Errorf("import run %s: %w", r.ID, err)
		}
	}
	return nil
}

func (s *Store) importRun(r Record) error {
	from, stem := r.Dir, r.ID
	for n := 2; ; n++ {
		r.Dir = filepath.Join(s.Dir, r.ID)
		have, err := Read(r.Dir)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		if have.Started.Equal(r.Started) && have.Ended.Equal(r.Ended) {
			return nil
		}
		r.ID = fmt.Sprintf("%s-%d", stem, n)
	}
	return cache.Publish(r.Dir, func(dir string) error {
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			return err
		}
		r.Dir = dir
		return r.write()
	})
}
