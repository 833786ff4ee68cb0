// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// roots are the directories in which the compiler looks for headers.
type roots struct {
	// own are the directories that the caller names. Only headers in them
	// become part of a model.
	own []string
	// libc has our few declarations of the C library.
	libc *standIns
	// system is set for headers of libraries, which see the library's own
	// headers and the compiler's.
	system  bool
	builtin string // the compiler's directory, with stddef.h and its like
}

// kernelDirs are the top directories that "make headers" installs.
var kernelDirs = []string{
	"asm", "asm-generic", "cxl", "drm", "fwctl", "linux", "misc", "mtd", "rdma", "regulator", "scsi", "sound", "video", "xen",
}

// isKernelHeader reports whether a header is the kernel's, not that of a library.
func isKernelHeader(path string) bool {
	top, _, ok := strings.Cut(path, "/")
	return ok && slices.Contains(kernelDirs, top)
}

// withRoots prepares a run over headers in dirs. The caller calls remove.
func withRoots(dirs []string) (r *roots, remove func(*error), err error) {
	if len(dirs) == 0 {
		return nil, nil, errors.New("uapi: no directory of headers")
	}
	r = &roots{}
	for _, d := range dirs {
		abs, err := filepath.Abs(d)
		if err != nil {
			return nil, nil, fmt.Errorf("uapi: %w", err)
		}
		r.own = append(r.own, abs)
	}
	dir, err := os.MkdirTemp("", "xpsgen-libc-")
	if err != nil {
		return nil, nil, fmt.Errorf("uapi: stand-in headers: %w", err)
	}
	r.libc = &standIns{dir: dir, seen: make(map[string]bool)}
	return r, func(err *error) { *err = errors.Join(*err, os.RemoveAll(dir)) }, nil
}

// supply writes the stand-in headers if src or its includes can include one.
func (r *roots) supply(src string) error {
	if err := r.libc.supply(src, r.own, r.system); err != nil {
		return fmt.Errorf("uapi: %w", err)
	}
	return nil
}

// dir is the working directory of the compiler. clang prints relative names of
// files below it. Only stand-in headers are there.
func (r *roots) dir() string { return r.libc.dir }

// forHeader returns the roots as a header needs them.
func (r *roots) forHeader(ctx context.Context, cc *Compiler, path string, system bool) (*roots, error) {
	if isKernelHeader(path) && !system {
		return r, nil
	}
	out := *r
	out.system = true
	var err error
	out.builtin, err = cc.builtinDir(ctx)
	return &out, err
}

// args make the compiler read headers below the roots and nowhere else. The kernel's
// headers see our stand-ins for the C library, so that the result depends on no C library.
// Other headers see the library of the roots, and the stand-ins for what it lacks.
func (r *roots) args() []string { return append([]string{"-w"}, r.warnArgs()...) }

// warnArgs are args with the compiler's warnings left on.
func (r *roots) warnArgs() []string {
	order := append([]string{r.libc.dir}, r.own...)
	if r.system {
		order = append(slices.Clone(r.own), r.libc.dir)
		if r.builtin != "" {
			order = append([]string{r.builtin}, order...)
		}
	}
	args := []string{"-std=gnu11", "-nostdinc"}
	for _, d := range order {
		args = append(args, "-isystem", d)
	}
	return append(args, "-x", "c", "-")
}

// relative returns the path of a file for an include line. It returns "" if the file is in
// none of the caller's directories.
func (r *roots) relative(file string) string {
	best := ""
	for _, root := range r.own {
		if rel, ok := strings.CutPrefix(file, root+string(filepath.Separator)); ok && (best == "" || len(rel) < len(best)) {
			best = rel
		}
	}
	return filepath.ToSlash(best)
}

// find returns the file that an include line with path reads.
func (r *roots) find(path string) (string, error) {
	for _, root := range r.own {
		name := filepath.Join(root, filepath.FromSlash(path))
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s: %w below %s", path, ErrNoHeader, strings.Join(r.own, ", "))
}

// strip cuts the directories off the paths in a message.
func (r *roots) strip(text string) string {
	for _, d := range append([]string{r.libc.dir}, r.own...) {
		text = strings.ReplaceAll(text, d+string(filepath.Separator), "")
	}
	return text
}
