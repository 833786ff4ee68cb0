// SPDX-License-Identifier: GPL-2.0-only OR MIT

package share

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ErrContent is wrapped by errors about the content of a file in a store.
var ErrContent = errors.New("not an entry of the cache")

// pack writes an entry, a directory or a file, as a tar archive. Names begin with that
// of the entry. It keeps modes and modification times, because make compares times.
func pack(ctx context.Context, to io.Writer, entry string) error {
	zip, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zip)
	parent := filepath.Dir(entry)
	err = filepath.WalkDir(entry, func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case transient(e.Name()) && name != entry:
			return nil
		}
		rel, err := filepath.Rel(parent, name)
		if err != nil {
			return err
		}
		return packOne(w, name, filepath.ToSlash(rel))
	})
	return errors.Join(err, w.Close(), zip.Close())
}

// transient reports whether a file is a lock, or not complete.
func transient(name string) bool {
	return name == "lock" || strings.HasSuffix(name, ".lock") || strings.HasPrefix(name, ".tmp-") || strings.HasPrefix(name, "tmp_obj_")
}

func packOne(w *tar.Writer, name, rel string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	target := ""
	switch info.Mode().Type() {
	case fs.ModeSymlink:
		if target, err = os.Readlink(name); err != nil {
			return err
		}
	case fs.ModeDir, 0:
	default:
		return fmt.Errorf("%s is neither a file nor a directory", name)
	}
	h, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	h.Name, h.Uid, h.Gid, h.Uname, h.Gname = rel, 0, 0, "", ""
	h.Format = tar.FormatPAX
	h.AccessTime, h.ChangeTime = h.ModTime, h.ModTime
	if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// unpack writes the content of an archive below dir.
func unpack(ctx context.Context, from io.Reader, dir string) error {
	zip, err := gzip.NewReader(from)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrContent, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrContent, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name := path.Clean(h.Name)
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%w: %q is not below it", ErrContent, h.Name)
		}
		if err := unpackOne(root, name, h, r); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrContent, name, err)
		}
	}
}

func unpackOne(root *os.Root, name string, h *tar.Header, r io.Reader) error {
	mode := fs.FileMode(h.Mode).Perm()
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, mode|0o700)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
	default:
		return fmt.Errorf("unexpected type %q", h.Typeflag)
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Chtimes(name, h.ModTime, h.ModTime)
}
