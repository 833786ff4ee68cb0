// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/tree/manifest"
)

// dependCompiler is a compiler wrapper for a tree whose Makefiles do not track headers.
// The compiler also writes the dependencies. The wrapper handles programs that are built
// from a source in one step.
const dependCompiler = `#!/bin/sh
out= prev= source=
for a; do
	[ "$prev" = -o ] && out=$a
	case $a in *.c) source=$a ;; esac
	prev=$a
done
[ "$out" ] && [ "$source" ] || exec "$@"
"$@" -MMD -MF "$out.dep" 2>"$out.diag.tmp"
rc=$?
cat "$out.diag.tmp" >&2
mv "$out.diag.tmp" "$out.diag"
exit $rc
`

// iproute2 builds a copy of an iproute2 tree, because the build writes into the source
// directories. The copy is kept. Objects are removed if one of their files changed.
func (b *builder) iproute2(ctx context.Context) (s *state, err error) {
	log, err := os.Create(b.dir + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cc := "gcc"
	if b.flavor == "clang" {
		cc = Clang()
	}
	run := func(args ...string) error {
		c := &proc.Cmd{Args: args, Dir: b.dir, Env: plainEnv("CC="+cc, "LC_ALL=C"), Stdout: log, Stderr: log}
		return c.Run(ctx)
	}
	done, err := b.sync(cc + "\n" + toolID(cc))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(b.dir, "config.mk")); err != nil {
		if err := run("./configure"); err != nil {
			if ctx.Err() != nil || !exited(err) {
				return nil, fmt.Errorf("configure: %w (log %s)", err, log.Name())
			}
			why := whyFailed(log.Name())
			return &state{Errors: findings{"configure: " + why: 1}, Broken: "configure: " + why}, nil
		}
	}
	wrapper := b.dir + ".cc"
	if err := cache.WriteFile(wrapper, []byte(dependCompiler), 0o755); err != nil {
		return nil, err
	}
	line := []string{"make", "-k", fmt.Sprintf("-j%d", b.jobs), "CC=" + wrapper + " " + cc, "HOSTCC=gcc", "V=1"}
	if !b.full {
		line = append(line, "SUBDIRS="+strings.Join(b.subdirs(), " "))
	}
	failed := false
	for _, goal := range append([][]string{line}, b.suiteTools(line[:6])...) {
		if err := run(goal...); err != nil {
			if ctx.Err() != nil || !exited(err) {
				return nil, err
			}
			failed = true
		}
	}
	if s, err = b.said(log.Name(), failed); err != nil {
		return nil, err
	}
	return s, done()
}

// suiteTools returns the commands that build the touched programs of the test suite, which
// the main Makefile leaves out.
func (b *builder) suiteTools(line []string) (goals [][]string) {
	dirs := map[string][]string{}
	for _, f := range b.touched {
		dir, base := path.Split(f)
		if !strings.HasPrefix(dir, "testsuite/") || !hasSuffix(".c", "Makefile")(base) {
			continue
		}
		if _, err := os.Stat(filepath.Join(b.dir, dir, "Makefile")); err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(b.dir, f)); err == nil && strings.HasSuffix(base, ".c") {
			dirs[dir] = append(dirs[dir], strings.TrimSuffix(base, ".c"))
		} else if dirs[dir] == nil {
			dirs[dir] = []string{}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		goal := append(slices.Clone(line), "-C", dir)
		if len(dirs[dir]) == 0 {
			goal = append(goal, readMakefile...)
		}
		goals = append(goals, append(goal, dirs[dir]...))
	}
	return goals
}

// said collects the diagnostics of each file, from this build or an earlier one. It adds
// the errors of make in this build.
func (b *builder) said(log string, failed bool) (*state, error) {
	d := newDiagnostics(b.dir)
	objects := 0
	err := filepath.WalkDir(b.dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".diag") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		objects++
		d.read(string(data))
		return nil
	})
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(log)
	if err != nil {
		return nil, err
	}
	d.readMake(string(data))
	if failed {
		d.readFailed(string(data))
	}
	s := &state{Errors: d.errors, Warnings: d.warnings, Order: d.order, Objects: objects}
	s.Read, err = b.readOfCopy()
	return s, err
}

// readOfCopy returns the touched files that make and the compiler read.
func (b *builder) readOfCopy() (read []string, err error) {
	dirs, seen := map[string]bool{".": true}, map[string]bool{}
	err = filepath.WalkDir(b.dir, func(name string, _ fs.DirEntry, err error) error {
		out, ok := strings.CutSuffix(name, ".dep")
		if err != nil || !ok {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(b.dir, filepath.Dir(out))
		if err != nil {
			return err
		}
		dirs[dir] = true
		for f := range readOf(string(data), b.dir, dir) {
			seen[f] = true
		}
		return nil
	})
	for _, f := range b.touched {
		if seen[f] || path.Base(f) == "Makefile" && dirs[path.Dir(f)] || f == "configure" {
			read = append(read, f)
		}
	}
	return read, err
}

// copied describes the content of a copy.
type copied struct {
	// With is the compiler; Files are the copied files.
	With  string
	Files []string
}

// sync updates the copy, and removes the objects to rebuild. It copies the whole tree again
// if a Makefile or a similar file changed, or if a header is new. If the caller does not
// call done, the next sync copies the whole tree.
func (b *builder) sync(with string) (done func() error, err error) {
	stamp := b.dir + ".copied"
	var last copied
	if data, err := os.ReadFile(stamp); err != nil || json.Unmarshal(data, &last) != nil || last.With != with {
		last = copied{}
	}
	if err := os.Remove(stamp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	now, changed, err := b.compare(last.Files)
	if err != nil {
		return nil, err
	}
	// The compiler may find a new header before the one that it found until now.
	anew := func(name string) bool {
		return steersBuild(name) || strings.HasSuffix(name, ".h") && !slices.Contains(last.Files, name)
	}
	if last.With == "" || slices.ContainsFunc(changed, anew) {
		if err := os.RemoveAll(b.dir); err != nil {
			return nil, err
		}
		if err := os.CopyFS(b.dir, gitless{os.DirFS(b.src)}); err != nil {
			return nil, err
		}
	} else {
		if err := b.update(changed); err != nil {
			return nil, err
		}
		if err := b.forget(changed); err != nil {
			return nil, err
		}
	}
	return func() error {
		data, err := json.Marshal(copied{With: with, Files: now})
		if err != nil {
			return err
		}
		return cache.WriteFile(stamp, data, 0o644)
	}, nil
}

// steersBuild reports whether a file can change how other files are compiled, and is not in
// the compiler's dependencies.
func steersBuild(name string) bool {
	return !hasSuffix(".c", ".h")(name) && !unseen(manifest.BuildIPRoute2, name)
}

// compare returns the files of the tree, and those that differ from the copy or were removed.
func (b *builder) compare(old []string) (now, changed []string, err error) {
	tree := gitless{os.DirFS(b.src)}
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		now = append(now, name)
		want, err := os.ReadFile(filepath.Join(b.src, name))
		if err != nil {
			return err
		}
		if have, err := os.ReadFile(filepath.Join(b.dir, name)); err != nil || !bytes.Equal(have, want) {
			changed = append(changed, name)
		}
		return nil
	})
	for _, name := range old {
		if !slices.Contains(now, name) {
			changed = append(changed, name)
		}
	}
	return now, changed, err
}

// update copies files and deletes those that the tree lacks.
func (b *builder) update(names []string) error {
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(b.src, name))
		to := filepath.Join(b.dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.Remove(to)
		} else if err == nil {
			if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
				err = cache.WriteFile(to, data, 0o755)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget deletes the objects that depend on one of the names.
func (b *builder) forget(names []string) error {
	stale := map[string]bool{}
	for _, n := range names {
		stale[filepath.Join(b.dir, n)] = true
	}
	return filepath.WalkDir(b.dir, func(name string, _ fs.DirEntry, err error) error {
		out, ok := strings.CutSuffix(name, ".dep")
		if err != nil || !ok {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, need := range strings.Fields(strings.ReplaceAll(string(data), "\\\n", " ")) {
			if !filepath.IsAbs(need) {
				// make compiles inside each directory.
				need = filepath.Join(b.dir, filepath.Dir(strings.TrimPrefix(out, b.dir+"/")), need)
			}
			if !stale[need] {
				continue
			}
			for _, f := range []string{out, out + ".diag", name} {
				if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
			break
		}
		return nil
	})
}

// subdirs returns the top directories to build; the library is always one of them.
func (b *builder) subdirs() []string {
	dirs := []string{"lib"}
	for _, t := range b.targets {
		top, _, _ := strings.Cut(filepath.ToSlash(t), "/")
		if top != "." && !slices.Contains(dirs, top) {
			dirs = append(dirs, top)
		}
	}
	if len(dirs) == 1 {
		dirs = append(dirs, "ip")
	}
	return dirs
}
