// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// markerName is a file in an object directory. It exists while a build
	// runs, and after a build was killed.
	markerName = ".xpsgen-building"
	// objectsName holds the number of objects that the last complete build compiled.
	objectsName = ".xpsgen-objects"
	// settleTime is the age at which an unchanged file counts as complete. No single
	// command of a build takes that long.
	settleTime = 2 * time.Minute
)

// objdir is a kept directory of objects (make's O=). Its owner holds the lock
// of the working tree it belongs to.
type objdir struct {
	dir  string
	stop func()
	// last is what the last build left here; nil if that is not known. next is what this
	// one leaves.
	last, next *objState
}

// openObjdir makes dir ready for a build. If the last build was killed, it
// removes files that may be incomplete.
func openObjdir(dir string) (*objdir, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	o := &objdir{dir: dir}
	if err := o.recover(); err != nil {
		return nil, fmt.Errorf("clean up after an interrupted build: %w", err)
	}
	o.last = readState(dir)
	return o, nil
}

// recover removes all files that are newer than the marker, if there is one. They may
// be incomplete, and make only looks at their dates.
func (o *objdir) recover() error {
	marker := filepath.Join(o.dir, markerName)
	info, err := os.Stat(marker)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	since := info.ModTime()
	err = filepath.WalkDir(o.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path == marker {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.ModTime().Before(since) {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil {
		return err
	}
	// Remove the marker last, so that the next run continues an interrupted
	// recovery.
	return os.Remove(marker)
}

// begin creates the marker. During the build it updates the marker's time,
// settleTime behind the clock. So a long build that is killed loses only its
// last files.
func (o *objdir) begin() error {
	// The state is unknown until the build is complete.
	if err := os.Remove(filepath.Join(o.dir, stateName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	marker := filepath.Join(o.dir, markerName)
	if err := os.WriteFile(marker, nil, 0o644); err != nil {
		return err
	}
	info, err := os.Stat(marker)
	if err != nil {
		return err
	}
	start := info.ModTime()
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(settleTime / 8)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				// If this fails, the marker is too old, which is
				// safe.
				if safe := now.Add(-settleTime); safe.After(start) {
					_ = os.Chtimes(marker, safe, safe)
				}
			}
		}
	}()
	o.stop = func() { close(done); <-gone }
	return nil
}

// end ends the build. clean means that the build ended by itself, with or
// without success. Otherwise the marker stays for the next build.
func (o *objdir) end(clean bool) error {
	o.stop()
	if !clean {
		return nil
	}
	if err := os.Remove(filepath.Join(o.dir, markerName)); err != nil || o.next == nil {
		return err
	}
	return o.writeState(o.next)
}
