// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// newcMagic begins each header of the format that the kernel calls newc
// (Documentation/driver-api/early-userspace/buffer-format.rst).
const newcMagic = "070701"

// ErrClosed is returned when a [Writer] is used after Close.
var ErrClosed = errors.New("archive is closed")

// Writer writes a cpio archive in newc format, the format of an initramfs.
// Everything belongs to root and has no date, so the same calls give the
// same bytes. A directory must be written before its content.
//
// The first error sticks.
type Writer struct {
	w      *bufio.Writer
	n      int64
	ino    uint32
	err    error
	closed bool
}

// NewWriter returns a Writer that writes to w, buffered: call Close.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, 256<<10)}
}

// Dir writes a directory with the permission bits of mode.
func (w *Writer) Dir(name string, mode uint32) error {
	return w.entry(name, unix.S_IFDIR|mode&0o7777, 0, 0, 0, nil)
}

// File writes a regular file with the permission bits of mode and exactly
// size bytes from r.
func (w *Writer) File(name string, mode uint32, size int64, r io.Reader) error {
	return w.entry(name, unix.S_IFREG|mode&0o7777, 0, 0, size, r)
}

// Symlink writes a symbolic link to target.
func (w *Writer) Symlink(name, target string) error {
	return w.entry(name, unix.S_IFLNK|0o777, 0, 0, int64(len(target)), strings.NewReader(target))
}

// CharDevice writes a node of the character device major:minor.
func (w *Writer) CharDevice(name string, mode, major, minor uint32) error {
	return w.entry(name, unix.S_IFCHR|mode&0o7777, major, minor, 0, nil)
}

// Close ends the archive. Another archive may follow in the same file.
func (w *Writer) Close() error {
	if w.closed {
		return ErrClosed
	}
	w.header("TRAILER!!!", 0, 0, 0, 0, 0)
	w.closed = true
	if w.err != nil {
		return w.err
	}
	return w.w.Flush()
}

func (w *Writer) entry(name string, mode, major, minor uint32, size int64, r io.Reader) error {
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	switch {
	case w.closed:
		return ErrClosed
	case w.err != nil:
		return w.err
	case clean == "" || strings.ContainsRune(name, 0):
		return w.fail(name, errors.New("not a name for an archive"))
	case size < 0 || size > math.MaxUint32:
		return w.fail(name, fmt.Errorf("%d bytes do not fit into the format", size))
	}
	w.ino++
	w.header(clean, w.ino, mode, major, minor, uint32(size))
	if r == nil || w.err != nil {
		return w.err
	}
	n, err := io.CopyN(w.w, r, size)
	w.n += n
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%d bytes instead of %d: %w", n, size, io.ErrUnexpectedEOF)
		}
		return w.fail(name, err)
	}
	w.pad()
	return w.err
}

func (w *Writer) header(name string, ino, mode, major, minor, size uint32) {
	links := uint32(1)
	if mode&unix.S_IFMT == unix.S_IFDIR {
		links = 2
	}
	h := fmt.Sprintf("%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		newcMagic, ino, mode, 0, 0, links, 0, size, 0, 0, major, minor, len(name)+1, 0, name)
	w.write(h)
	w.pad()
}

func (w *Writer) pad() {
	w.write("\x00\x00\x00"[:(4-w.n%4)%4])
}

func (w *Writer) write(s string) {
	if w.err != nil {
		return
	}
	n, err := w.w.WriteString(s)
	w.n += int64(n)
	if err != nil {
		w.err = fmt.Errorf("archive: %w", err)
	}
}

func (w *Writer) fail(name string, err error) error {
	w.err = fmt.Errorf("archive %s: %w", name, err)
	return w.err
}
