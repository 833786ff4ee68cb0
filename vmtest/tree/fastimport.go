// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"xpsgen/vmtest/progress"
)

// importTar reads the source tarball r and makes one commit of it on the branch
// base of g's repository. It removes the tarball's top directory. The files go
// straight into a pack, so nothing is unpacked to disk.
func importTar(ctx context.Context, g *git, r io.Reader, message string, p func(done int64)) (commit string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pr, pw := io.Pipe()
	go func() {
		err := writeImport(pw, r, message, p)
		if err != nil {
			// git would accept a truncated stream.
			cancel(err)
		}
		pw.CloseWithError(err)
	}()
	c := g.cmd("fast-import", "--quiet", "--force", "--depth=0", "--done", "--date-format=raw")
	c.Stdin = pr
	err = c.Run(ctx)
	pr.CloseWithError(errors.New("git fast-import has ended"))
	if err != nil {
		return "", fmt.Errorf("import source: %w", err)
	}
	return g.output(ctx, "rev-parse", "--verify", "refs/heads/base^{commit}")
}

// writeImport turns a tarball into a stream for git fast-import.
func writeImport(w io.Writer, r io.Reader, message string, p func(done int64)) error {
	bw := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprintf(bw, "commit refs/heads/base\ncommitter %s <%s> %s\ndata %d\n%s\n",
		identName, identEmail, identDate, len(message), message)
	tr := tar.NewReader(r)
	files := int64(0)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read tarball: %w", err)
		}
		name, err := stripTop(h.Name)
		if err != nil {
			return err
		}
		if name == "" {
			continue
		}
		switch h.Typeflag {
		case tar.TypeReg:
			mode := "100644"
			if h.FileInfo().Mode()&0o100 != 0 {
				mode = "100755"
			}
			fmt.Fprintf(bw, "M %s inline %s\ndata %d\n", mode, quotePath(name), h.Size)
			if _, err := io.Copy(bw, tr); err != nil {
				return fmt.Errorf("read tarball: %s: %w", h.Name, err)
			}
			bw.WriteByte('\n')
		case tar.TypeSymlink:
			fmt.Fprintf(bw, "M 120000 inline %s\ndata %d\n%s\n", quotePath(name), len(h.Linkname), h.Linkname)
		case tar.TypeLink:
			target, err := stripTop(h.Linkname)
			if err != nil {
				return err
			}
			fmt.Fprintf(bw, "C %s %s\n", quotePath(target), quotePath(name))
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		default:
			return fmt.Errorf("read tarball: %s: unexpected type %q", h.Name, h.Typeflag)
		}
		if files++; files%1000 == 0 && p != nil {
			p(files)
		}
	}
	if files == 0 {
		return errors.New("read tarball: it holds no file")
	}
	bw.WriteString("done\n")
	return bw.Flush()
}

// stripTop removes the first component of a name in a tarball. It rejects names
// that would leave the tree.
func stripTop(name string) (string, error) {
	clean := path.Clean(name)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Errorf("read tarball: unsafe name %q", name)
	}
	_, rest, _ := strings.Cut(clean, "/")
	if rest == ".git" || strings.HasPrefix(rest, ".git/") {
		return "", fmt.Errorf("read tarball: unsafe name %q", name)
	}
	return rest, nil
}

// quotePath writes a name as fast-import reads it, byte by byte.
func quotePath(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "\\%03o", c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// importProgress reports every thousandth file.
func importProgress(p progress.Func, step string) func(int64) {
	return func(done int64) {
		p.Emit(progress.Event{Step: step, State: progress.Advanced, Done: done, Unit: "files"})
	}
}
