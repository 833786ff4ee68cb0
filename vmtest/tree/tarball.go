// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"xpsgen/vmtest/proc"
)

// withTarball calls f with the uncompressed source tarball in a download: the
// file itself, or the one that a Debian package carries in usr/src.
func withTarball(ctx context.Context, file string, f func(io.Reader) error) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	if !strings.HasSuffix(file, ".deb") {
		return uncompressed(ctx, file, in, f)
	}
	name, data, err := arMember(in, "data.tar")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return uncompressed(ctx, name, data, func(r io.Reader) error {
		tr := tar.NewReader(r)
		for {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				return fmt.Errorf("%s: no source tarball in usr/src", file)
			}
			if err != nil {
				return fmt.Errorf("%s: %s: %w", file, name, err)
			}
			if ok, _ := path.Match("usr/src/*.tar.*", path.Clean(h.Name)); ok && h.Typeflag == tar.TypeReg {
				return uncompressed(ctx, h.Name, tr, f)
			}
		}
	})
}

// uncompressed calls f with r passed through the program that name's ending
// asks for.
func uncompressed(ctx context.Context, name string, r io.Reader, f func(io.Reader) error) error {
	var args []string
	switch path.Ext(name) {
	case ".xz":
		args = []string{"xz", "-dc", "-T0"}
	case ".zst":
		args = []string{"zstd", "-dcq"}
	case ".gz":
		args = []string{"gzip", "-dc"}
	case ".tar":
		return f(r)
	default:
		return fmt.Errorf("%s: unknown compression", name)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		c := &proc.Cmd{Args: args, Stdin: r, Stdout: pw}
		err := c.Run(ctx)
		pw.CloseWithError(err)
		done <- err
	}()
	err := f(pr)
	if err == nil {
		// After the end of the archive comes padding; reading it lets
		// the program end and say whether its input was sound.
		_, err = io.Copy(io.Discard, pr)
	}
	if err != nil {
		cancel(err)
	}
	pr.CloseWithError(err)
	if perr := <-done; err == nil && perr != nil {
		err = fmt.Errorf("%s: %w", name, perr)
	}
	return err
}

// arMember finds the first member of an ar archive (which is what a Debian
// package is) whose name begins with prefix.
func arMember(r io.Reader, prefix string) (name string, data io.Reader, err error) {
	magic := make([]byte, 8)
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != "!<arch>\n" {
		return "", nil, errors.New("not a Debian package")
	}
	for {
		header := make([]byte, 60)
		if _, err := io.ReadFull(r, header); err != nil {
			return "", nil, fmt.Errorf("no %s in the package", prefix)
		}
		name := strings.TrimRight(strings.TrimSpace(string(header[:16])), "/")
		size, err := strconv.ParseInt(strings.TrimSpace(string(header[48:58])), 10, 64)
		if err != nil || size < 0 || string(header[58:]) != "`\n" {
			return "", nil, errors.New("damaged package: bad member header")
		}
		if strings.HasPrefix(name, prefix) {
			return name, io.LimitReader(r, size), nil
		}
		if _, err := io.CopyN(io.Discard, r, size+size%2); err != nil {
			return "", nil, errors.New("damaged package: ends early")
		}
	}
}
