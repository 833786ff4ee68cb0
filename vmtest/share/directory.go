// SPDX-License-Identifier: GPL-2.0-only OR MIT

package share

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// directory is a store in a directory.
type directory string

func (d directory) List(context.Context) ([]string, error) {
	var names []string
	for _, kind := range kinds {
		entries, err := os.ReadDir(filepath.Join(string(d), kind))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the store: %w", err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), Suffix) && !strings.HasPrefix(e.Name(), ".") {
				names = append(names, kind+"/"+e.Name())
			}
		}
	}
	return names, nil
}

func (d directory) Get(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(d), name))
}

func (d directory) Put(_ context.Context, name string, data *os.File) (err error) {
	to := filepath.Join(string(d), name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err := io.Copy(f, data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}

func (d directory) Close(context.Context) error { return nil }
