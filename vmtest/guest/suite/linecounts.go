// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/guest/wire"
)

// gcovDir is the kernel's directory with the counts of each object.
const gcovDir = "/sys/kernel/debug/gcov"

// lineCounts sends the counts of gcov after each test, and sets them to zero.
type lineCounts struct {
	// kernel is the directory of the kernel's counts. programs is the directory of the
	// counts of user space.
	kernel, programs string
	zip              *gzip.Writer
	tar              *tar.Writer
	// err is the first error. Nothing is sent after it.
	err error
}

// newCounts sends the counts of the boot.
func newCounts(w io.Writer) (*lineCounts, error) {
	c := newLineCounts(gcovDir, wire.CountsDir, w)
	if _, err := os.Stat(c.kernel); err != nil {
		return nil, fmt.Errorf("line counts: %w (the kernel needs CONFIG_GCOV_KERNEL)", err)
	}
	if err := os.MkdirAll(c.programs, 0o777); err != nil {
		return nil, fmt.Errorf("line counts: %w", err)
	}
	// Tests run ip as other users, too.
	if err := os.Chmod(c.programs, 0o777); err != nil {
		return nil, fmt.Errorf("line counts: %w", err)
	}
	c.take("")
	return c, c.err
}

func newLineCounts(kernel, programs string, w io.Writer) *lineCounts {
	zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // a constant level is valid
	return &lineCounts{kernel: kernel, programs: programs, zip: zip, tar: tar.NewWriter(zip)}
}

// take sends the counts since the last call as the counts of test.
func (c *lineCounts) take(test string) {
	if c.err == nil {
		c.err = errors.Join(c.send(test, "kernel", c.kernel, false), c.send(test, "programs", c.programs, true))
	}
	if c.err == nil {
		c.err = os.WriteFile(filepath.Join(c.kernel, "reset"), []byte("1"), 0o600)
	}
	if c.err != nil {
		c.err = fmt.Errorf("line counts of %q: %w", test, c.err)
	}
}

// close sends the counts since the last test.
func (c *lineCounts) close() error {
	c.take("")
	return errors.Join(c.err, c.tar.Close(), c.zip.Close())
}

// send sends the files of dir. If remove is set, it removes them, because a program adds to
// existing counts.
func (c *lineCounts) send(test, what, dir string, remove bool) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.HasSuffix(path, ".gcda") {
			return err
		}
		// The kernel does not report the size of the file.
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		err = c.tar.WriteHeader(&tar.Header{Name: test + ":" + what + "/" + rel, Size: int64(len(data)), Mode: 0o644, Format: tar.FormatPAX})
		if err == nil {
			_, err = io.Copy(c.tar, bytes.NewReader(data))
		}
		if err == nil && remove {
			err = os.Remove(path)
		}
		return err
	})
}

// countsEnv returns the variables that tell a program of user space where to write its
// counts.
func countsEnv() (env []string) {
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "GCOV_") {
			env = append(env, kv)
		}
	}
	return env
}
