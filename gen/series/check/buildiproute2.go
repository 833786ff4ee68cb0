// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/proc"
)

// iproute2 builds an iproute2 tree. Its Makefiles know nothing of which file
// needs which header, and build where the sources are: each build is a whole
// one, in a copy.
func (b *builder) iproute2(ctx context.Context) (s *state, err error) {
	if err := os.RemoveAll(b.dir); err != nil {
		return nil, err
	}
	if err := os.CopyFS(b.dir, gitless{os.DirFS(b.src)}); err != nil {
		return nil, err
	}
	defer func() {
		if rerr := os.RemoveAll(b.dir); err == nil {
			err = rerr
		}
	}()
	cc := "gcc"
	if b.flavor == "clang" {
		cc = Clang()
	}
	log, err := os.Create(b.dir + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	run := func(args ...string) error {
		c := &proc.Cmd{Args: args, Dir: b.dir, Env: plainEnv("CC="+cc, "LC_ALL=C"), Stdout: log, Stderr: log}
		return c.Run(ctx)
	}
	if err := run("./configure"); err != nil {
		return nil, fmt.Errorf("configure: %w (log %s)", err, log.Name())
	}
	line := []string{"make", "-k", fmt.Sprintf("-j%d", b.jobs), "CC=" + cc, "HOSTCC=gcc", "V=1"}
	if !b.full {
		line = append(line, "SUBDIRS="+strings.Join(b.subdirs(), " "))
	}
	if err := run(line...); err != nil && (ctx.Err() != nil || !exited(err)) {
		return nil, err
	}
	data, err := os.ReadFile(log.Name())
	if err != nil {
		return nil, err
	}
	d := newDiagnostics(b.dir)
	d.read(string(data))
	objects := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, cc+" ") && strings.Contains(line, " -c ") {
			objects++
		}
	}
	// An error of the linker has no line; it must not pass as none.
	if undefined := strings.Count(string(data), "undefined reference"); undefined > 0 {
		d.errors["undefined reference"] += undefined
	}
	return &state{Errors: d.errors, Warnings: d.warnings, Objects: objects}, nil
}

// subdirs are the top directories to build: the library always.
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
