// SPDX-License-Identifier: GPL-2.0-only OR MIT

package share

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/proc"
)

// indexFile lists the files of a web store, one per line.
const indexFile = "index.txt"

// web is a store on a web server: GET reads a file, PUT writes one. It runs curl, because
// net/http would make the program a sixth larger.
//
// Two machines that push at once may each overwrite the index of the other. Then an entry
// is not listed until a machine that has it pushes again; it is never wrong.
type web struct {
	url string
	put []string
}

func newWeb(url string) *web { return &web{url: strings.TrimRight(url, "/")} }

// errAbsent is wrapped when the server does not have a file.
var errAbsent = errors.New("no such file")

// curl transfers a file and returns the status that the server answered.
func (w *web) curl(ctx context.Context, name string, args ...string) error {
	url := w.url + "/" + name
	args = append([]string{"curl", "--silent", "--show-error", "--location", "--globoff", "--connect-timeout", "30",
		// Abort stalled transfers, not slow ones.
		"--speed-limit", "1", "--speed-time", "60", "--write-out", "%{http_code}"}, args...)
	cmd := proc.Cmd{Args: append(args, "--", url)}
	status, err := cmd.Output(ctx)
	if err != nil {
		return err
	}
	switch code := strings.TrimSpace(string(status)); {
	case code == "404":
		return fmt.Errorf("%s: %w", url, errAbsent)
	case !strings.HasPrefix(code, "2"):
		return fmt.Errorf("%s: the server answered with status %s", url, code)
	}
	return nil
}

func (w *web) List(ctx context.Context) ([]string, error) {
	r, err := w.Get(ctx, indexFile)
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the store: %w", err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("list the store: %w", err)
	}
	return strings.Fields(string(data)), nil
}

// temporary is a file that goes away when it is closed.
type temporary struct{ *os.File }

func (t temporary) Close() error {
	return errors.Join(t.File.Close(), os.RemoveAll(filepath.Dir(t.Name())))
}

func (w *web) Get(ctx context.Context, name string) (_ io.ReadCloser, err error) {
	dir, err := os.MkdirTemp("", "xpsgen-pull-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	path := filepath.Join(dir, "file")
	if err := w.curl(ctx, name, "--output", path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		// curl makes no file of an empty answer.
		f, err = os.Create(path)
	}
	if err != nil {
		return nil, err
	}
	return temporary{f}, nil
}

func (w *web) Put(ctx context.Context, name string, data *os.File) error {
	if err := w.curl(ctx, name, "--output", "/dev/null", "--upload-file", data.Name()); err != nil {
		return err
	}
	w.put = append(w.put, name)
	return nil
}

func (w *web) Close(ctx context.Context) (err error) {
	if len(w.put) == 0 {
		return nil
	}
	all, err := w.List(ctx)
	if err != nil {
		return err
	}
	all = append(all, w.put...)
	slices.Sort(all)
	f, err := os.CreateTemp("", "xpsgen-push-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.WriteString(strings.Join(slices.Compact(all), "\n") + "\n"); err != nil {
		return err
	}
	if err := w.Put(ctx, indexFile, f); err != nil {
		return fmt.Errorf("list the store: %w", err)
	}
	w.put = nil
	return nil
}
