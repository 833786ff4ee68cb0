// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/tree/manifest"
)

var (
	// ErrSent: the version was sent already, and a sent version never changes.
	ErrSent = errors.New("sent already")
	// ErrNotSent: the mails or patches to archive cannot be the ones that were sent.
	ErrNotSent = errors.New("not what was sent")
)

// SentOptions describe the sent version. Version and Date are required, and one of
// MessageID and From.
type SentOptions struct {
	// Version must be the version of the series in series.toml.
	Version int
	// MessageID is the Message-Id of the cover letter, or of the only patch. Angle
	// brackets are optional. Empty takes the Message-Id of the first mail in From.
	MessageID string
	// Date is when the version was sent.
	Date time.Time
	// From is a directory with the sent mails: a thread of xpsgen series export, or a
	// directory of mails. Empty archives the current patch files, cover letter and
	// changelog.
	From string
	// Force archives mails that cannot have been sent: mails of a draft, from a placeholder
	// address, or without a sign-off.
	Force bool
}

// Archive copies the sent version to sent/vN. Then it opens version N+1: it sets the
// version in the manifest, and adds an empty section to the changelog. It never changes an
// archive: the error wraps [ErrSent] if the version was archived already. A second call
// with the same Message-Id finishes an interrupted one.
func (s *Series) Archive(opt SentOptions) (*Posting, error) {
	what := fmt.Sprintf("archive v%d of %s", opt.Version, s.Key)
	b := s.Submit()
	id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(opt.MessageID), "<"), ">")
	if opt.From != "" {
		said, err := firstID(opt.From)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if id != "" && said != "" && said != id {
			return nil, fmt.Errorf("%s: %w: the mails in %s have the Message-Id <%s>", what, ErrNotSent, opt.From, said)
		}
		id = cmp.Or(id, said)
	}
	switch at := strings.IndexByte(id, '@'); {
	case b == nil && s.Role != manifest.Submit:
		return nil, fmt.Errorf("%s: the series has the role %s, which is never sent", what, s.Role)
	case b == nil:
		return nil, fmt.Errorf("%s: no base has the role submit, so it cannot have been sent", what)
	case at <= 0 || at == len(id)-1 || strings.ContainsAny(id, " \t\r\n<>\""):
		return nil, fmt.Errorf("%s: %q is not a Message-Id", what, opt.MessageID)
	case opt.Date.IsZero():
		return nil, fmt.Errorf("%s: no date", what)
	}
	p := &Posting{
		Version: opt.Version, MessageID: id, Date: opt.Date.UTC().Truncate(time.Second),
		Base: b.Name, Commit: b.Commit, Prefix: s.Prefix, Dir: filepath.Join(s.Dir, SentDir, fmt.Sprintf("v%d", opt.Version)),
	}
	if have, err := loadPosting(p.Dir); err == nil {
		if err := have.Verify(); err != nil {
			return nil, err
		}
		if have.MessageID != id || s.Version != opt.Version {
			return nil, fmt.Errorf("%s: %w, on %s as <%s>", what, ErrSent, have.Date.Format(time.DateOnly), have.MessageID)
		}
		// An earlier run was interrupted after this point.
		return have, s.open(opt.Version + 1)
	} else if _, serr := os.Stat(p.Dir); !errors.Is(serr, fs.ErrNotExist) {
		return nil, err
	}
	if opt.Version != s.Version {
		return nil, fmt.Errorf("%s: %w: the series is at v%d", what, ErrNotSent, s.Version)
	}
	files, err := s.sentFiles(b, p, opt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if err := p.write(files); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return p, s.open(opt.Version + 1)
}

// sentFiles collects the files of the archive by name, and lists the patches in p.
func (s *Series) sentFiles(b *Base, p *Posting, opt SentOptions) (map[string][]byte, error) {
	files := map[string][]byte{}
	if opt.From != "" {
		return files, s.sentMails(b, p, opt, files)
	}
	for _, bp := range b.Patches {
		name := filepath.Base(bp.Path)
		files[name] = bp.Raw
		p.Patches = append(p.Patches, PostedPatch{Key: bp.Key, File: name})
	}
	for _, name := range []string{CoverName, ChangelogName} {
		data, err := os.ReadFile(filepath.Join(s.Dir, name))
		if err == nil {
			files[name] = data
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}

// firstID returns the Message-Id of the first mail of an export.
func firstID(dir string) (string, error) {
	names, _, err := exportedMails(dir)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		return "", err
	}
	m, err := mail.Parse(data)
	if err != nil {
		return "", &FileError{File: names[0], Err: err}
	}
	return messageID(m.Header), nil
}

// sentMails adds the mails of an export to files. It fails if the title or the diff of a
// mail differs from the patch file, or if a mail cannot have been sent.
func (s *Series) sentMails(b *Base, p *Posting, opt SentOptions, files map[string][]byte) error {
	from := opt.From
	names, state, err := exportedMails(from)
	if err != nil {
		return err
	}
	var unsent error
	if state != nil && state.State == DraftState && !opt.Force {
		unsent = fmt.Errorf("%w: %s is a draft: %s reports %s (--force archives it anyway)", ErrNotSent, from, StateName, strings.Join(state.Missing, "; "))
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		sent, err := patch.Parse(data)
		cover := errors.Is(err, patch.ErrCover)
		if err != nil && !cover {
			return &FileError{File: name, Err: err}
		}
		if why := neverSent(data, sent); why != "" && !opt.Force && unsent == nil {
			unsent = &FileError{File: name, Err: fmt.Errorf("%w: %s (--force archives it anyway)", ErrNotSent, why)}
		}
		if cover {
			files[filepath.Base(name)] = data
			continue
		}
		if v := max(sent.Subject.Version, 1); v != p.Version {
			return &FileError{File: name, Err: fmt.Errorf("%w: it is a patch of v%d", ErrNotSent, v)}
		}
		if len(p.Patches) >= len(b.Patches) {
			return &FileError{File: name, Err: fmt.Errorf("%w: %s has only %d patches", ErrNotSent, b.Name, len(b.Patches))}
		}
		want := b.Patches[len(p.Patches)]
		if sent.Subject.Title != want.Subject.Title || sent.Diff != want.Diff {
			return &FileError{File: name, Err: fmt.Errorf("%w: it differs from patch %d, %s, in %s", ErrNotSent, len(p.Patches)+1, want.Key, filepath.Base(want.Path))}
		}
		files[filepath.Base(name)] = data
		p.Patches = append(p.Patches, PostedPatch{Key: want.Key, File: filepath.Base(name)})
	}
	if len(p.Patches) != len(b.Patches) {
		return fmt.Errorf("%w: %s has %d patches, %s has %d", ErrNotSent, from, len(p.Patches), b.Name, len(b.Patches))
	}
	return unsent
}

// write creates the directory of the archive.
func (p *Posting) write(files map[string][]byte) error {
	var head bytes.Buffer
	head.WriteString("# SPDX-License-Identifier: GPL-2.0-only\n#\n# The mails that were sent. Nothing in this folder may change.\n\n")
	if err := toml.NewEncoder(&head).Encode(p); err != nil {
		return err
	}
	files[postingName] = head.Bytes()
	return cache.Publish(p.Dir, func(dir string) error {
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o444); err != nil {
				return err
			}
		}
		sums, err := hashDir(dir)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, sumsName), []byte(sums), 0o444)
	})
}

// open starts a version: it adds a section to the changelog, then sets the number in the
// manifest.
func (s *Series) open(version int) error {
	path := filepath.Join(s.Dir, ChangelogName)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open v%d: %w", version, err)
	}
	if edited := addEntry(string(data), version); edited != string(data) {
		if err := cache.WriteFile(path, []byte(edited), 0o644); err != nil {
			return fmt.Errorf("open v%d: %w", version, err)
		}
	}
	path = filepath.Join(s.In.Dir, manifest.Name)
	if data, err = os.ReadFile(path); err != nil {
		return fmt.Errorf("open v%d: %w", version, err)
	}
	edited, err := manifest.SetVersion(data, s.Key, version)
	if err != nil {
		return fmt.Errorf("open v%d: %w", version, err)
	}
	if err := cache.WriteFile(path, edited, 0o644); err != nil {
		return fmt.Errorf("open v%d: %w", version, err)
	}
	s.Version = version
	return nil
}

// addEntry puts an empty section for a version before all others.
func addEntry(text string, version int) string {
	head := fmt.Sprintf("## v%d", version)
	if text == "" {
		return "<!-- SPDX-License-Identifier: GPL-2.0-only -->\n\n# Changelog\n\n" + head + "\n"
	}
	var b strings.Builder
	done := false
	for l := range strings.Lines(text) {
		if entryHead.MatchString(strings.TrimRight(l, " \t\r\n")) && !done {
			done = true
			if strings.TrimSpace(l) != head {
				b.WriteString(head + "\n\n")
			}
		}
		b.WriteString(l)
	}
	if !done {
		return strings.TrimRight(b.String(), "\n") + "\n\n" + head + "\n"
	}
	return b.String()
}
