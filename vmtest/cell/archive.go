// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cell

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/runs"
)

// Suffix ends the names of archives.
const Suffix = ".tar.gz"

// The files of an archive.
const (
	ResultFile = "cell.json"
	StdoutFile = "stdout"
	StderrFile = "stderr"
	RunsDir    = "runs"
)

// maxArchive limits the content of an archive in bytes. Archives come from
// other machines and are not trusted.
const maxArchive = 2 << 30

// Result is how the run of a cell ended. Fields are added, never renamed.
type Result struct {
	Cell Cell `json:"cell"`
	// Started and Ended are UTC.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// ExitCode is that of the command. It is 1 if a make target failed, and 69
	// if the command did not run. If a signal ended the command, it is 128 plus
	// the number of the signal.
	ExitCode int `json:"exit_code"`
	// Reasons say why the cell did not pass, one per line.
	Reasons []string `json:"reasons,omitempty"`
	// Commit is the workbench's; Dirty says that files differed from it.
	Commit string `json:"commit,omitempty"`
	Dirty  bool   `json:"dirty,omitempty"`
	// CPUs is the number of CPUs of the machine.
	CPUs int `json:"cpus"`

	// Records are the records of the runs; their results are in the archive. [Read]
	// and [Unpack] fill them in.
	Records []*runs.Record `json:"-"`
	// Archive is the path of the archive.
	Archive string `json:"-"`
}

// Elapsed is how long the cell ran.
func (r *Result) Elapsed() time.Duration { return r.Ended.Sub(r.Started) }

// archiveName is the name of the archive of a cell.
func archiveName(c *Cell) string {
	if c.Attempt > 1 {
		return fmt.Sprintf("%s.attempt-%d%s", c.ID(), c.Attempt, Suffix)
	}
	return c.ID() + Suffix
}

// pack writes the files below dir to an archive. The archive appears whole or not at
// all.
func pack(dir, archive string) (err error) {
	if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(archive), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	zip := gzip.NewWriter(f)
	w := tar.NewWriter(zip)
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		return packFile(w, dir, name)
	})
	if err = errors.Join(err, w.Close(), zip.Close()); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), archive)
}

func packFile(w *tar.Writer, dir, name string) error {
	rel, err := filepath.Rel(dir, name)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(rel), Mode: 0o644, Size: int64(len(data)), ModTime: time.Now().UTC().Truncate(time.Second)}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// ErrArchive is wrapped by errors about the content of an archive.
var ErrArchive = errors.New("not an archive of xpsgen cell")

// Unpack writes the content of an archive into dir, which must be empty, and reads how
// the cell ended. Errors about the content wrap [ErrArchive].
func Unpack(archive, dir string) (*Result, error) {
	if err := unpack(archive, dir); err != nil {
		return nil, fmt.Errorf("read archive %s: %w", archive, err)
	}
	r, err := readResult(dir)
	if err != nil {
		return nil, fmt.Errorf("read archive %s: %w: %w", archive, ErrArchive, err)
	}
	r.Archive = archive
	return r, nil
}

func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(maxArchive)
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrArchive, err)
		}
		// cell.json, stdout, stderr, and runs/ID/FILE
		name := path.Clean(h.Name)
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			return fmt.Errorf("%w: %q is not a regular file with a local path", ErrArchive, h.Name)
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("%w: more than %d bytes", ErrArchive, int64(maxArchive))
		}
		err = root.MkdirAll(filepath.Dir(name), 0o755)
		if err == nil {
			err = unpackFile(root, name, r)
		}
		if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) {
			err = fmt.Errorf("%w: it has two files %q", ErrArchive, name)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, r io.Reader) error {
	to, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, r)
	if err != nil && !errors.As(err, new(*fs.PathError)) {
		// The archive is damaged: a full disk would be a PathError.
		err = fmt.Errorf("%w: %s: %w", ErrArchive, name, err)
	}
	if err != nil {
		return errors.Join(err, to.Close())
	}
	return to.Close()
}

// readResult reads the files of a cell in dir.
func readResult(dir string) (*Result, error) {
	r, err := cache.ReadJSON[*Result](filepath.Join(dir, ResultFile), "the result of the cell")
	if err != nil {
		return nil, err
	}
	if r == nil || r.Cell.Attempt < 1 {
		return nil, fmt.Errorf("%s has no cell", ResultFile)
	}
	if err := r.Cell.check(); err != nil {
		return nil, err
	}
	if r.Records, err = (&runs.Store{Dir: filepath.Join(dir, RunsDir)}).List(); err != nil {
		return nil, err
	}
	return r, nil
}

func writeResult(dir string, r *Result) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return cache.WriteFile(filepath.Join(dir, ResultFile), append(data, '\n'), 0o644)
}
