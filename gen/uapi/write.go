// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// A DriftError says that a generated package differs from the headers.
type DriftError struct {
	// Dir is the package's directory.
	Dir string
	// Files are the names that differ, are missing or are too many.
	Files []string
	// Diff is a unified diff from the current files to the expected ones.
	Diff string
}

// Error counts the files; the difference itself is in Diff.
func (e *DriftError) Error() string {
	return fmt.Sprintf("%s: %d generated file(s) differ from the headers: %s",
		e.Dir, len(e.Files), strings.Join(e.Files, ", "))
}

// isOurs reports whether xpsgen uapi generated a file.
func isOurs(name string, content []byte) bool {
	return (strings.HasSuffix(name, fileSuffix) || strings.HasSuffix(name, layoutTestSuffix)) &&
		bytes.HasPrefix(content, []byte("// "+generatedLine+"\n"))
}

// existing returns our files in dir by name.
func existing(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if isOurs(e.Name(), content) {
			files[e.Name()] = content
		}
	}
	return files, nil
}

// ReadPackage returns the generated files of the package in dir, in the order
// of their names.
func ReadPackage(dir string) ([]File, error) {
	have, err := existing(dir)
	if err != nil {
		return nil, fmt.Errorf("uapi: %w", err)
	}
	var files []File
	for _, name := range sortedKeys(have) {
		files = append(files, File{name, have[name]})
	}
	if files == nil {
		return nil, fmt.Errorf("uapi: %s: no generated package: %w", dir, fs.ErrNotExist)
	}
	return files, nil
}

// checkFiles compares files with those in dir. Where only the provenance in
// the stamp differs, stale is set and the package is right.
func checkFiles(dir string, files []File) (stale bool, err error) {
	have, err := existing(dir)
	if err != nil {
		return false, fmt.Errorf("uapi: %w", err)
	}
	drift := &DriftError{Dir: dir}
	var text strings.Builder
	add := func(name string, old, new []byte) {
		drift.Files = append(drift.Files, name)
		text.Write(diff.Diff("a/"+name, old, "b/"+name, new))
	}
	for _, f := range files {
		old := have[f.Name]
		delete(have, f.Name)
		switch {
		case bytes.Equal(old, f.Content):
		case bytes.Equal(withoutProvenance(old), withoutProvenance(f.Content)):
			stale = true
		default:
			add(f.Name, old, f.Content)
		}
	}
	for _, name := range sortedKeys(have) {
		add(name, have[name], nil)
	}
	if len(drift.Files) > 0 {
		drift.Diff = text.String()
		return false, drift
	}
	return stale, nil
}

// withoutProvenance removes the lines that say where a header comes from.
func withoutProvenance(content []byte) []byte {
	var out []byte
	for line := range bytes.Lines(content) {
		if bytes.HasPrefix(line, []byte("package ")) {
			break
		}
		if bytes.HasPrefix(line, []byte("// "+kernelPrefix)) || bytes.HasPrefix(line, []byte("// "+seriesPrefix)) {
			continue
		}
		out = append(out, line...)
	}
	if i := bytes.Index(content, []byte("\npackage ")); i >= 0 {
		out = append(out, content[i:]...)
	}
	return out
}

// writeFiles makes files the only generated files of dir. It writes all of them under other
// names first, so that an error while writing leaves dir as it was. Then it renames them,
// and removes the files of headers that are no longer wanted. It returns the names that
// changed.
func writeFiles(dir string, files []File) (changed []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("uapi: %w", err)
	}
	have, err := existing(dir)
	if err != nil {
		return nil, fmt.Errorf("uapi: %w", err)
	}
	temps := make(map[string]string)
	defer func() {
		for _, tmp := range temps {
			if rerr := os.Remove(tmp); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}()
	for _, f := range files {
		old, ok := have[f.Name]
		delete(have, f.Name)
		if ok && bytes.Equal(old, f.Content) {
			continue
		}
		if !ok {
			if err := refuseForeign(filepath.Join(dir, f.Name)); err != nil {
				return nil, err
			}
		}
		tmp, err := writeTemp(dir, f)
		if tmp != "" {
			temps[f.Name] = tmp
		}
		if err != nil {
			return nil, fmt.Errorf("uapi: %w", err)
		}
	}
	for _, name := range sortedKeys(temps) {
		if err := os.Rename(temps[name], filepath.Join(dir, name)); err != nil {
			return changed, fmt.Errorf("uapi: %w", err)
		}
		delete(temps, name)
		changed = append(changed, name)
	}
	for _, name := range sortedKeys(have) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return changed, fmt.Errorf("uapi: %w", err)
		}
		changed = append(changed, name)
	}
	return changed, nil
}

// refuseForeign returns an error if there is a file of the name that was not
// generated.
func refuseForeign(name string) error {
	switch _, err := os.Lstat(name); {
	case err == nil:
		return fmt.Errorf("uapi: %s: not a generated file, will not replace it", name)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return fmt.Errorf("uapi: %w", err)
	}
}

// writeTemp writes f to a temporary file in dir and returns the name of that file.
// If the write fails, it returns the name with the error: the caller removes the
// file. The go command ignores the file, because its name begins with a dot.
func writeTemp(dir string, f File) (string, error) {
	tmp, err := os.CreateTemp(dir, "."+f.Name+".")
	if err != nil {
		return "", err
	}
	_, err = tmp.Write(f.Content)
	// CreateTemp makes files private. Generated code has the mode of other
	// source, independent of the umask.
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	return tmp.Name(), err
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
