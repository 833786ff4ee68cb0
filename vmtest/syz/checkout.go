// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// ErrCheckout is wrapped by the error for a directory that is no checkout of syzkaller.
var ErrCheckout = errors.New("not a syzkaller checkout")

// File is a file to add to a checkout.
type File struct {
	Name string
	Text []byte
}

// Checkout says what to build.
type Checkout struct {
	// Dir is the user's checkout. It is only read.
	Dir string
	// Cache is the cache directory.
	Cache string
	// Descriptions are added to sys/linux. Corpus replaces the programs in sys/linux/test,
	// with which syz-manager begins.
	Descriptions, Corpus []File
	Progress             progress.Func
}

// Tools are the programs of a checkout.
type Tools struct {
	// Dir is the copy that they were built in. syz-manager reads files there.
	Dir string
	// Executor and Execprog run in the guest, Manager on the host.
	Executor, Execprog, Manager string
}

// keepBuilds is how many builds stay in the cache.
const keepBuilds = 3

const (
	descriptionDir = "sys/linux"
	corpusDir      = "sys/linux/test"
	sysgenPackage  = "./sys/syz-sysgen"
)

// generated reports whether a path of a checkout is made by its build, or replaced.
func generated(path string) bool {
	switch path {
	case ".git", "bin", ".descriptions", corpusDir, "sys/register.go", "executor/defs.h", "executor/syscalls.h":
		return true
	}
	return strings.HasPrefix(path, "sys/") && strings.HasSuffix(path, "/gen")
}

// Build builds the programs of a copy of the checkout, or finds them in the cache by the
// hash of all files. It needs make, g++ and static libraries of C and C++.
func (c *Checkout) Build(ctx context.Context) (t *Tools, err error) {
	return c.build(ctx, "syzkaller", func(dir string) error {
		// The makefile takes these two values from git, but the copy is not
		// a git checkout.
		cmd := &proc.Cmd{Args: []string{"make", "-C", dir, "REV=" + filepath.Base(dir), "GITREVDATE=20000101-000000",
			"manager", "execprog", "executor"}, Env: environment()}
		return c.logged(ctx, cmd, dir)
	})
}

// Describe compiles all descriptions of the checkout with its syz-sysgen.
func (c *Checkout) Describe(ctx context.Context) (*Tools, error) {
	return c.build(ctx, "syz-sysgen", func(dir string) error {
		bin := filepath.Join(dir, "bin", "syz-sysgen")
		cmd := &proc.Cmd{Args: []string{"go", "build", "-o", bin, sysgenPackage}, Dir: dir, Env: environment()}
		if err := c.logged(ctx, cmd, dir); err != nil {
			return err
		}
		return c.logged(ctx, &proc.Cmd{Args: []string{bin}, Dir: dir, Env: environment()}, dir)
	})
}

// build copies the checkout, adds the files and calls compile with the copy, unless the
// cache has the result.
func (c *Checkout) build(ctx context.Context, kind string, compile func(dir string) error) (t *Tools, err error) {
	names, sum, err := c.files()
	if err != nil {
		return nil, err
	}
	step := "build " + kind
	dir := filepath.Join(c.Cache, kind, sum)
	t = &Tools{
		Dir: dir, Executor: filepath.Join(dir, "bin", "linux_amd64", "syz-executor"),
		Execprog: filepath.Join(dir, "bin", "linux_amd64", "syz-execprog"), Manager: filepath.Join(dir, "bin", "syz-manager"),
	}
	done := filepath.Join(dir, "bin", "complete")
	if _, err := os.Stat(done); err == nil {
		c.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: sum})
		return t, nil
	}
	lock, err := cache.Acquire(ctx, filepath.Join(c.Cache, "lock", kind+"-"+sum), step, c.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if _, err := os.Stat(done); err == nil {
		return t, nil
	}
	defer c.Progress.Step(step, "")(&err)
	// The programs contain the paths of the build, so build in the final
	// directory.
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if err := c.copy(dir, names); err != nil {
		return nil, cache.Explain(fmt.Errorf("%s: %w", step, err), c.Cache, 1<<30)
	}
	if err := compile(dir); err != nil {
		return nil, cache.Explain(fmt.Errorf("%s: %w (see %s)", step, err, logFile(dir)), c.Cache, 1<<30)
	}
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return t, cache.PruneDir(filepath.Dir(dir), keepBuilds)
}

// logFile has the output of a build.
func logFile(dir string) string { return filepath.Join(dir, "bin", "build.log") }

// logged runs cmd and appends its output to the log of the build.
func (c *Checkout) logged(ctx context.Context, cmd *proc.Cmd, dir string) error {
	if err := os.MkdirAll(filepath.Dir(logFile(dir)), 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(logFile(dir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	return cmd.Run(ctx)
}

// environment is the environment of a build. The makefile has a variable GOFLAGS of its
// own and fails if the environment has one.
func environment() []string {
	return append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return name == "GOFLAGS" || name == "MAKEFLAGS" || name == "MAKELEVEL" || name == "MFLAGS"
	}), "LC_ALL=C")
}

// Check returns an error that wraps [ErrCheckout] if the directory is no checkout.
func (c *Checkout) Check() error {
	if _, err := os.Stat(filepath.Join(c.Dir, sysgenPackage)); err != nil {
		return fmt.Errorf("%w: %s has no %s", ErrCheckout, c.Dir, sysgenPackage)
	}
	return nil
}

// files lists the regular files of the checkout, and hashes them with what is added.
func (c *Checkout) files() (names []string, sum string, err error) {
	if err := c.Check(); err != nil {
		return nil, "", err
	}
	h := sha256.New()
	err = filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(c.Dir, path)
		switch {
		case err != nil:
			return err
		case generated(filepath.ToSlash(rel)) && d.IsDir():
			return fs.SkipDir
		case generated(filepath.ToSlash(rel)) || !d.Type().IsRegular():
			return nil
		}
		names = append(names, rel)
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintf(h, "%q ", rel)
		_, err = io.Copy(h, f)
		return err
	})
	for _, f := range slices.Concat(c.Descriptions, c.Corpus) {
		fmt.Fprintf(h, "%q %q ", f.Name, f.Text)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read the syzkaller checkout: %w", err)
	}
	return names, hex.EncodeToString(h.Sum(nil))[:24], nil
}

// copy copies the files to dir and adds those of c.
func (c *Checkout) copy(dir string, names []string) error {
	put := func(name string, text []byte, mode fs.FileMode) error {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, text, mode)
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(c.Dir, name))
		if err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(c.Dir, name))
		if err != nil {
			return err
		}
		if err := put(name, text, info.Mode().Perm()); err != nil {
			return err
		}
	}
	for _, f := range c.Descriptions {
		if err := put(filepath.Join(descriptionDir, f.Name), f.Text, 0o644); err != nil {
			return err
		}
	}
	for _, f := range c.Corpus {
		if err := put(filepath.Join(corpusDir, f.Name), f.Text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
