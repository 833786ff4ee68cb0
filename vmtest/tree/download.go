// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
)

// recordName is next to a downloaded file and has its expected hash.
const recordName = "download.json"

// download describes a downloaded file.
type download struct {
	Package string `json:"package"`
	Version string `json:"version"`
	URI     string `json:"uri"`
	File    string `json:"file"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`

	// dir is where the file is.
	dir string
}

func (d *download) path() string { return filepath.Join(d.dir, d.File) }

// verify compares the file with its record.
func (d *download) verify() error {
	f, err := os.Open(d.path())
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if n != d.Size {
		return fmt.Errorf("%s: %d bytes, expected %d", d.path(), n, d.Size)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != d.SHA256 {
		return fmt.Errorf("%s: sha256 is %s, expected %s", d.path(), got, d.SHA256)
	}
	return nil
}

// obtainDownload returns the package of o: from dir if it is complete there, otherwise
// through fetch. If the files in dir differ from their record, it fetches them once
// more. The caller holds the lock on dir.
func obtainDownload(ctx context.Context, dir, step string, p progress.Func,
	fetch func(ctx context.Context, dir string) (*download, error)) (*download, error) {
	d, bad := cachedDownload(dir)
	if d != nil && bad == nil {
		return d, nil
	}
	if bad != nil {
		p.Emit(progress.Event{Step: step, State: progress.Notice,
			Text: fmt.Sprintf("the cached download is damaged, fetching it again: %v", bad)})
	}
	err := cache.Publish(dir, func(tmp string) error {
		d, err := fetch(ctx, tmp)
		if err != nil {
			return err
		}
		d.dir = tmp
		if err := d.verify(); err != nil {
			return fmt.Errorf("downloaded file is damaged: %w", err)
		}
		data, err := json.MarshalIndent(d, "", "\t")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, recordName), append(data, '\n'), 0o644)
	})
	if err != nil {
		if bad != nil {
			return nil, fmt.Errorf("the cached download is damaged (%v) and could not be fetched again: %w", bad, err)
		}
		return nil, err
	}
	d, bad = cachedDownload(dir)
	if d == nil && bad == nil {
		bad = errors.New("the file is missing")
	}
	return d, bad
}

// cachedDownload returns the download in dir, nil if there is none. It returns an error
// if the files differ from their record.
func cachedDownload(dir string) (*download, error) {
	data, err := os.ReadFile(filepath.Join(dir, recordName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := &download{dir: dir}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, recordName), err)
	}
	if d.File != filepath.Base(d.File) {
		return nil, fmt.Errorf("%s: bad file name %q", filepath.Join(dir, recordName), d.File)
	}
	return d, d.verify()
}
