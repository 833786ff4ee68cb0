// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/proc"
)

// The two sides of the comparison.
const (
	before = "before"
	after  = "after"
)

// trees are copies of iproute2 without and with the series, by side.
type trees map[string]string

// extract writes both copies into dir, and returns the files that the series touches.
func extract(ctx context.Context, s prepare.Source, dir string) (trees, []string, error) {
	both := trees{}
	var touched []string
	for _, side := range []string{before, after} {
		s.IPUnpatched = side == before
		src, err := s.OpenIP(ctx)
		if err != nil {
			return nil, nil, err
		}
		if src == nil {
			return nil, nil, errors.New("compare iproute2: no project has guest = \"ip\"")
		}
		both[side] = filepath.Join(dir, side)
		if err := os.Mkdir(both[side], 0o755); err != nil {
			return nil, nil, fmt.Errorf("compare iproute2: %w", err)
		}
		if err := src.Extract(ctx, both[side]); err != nil {
			return nil, nil, err
		}
		if side == after {
			diff, err := src.Diff(ctx, nil)
			if err != nil {
				return nil, nil, err
			}
			touched = touchedFiles(diff)
		}
	}
	return both, touched, nil
}

var diffFile = regexp.MustCompile(`(?m)^\+\+\+ b/(.*)$`)

// touchedFiles returns the files of a diff that exist after it.
func touchedFiles(diff []byte) []string {
	var all []string
	for _, m := range diffFile.FindAllSubmatch(diff, -1) {
		all = append(all, string(m[1]))
	}
	return all
}

// make runs make in a tree and returns the output of make and of the compilers.
// libbpf says whether iproute2 uses the libbpf of this machine.
func (t trees) make(ctx context.Context, side string, libbpf bool, args ...string) ([]byte, error) {
	force := "LIBBPF_FORCE=off"
	if libbpf {
		force = "LIBBPF_FORCE=on"
	}
	var out bytes.Buffer
	c := &proc.Cmd{
		Args: append([]string{"make"}, args...), Dir: t[side], Env: append(os.Environ(), "LC_ALL=C", force),
		Stdout: &out, Stderr: &out,
	}
	if err := c.Run(ctx); err != nil {
		return nil, fmt.Errorf("make iproute2 %s the series: %w", side, err)
	}
	return out.Bytes(), nil
}

// configure removes the products of an earlier build from a tree, and configures it.
func (t trees) configure(ctx context.Context, side string, libbpf bool, args ...string) error {
	if err := os.Remove(filepath.Join(t[side], "config.mk")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("configure iproute2: %w", err)
	}
	// Make config.mk in a first run: the makefile includes it before it can
	// make it.
	if _, err := t.make(ctx, side, libbpf, append(args, "config.mk")...); err != nil {
		return err
	}
	_, err := t.make(ctx, side, libbpf, append(args, "SUBDIRS=lib ip", "clean")...)
	return err
}
