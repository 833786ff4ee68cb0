// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reach

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/proc"
)

// measured are the counts of one program.
type measured struct {
	// total is the sum of all counts, by file.
	total map[string]counts
	// tests are the tests that ran a line, by file and line.
	tests map[string]map[int][]string
}

// reader reads the counts of a program from what guests send.
type reader struct {
	// notes is the directory of gcc's notes, names are their paths below it without the
	// suffix.
	notes string
	names []string
	// files are those whose lines matter.
	files []string
	// work is a directory for gcov to read from.
	work string
	// memo has the lines of files of counts that were read before: most tests leave most
	// counts at zero.
	memo map[[sha256.Size]byte][]lineCount
	measured
}

// lineCount is a count of gcov.
type lineCount struct {
	file  string
	line  int
	count uint64
}

func newReader(notes, work string, files []string) (*reader, error) {
	r := &reader{notes: notes, work: work, files: files, memo: map[[sha256.Size]byte][]lineCount{},
		measured: measured{total: map[string]counts{}, tests: map[string]map[int][]string{}}}
	err := filepath.WalkDir(notes, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".gcno") {
			return err
		}
		rel, err := filepath.Rel(notes, path)
		r.names = append(r.names, strings.TrimSuffix(rel, ".gcno"))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the notes of gcc: %w", err)
	}
	return r, nil
}

// note finds the notes for a file of counts. The path must end with the path of the object.
// A path without directories must be the name of the object.
func (r *reader) note(path string) (name string, err error) {
	path = strings.TrimSuffix(path, ".gcda")
	for _, n := range r.names {
		if path == n || strings.HasSuffix(path, "/"+n) || !strings.Contains(path, "/") && filepath.Base(n) == path {
			if name != "" {
				return "", fmt.Errorf("counts %s: both %s and %s fit", path, name, n)
			}
			name = n
		}
	}
	if name == "" {
		return "", fmt.Errorf("counts %s: gcc left no notes for this object", path)
	}
	return name, nil
}

// add reads one file of counts. test is empty for what ran outside of tests.
func (r *reader) add(ctx context.Context, test, path string, data []byte) error {
	name, err := r.note(path)
	if err != nil {
		return err
	}
	key := sha256.Sum256(append([]byte(name+"\n"), data...))
	lines, ok := r.memo[key]
	if !ok {
		if lines, err = r.gcov(ctx, name, data); err != nil {
			return err
		}
		r.memo[key] = lines
	}
	for _, l := range lines {
		if r.total[l.file] == nil {
			r.total[l.file], r.tests[l.file] = counts{}, map[int][]string{}
		}
		r.total[l.file][l.line] += l.count
		by := r.tests[l.file][l.line]
		if l.count > 0 && test != "" && (len(by) == 0 || by[len(by)-1] != test) {
			r.tests[l.file][l.line] = append(by, test)
		}
	}
	return nil
}

// gcov has gcov count the lines of one object.
func (r *reader) gcov(ctx context.Context, name string, data []byte) ([]lineCount, error) {
	at := filepath.Join(r.work, filepath.Base(name))
	note := at + ".gcno"
	if err := os.Remove(note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("count lines: %w", err)
	}
	err := errors.Join(os.Symlink(filepath.Join(r.notes, name+".gcno"), note), os.WriteFile(at+".gcda", data, 0o644))
	if err != nil {
		return nil, fmt.Errorf("count lines: %w", err)
	}
	var stderr bytes.Buffer
	c := &proc.Cmd{Args: []string{"gcov", "--json-format", "--stdout", at + ".gcda"}, Dir: r.work, Stderr: &stderr}
	out, err := c.Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("count lines of %s: %w", name, err)
	}
	// gcov only warns, and exits with 0, if counts and notes are of different
	// objects.
	if strings.Contains(stderr.String(), "stamp mismatch") || strings.Contains(stderr.String(), "version") {
		return nil, fmt.Errorf("count lines of %s: %s", name, strings.TrimSpace(stderr.String()))
	}
	return r.parse(name, out)
}

// report is what gcov prints.
type report struct {
	Dir   string `json:"current_working_directory"`
	Files []struct {
		File  string `json:"file"`
		Lines []struct {
			Line  int    `json:"line_number"`
			Count uint64 `json:"count"`
		} `json:"lines"`
	} `json:"files"`
}

// parse returns the counts of the files that matter. A line of a static inline
// occurs once for each function that contains it.
func (r *reader) parse(name string, out []byte) ([]lineCount, error) {
	var all []lineCount
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var g report
		err := dec.Decode(&g)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("count lines of %s: read what gcov prints: %w", name, err)
		}
		for _, f := range g.Files {
			path := f.File
			if !filepath.IsAbs(path) {
				path = filepath.Join(g.Dir, path)
			}
			file := r.file(path)
			if file == "" {
				continue
			}
			for _, l := range f.Lines {
				all = append(all, lineCount{file, l.Line, l.Count})
			}
		}
	}
}

// file returns the path in the tree of a source file; empty if it does not matter.
func (r *reader) file(path string) (file string) {
	for _, f := range r.files {
		if len(f) > len(file) && strings.HasSuffix(path, "/"+f) {
			file = f
		}
	}
	return file
}

// archive calls add for each file of counts that a guest sent. The name of an entry is
// the name of the test, a colon, and the path.
func archive(in io.Reader, add func(test, path string, data []byte) error) error {
	zip, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("read the counts: %w", err)
	}
	t := tar.NewReader(zip)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the counts: %w", err)
		}
		data, err := io.ReadAll(t)
		if err != nil {
			return fmt.Errorf("read the counts: %w", err)
		}
		test, path, ok := strings.Cut(h.Name, ":")
		if !ok {
			return fmt.Errorf("read the counts: %q names no test", h.Name)
		}
		if err := add(test, path, data); err != nil {
			return err
		}
	}
}
