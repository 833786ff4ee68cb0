// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/guest/wire"
)

// keepImages is how many images [Cached] keeps.
const keepImages = 16

// formatVersion is part of every hash: raise it when the same Spec produces
// other bytes.
const formatVersion = "image 1\n"

// Build writes the image of s to w.
func Build(w io.Writer, s *Spec) error {
	t, err := s.resolve()
	if err != nil {
		return err
	}
	return t.write(w)
}

func (t tree) write(w io.Writer) error {
	a := NewWriter(w)
	for _, name := range t.names() {
		n := t[name]
		var err error
		switch n.kind {
		case dirNode:
			err = a.Dir(name, n.mode)
		case linkNode:
			err = a.Symlink(name, n.target)
		case charNode:
			err = a.CharDevice(name, n.mode, n.major, n.minor)
		case fileNode:
			err = n.open(func(size int64, r io.Reader) error { return a.File(name, n.mode, size, r) })
		}
		if err != nil {
			return fmt.Errorf("write the image: %w", err)
		}
	}
	if err := a.Close(); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	return nil
}

// open calls use with the contents of a file.
func (n node) open(use func(size int64, r io.Reader) error) error {
	if n.host == "" {
		return use(int64(len(n.data)), bytes.NewReader(n.data))
	}
	f, err := os.Open(n.host)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(info.Size(), f)
}

// hash returns a hash, in hex, of all that Build would write.
func (t tree) hash() (string, error) {
	h := sha256.New()
	io.WriteString(h, formatVersion)
	for _, name := range t.names() {
		if err := t[name].hash(h, name); err != nil {
			return "", fmt.Errorf("write the image: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (n node) hash(h hash.Hash, name string) error {
	fmt.Fprintf(h, "%q %d %o %q %d:%d\n", name, n.kind, n.mode, n.target, n.major, n.minor)
	if n.kind != fileNode {
		return nil
	}
	return n.open(func(size int64, r io.Reader) error {
		fmt.Fprintf(h, "%d\n", size)
		_, err := io.Copy(h, r)
		return err
	})
}

// Cached returns the path of the image of s in dir, and its hash. It writes a
// missing image under a temporary name and renames it, so that an interrupted
// run leaves no incomplete image. Two concurrent runs may both write the image,
// with the same content.
func Cached(ctx context.Context, dir string, s *Spec) (file, hash string, hit bool, err error) {
	t, err := s.resolve()
	if err != nil {
		return "", "", false, err
	}
	if hash, err = t.hash(); err != nil {
		return "", "", false, err
	}
	file = filepath.Join(dir, hash+".cpio")
	switch _, err := os.Stat(file); {
	case err == nil:
		now := time.Now()
		_ = os.Chtimes(file, now, now) // only the order of pruning depends on it
		return file, hash, true, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", false, fmt.Errorf("write the image: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return "", "", false, fmt.Errorf("write the image: %w", err)
	}
	if err := writeWhole(file, t.write); err != nil {
		return "", "", false, fmt.Errorf("write the image: %w", err)
	}
	if err := cache.PruneDir(dir, keepImages); err != nil {
		return "", "", false, fmt.Errorf("image: prune: %w", err)
	}
	return file, hash, false, nil
}

func writeWhole(file string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".tmp-image-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// ConfigArchive returns a cpio archive with the guest's configuration, to be appended to
// a base image.
func ConfigArchive(cfg *wire.Config) ([]byte, error) {
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("image: configuration: %w", err)
	}
	var b bytes.Buffer
	a := NewWriter(&b)
	// NB: the directory is also in the base image. The kernel accepts that, and a
	// file that replaces an earlier one.
	err = errors.Join(
		a.Dir(filepath.Dir(wire.ConfigPath), 0o755),
		a.File(wire.ConfigPath, 0o600, int64(len(data)), bytes.NewReader(data)),
		a.Close())
	if err != nil {
		return nil, fmt.Errorf("image: configuration: %w", err)
	}
	return b.Bytes(), nil
}
