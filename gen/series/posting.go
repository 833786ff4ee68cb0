// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

const (
	// SentDir is the directory of sent versions. It has a directory for each version.
	SentDir = "sent"
	// postingName is the file that stores a Posting. sumsName is the file with the SHA-256
	// sums of all other files.
	postingName = "posting.toml"
	sumsName    = "SHA256SUMS"
)

// Posting is a sent version. Its directory never changes: [Posting.Verify] compares it
// with hashes from the time of sending.
type Posting struct {
	Version int `toml:"version"`
	// MessageID is the Message-Id of the cover letter, or of the only patch, without
	// angle brackets.
	MessageID string `toml:"message-id"`
	// Date is when the version was sent.
	Date time.Time `toml:"date"`
	// Base is the base that was sent. Commit is the public commit that the cover
	// letter named; may be empty.
	Base   string `toml:"base"`
	Commit string `toml:"commit,omitempty"`
	// Prefix is the text in the subjects' brackets, without version and
	// number.
	Prefix string `toml:"prefix"`
	// Patches are the patches in order, with the keys they had.
	Patches []PostedPatch `toml:"patch"`

	// Dir is the directory of the posting.
	Dir string `toml:"-"`
}

// PostedPatch is one patch of a posting.
type PostedPatch struct {
	Key  string `toml:"key"`
	File string `toml:"file"`
}

// ErrChanged is wrapped by errors about files that changed after they were sent.
var ErrChanged = errors.New("changed after it was sent")

// loadPostings reads sent/v1, sent/v2, ...
func loadPostings(dir string) ([]*Posting, error) {
	entries, err := os.ReadDir(filepath.Join(dir, SentDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	var list []*Posting
	for _, e := range entries {
		v, ok := strings.CutPrefix(e.Name(), "v")
		n, err := strconv.Atoi(v)
		if !ok || err != nil || !e.IsDir() {
			continue
		}
		p, err := loadPosting(filepath.Join(dir, SentDir, e.Name()))
		if err != nil {
			return nil, err
		}
		if p.Version != n {
			return nil, &FileError{File: p.Dir, Err: fmt.Errorf("%s says version %d", postingName, p.Version)}
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *Posting) int { return a.Version - b.Version })
	return list, nil
}

func loadPosting(dir string) (*Posting, error) {
	p := &Posting{Dir: dir}
	file := filepath.Join(dir, postingName)
	meta, err := toml.DecodeFile(file, p)
	if err != nil {
		return nil, &FileError{File: file, Err: err}
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, &FileError{File: file, Err: fmt.Errorf("unknown key %q", unknown[0])}
	}
	for _, pp := range p.Patches {
		if pp.File != filepath.Base(pp.File) {
			return nil, &FileError{File: file, Err: fmt.Errorf("patch file %q: want a file name without a directory", pp.File)}
		}
	}
	return p, nil
}

// Load reads the sent patches.
func (p *Posting) Load() ([]*Patch, error) {
	var list []*Patch
	for _, pp := range p.Patches {
		sent, err := loadPatch(filepath.Join(p.Dir, pp.File))
		if err != nil {
			return nil, err
		}
		sent.Key = pp.Key
		list = append(list, sent)
	}
	return list, nil
}

// Verify compares the files of the directory with their hashes. The error wraps [ErrChanged] if a
// file was changed, added or removed.
func (p *Posting) Verify() error {
	sums, err := hashDir(p.Dir)
	if err != nil {
		return fmt.Errorf("verify v%d as sent: %w", p.Version, err)
	}
	have, err := os.ReadFile(filepath.Join(p.Dir, sumsName))
	if err != nil {
		return fmt.Errorf("verify v%d as sent: %w", p.Version, err)
	}
	if string(have) == sums {
		return nil
	}
	said := map[string]string{}
	for _, l := range strings.Split(string(have), "\n") {
		if sum, name, ok := strings.Cut(l, "  "); ok {
			said[name] = sum
		}
	}
	for _, l := range strings.Split(sums, "\n") {
		sum, name, ok := strings.Cut(l, "  ")
		if !ok {
			continue
		}
		switch was, ok := said[name]; {
		case !ok:
			return &FileError{File: filepath.Join(p.Dir, name), Err: fmt.Errorf("%w: it was added", ErrChanged)}
		case was != sum:
			return &FileError{File: filepath.Join(p.Dir, name), Err: ErrChanged}
		}
		delete(said, name)
	}
	for name := range said {
		return &FileError{File: filepath.Join(p.Dir, name), Err: fmt.Errorf("%w: it is missing", ErrChanged)}
	}
	return &FileError{File: filepath.Join(p.Dir, sumsName), Err: ErrChanged}
}

// hashDir hashes the files of a directory as sha256sum prints it, in the order of
// their names.
func hashDir(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		if e.Name() == sumsName {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return b.String(), nil
}
