// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// A Source has the directories of installed headers.
type Source struct {
	// Dirs are searched in order for linux/, asm/ and so on.
	Dirs []string
	// Release is the kernel's version as linux/version.h has it, "" when
	// there is no such header.
	Release string

	temporary string
}

// Close removes the files that were installed for this source alone.
func (s *Source) Close() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}

// Has reports whether a header exists. The name is as in an include line.
func (s *Source) Has(header string) bool { return !missing(s.Dirs, header) }

// SourceOptions says where headers are.
type SourceOptions struct {
	// Tree is a kernel source tree, whose headers are installed with its
	// own make, out of tree. Exactly one of Tree and Include is set.
	Tree string
	// Include are directories of installed headers, searched in order. Debian's directories
	// with asm/ for the target are found from them. Headers of another machine are a
	// [*ForeignError].
	Include []string
	// Arch is the target, as in GOARCH. Default amd64.
	Arch string
	// CacheDir keeps the installed headers of trees. A tree is not installed again if its
	// files have the same sizes and times. Empty means a temporary directory.
	CacheDir string
	// Log receives the output of make. Nil drops it.
	Log io.Writer
}

// errSource: the caller gave no source, or more than one.
var errSource = errors.New("uapi: want either a kernel tree or a directory of headers")

// Open finds or installs headers. The caller closes the source.
func Open(ctx context.Context, opt SourceOptions) (*Source, error) {
	arch := opt.Arch
	if arch == "" {
		arch = "amd64"
	}
	if KernelArch(arch) == "" {
		return nil, fmt.Errorf("uapi: unknown architecture %q", arch)
	}
	switch {
	case (opt.Tree == "") == (len(opt.Include) == 0):
		return nil, errSource
	case len(opt.Include) > 0:
		dirs, err := targetDirs(arch, opt.Include)
		if err != nil {
			return nil, err
		}
		return openDirs(dirs, "")
	}
	return openTree(ctx, opt, KernelArch(arch))
}

// openDirs returns installed headers. They need not be the kernel's.
func openDirs(dirs []string, temporary string) (*Source, error) {
	s := &Source{Dirs: dirs, temporary: temporary}
	for _, d := range dirs {
		if s.Release = headerRelease(d); s.Release != "" {
			break
		}
	}
	return s, nil
}

func openTree(ctx context.Context, opt SourceOptions, arch string) (*Source, error) {
	tree, err := filepath.Abs(opt.Tree)
	if err != nil {
		return nil, fmt.Errorf("uapi: %w", err)
	}
	if _, err := os.Stat(filepath.Join(tree, "include", "uapi", "linux")); err != nil {
		return nil, fmt.Errorf("uapi: %s is not a kernel tree: %w", tree, err)
	}
	if opt.CacheDir == "" {
		tmp, err := os.MkdirTemp("", "xpsgen-headers-")
		if err != nil {
			return nil, fmt.Errorf("uapi: %w", err)
		}
		if err := installHeaders(ctx, tree, arch, tmp, opt.Log); err != nil {
			return nil, errors.Join(err, os.RemoveAll(tmp))
		}
		return openDirs([]string{filepath.Join(tmp, "usr", "include")}, tmp)
	}
	key, err := treeKey(tree, arch)
	if err != nil {
		return nil, fmt.Errorf("uapi: %s: %w", tree, err)
	}
	dir := filepath.Join(opt.CacheDir, key)
	include := filepath.Join(dir, "usr", "include")
	if _, err := os.Stat(dir); err == nil {
		return openDirs([]string{include}, "")
	}
	if err := fillCache(ctx, tree, arch, opt, dir); err != nil {
		return nil, err
	}
	return openDirs([]string{include}, "")
}

// fillCache installs the headers next to dir and renames them into place.
func fillCache(ctx context.Context, tree, arch string, opt SourceOptions, dir string) (err error) {
	if err := os.MkdirAll(opt.CacheDir, 0o755); err != nil {
		return fmt.Errorf("uapi: header cache: %w", err)
	}
	lock := flock.New(filepath.Join(opt.CacheDir, "lock"))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("uapi: header cache: %w", err)
	}
	defer lock.Close()
	if _, err := os.Stat(dir); err == nil {
		return nil // by another run, while this one waited
	}
	// Under the lock, a directory with this name was left by a run that was killed.
	tmp := filepath.Join(opt.CacheDir, "incomplete")
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("uapi: header cache: %w", err)
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return fmt.Errorf("uapi: header cache: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	if err := installHeaders(ctx, tree, arch, tmp, opt.Log); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("uapi: header cache: %w", err)
	}
	return nil
}

// installHeaders runs make headers with out as the build directory; the
// headers are then below out/usr/include. The tree is only read.
func installHeaders(ctx context.Context, tree, arch, out string, log io.Writer) error {
	cmd := exec.CommandContext(ctx, "make", "-s", "-C", tree, "O="+out, "ARCH="+arch, "headers")
	cmd.Env = append(os.Environ(), "LC_ALL=C", "MAKEFLAGS=", "MAKELEVEL=")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = killDelay
	err := cmd.Run()
	if log != nil {
		if _, werr := log.Write(text.Bytes()); werr != nil && err == nil {
			err = werr
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("uapi: make headers in %s: %w: %s", tree, err, firstComplaint(text.String()))
	}
	return nil
}

// firstComplaint returns the first line of make's output that is not a message of make
// itself.
func firstComplaint(text string) string {
	first := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "make:") && !strings.HasPrefix(line, "make[") {
			return line
		}
		if first == "" {
			first = line
		}
	}
	return first
}

// treeKey is a digest over name, size and time of the files that make headers reads.
// make also compares times.
func treeKey(tree, arch string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, "1", arch, tree)
	for _, dir := range []string{
		"Makefile", "Kbuild", "scripts", "include/uapi", "include/asm-generic",
		"arch/" + arch + "/Makefile", "arch/" + arch + "/include/asm/Kbuild", "arch/" + arch + "/include/uapi",
		"arch/" + arch + "/entry/syscalls", "arch/" + arch + "/kernel/syscalls", "arch/" + arch + "/tools",
	} {
		err := filepath.WalkDir(filepath.Join(tree, dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					return nil // not every architecture has all of them
				}
				return err
			}
			if d.IsDir() {
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			fmt.Fprintln(sum, name, info.Size(), info.ModTime().UnixNano())
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:32], nil
}

var versionPart = pattern(`(?m)^#define LINUX_VERSION_(MAJOR|PATCHLEVEL|SUBLEVEL) (\d+)$`)

// headerRelease reads the version out of linux/version.h, or returns "".
func headerRelease(include string) string {
	text, err := os.ReadFile(filepath.Join(include, "linux", "version.h"))
	if err != nil {
		return "" // not every set of headers has it
	}
	var parts []string
	for _, m := range versionPart().FindAllStringSubmatch(string(text), -1) {
		parts = append(parts, m[2])
	}
	if len(parts) != 3 {
		return ""
	}
	return strings.Join(parts, ".")
}
