// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// packages matches the text after the module path and a slash, in an import path or in
// a pattern of the go command.
const packages = `(?:bpf|gen|uapi|vmtest)\b|\.\.\.`

// rename copies the module in src to dst, under the module path path. dst must be empty
// or missing. It replaces the old path wherever a package directory follows: in imports,
// docs, scripts and expectations of tests.
func rename(src, dst, path string) error {
	if err := module.CheckPath(path); err != nil {
		return err
	}
	files, err := list(src, dst)
	if err != nil {
		return err
	}
	old, err := modulePath(src)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dst); err == nil && len(entries) != 0 {
		return fmt.Errorf("%s is not empty", dst)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// The match must not be the end of a longer path: neither bin/xpsgen nor a cache
	// directory is the module.
	mention := regexp.MustCompile(`(^|[^A-Za-z0-9_./-])` + regexp.QuoteMeta(old) + `/(` + packages + `)`)
	for _, name := range files {
		if err := copyFile(filepath.Join(src, name), filepath.Join(dst, name), func(b []byte) ([]byte, error) {
			if name == "go.mod" {
				return setModule(b, path)
			}
			return mention.ReplaceAll(b, []byte("${1}"+path+"/${2}")), nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// list returns the files of the module: those that git does not ignore. If src is not a
// working tree, it returns all files except those in bin, out and dst.
func list(src, dst string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(src, ".git")); err == nil {
		out, err := exec.Command("git", "-C", src, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
		if err != nil {
			return nil, fmt.Errorf("git ls-files: %w", err)
		}
		var files []string
		for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			// git also lists a file whose deletion is not committed.
			if _, err := os.Lstat(filepath.Join(src, name)); err == nil {
				files = append(files, name)
			}
		}
		return files, nil
	}
	skip, err := filepath.Abs(dst)
	if err != nil {
		return nil, err
	}
	var files []string
	err = filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if d.IsDir() && (abs == skip || path == filepath.Join(src, "bin") || path == filepath.Join(src, "out")) {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(src, path)
		files = append(files, rel)
		return err
	})
	return files, err
}

func modulePath(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	path := modfile.ModulePath(b)
	if path == "" {
		return "", fmt.Errorf("%s: no module path", filepath.Join(dir, "go.mod"))
	}
	return path, nil
}

func setModule(b []byte, path string) ([]byte, error) {
	f, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		return nil, err
	}
	if err := f.AddModuleStmt(path); err != nil {
		return nil, err
	}
	return f.Format()
}

// copyFile copies a file through edit, unless it is binary.
func copyFile(from, to string, edit func([]byte) ([]byte, error)) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if !bytes.Contains(b, []byte{0}) {
		if b, err = edit(b); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
	}
	return os.WriteFile(to, b, info.Mode().Perm())
}
