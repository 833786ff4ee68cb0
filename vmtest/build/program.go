// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
)

// programBuild builds a program for the guest and keeps it in the cache. It
// works in a copy of the sources, so that it waits for no working tree.
type programBuild struct {
	// kind is the directory in the cache, file the name of the program there.
	kind, file string
	// hash identifies the program by all that makes it.
	hash  string
	step  string
	cache string
	// objects is the approximate number of compiled objects, for the
	// progress; 0 shows none.
	objects int64
	// needBytes is the needed space to report when the disk is full.
	needBytes int64
	progress  progress.Func
	// record points to the record of the program, seconds into it: how
	// long the build took.
	record  any
	seconds *float64
	// compile fetches the sources into m.dir, an empty directory, runs m once or more
	// with further arguments, and returns the path of the program. Errors of fetching
	// go through explain.
	compile func(ctx context.Context, m *makeRun) (program string, err error)
}

// dir is where the program is kept.
func (b *programBuild) dir() string { return filepath.Join(b.cache, b.kind, b.hash) }

// explain adds the operation to the error, and the remedy for a full disk.
func (b *programBuild) explain(err error) error {
	return cache.Explain(fmt.Errorf("%s: %w", b.step, err), b.cache, b.needBytes)
}

// get builds the program unless it is in the cache. If it was, the record is
// the cached one, with the inputs of that build.
func (b *programBuild) get(ctx context.Context) (cached bool, err error) {
	lookup := func() bool {
		if !readRecord(b.dir(), b.record, b.file) {
			return false
		}
		b.progress.Emit(progress.Event{Step: b.step, State: progress.Cached, Text: b.hash})
		return true
	}
	if lookup() {
		return true, nil
	}
	lock, err := cache.Acquire(ctx, filepath.Join(b.cache, "lock", b.kind+"-"+b.hash), b.step, b.progress)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	if lookup() { // the run that this one waited for has built it
		return true, nil
	}
	return false, b.build(ctx, lock.File())
}

func (b *programBuild) build(ctx context.Context, hold *os.File) (err error) {
	start := time.Now()
	work := filepath.Join(b.cache, "work", b.kind+"-"+b.hash)
	log := work + ".log"
	started := progress.Event{Step: b.step, State: progress.Started, Log: log}
	if b.objects > 0 {
		started.Total, started.Unit = b.objects, "objects"
	}
	b.progress.Emit(started)
	defer func() {
		state := progress.Finished
		if err != nil {
			state = progress.Failed
		}
		b.progress.Emit(progress.Event{Step: b.step, State: state, Elapsed: time.Since(start), Log: log})
	}()
	// This run has the lock, so a killed run left the directory.
	if err := os.RemoveAll(work); err != nil {
		return b.explain(err)
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return b.explain(err)
	}
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		return b.explain(err)
	}
	program, err := b.compile(ctx, &makeRun{dir: work, env: buildEnv(), step: b.step, total: b.objects, p: b.progress,
		log: log, hold: hold, needBytes: b.needBytes})
	if err != nil {
		return err
	}
	*b.seconds = time.Since(start).Round(time.Millisecond).Seconds()
	if err := publish(b.dir(), b.record, b.needBytes, func(tmp string) error {
		if err := keepNotes(work, tmp); err != nil {
			return err
		}
		return copyFile(filepath.Join(tmp, b.file), program)
	}); err != nil {
		return fmt.Errorf("%s: %w", b.step, err)
	}
	return os.RemoveAll(work)
}
