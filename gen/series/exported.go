// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
)

const (
	// MailsDir is the directory of an exported thread that holds its mails.
	MailsDir = "mails"
	// StateName is the file of an exported thread with its state, see [ExportState].
	StateName = "state.toml"
	// DraftState is the state of an export that lacks something.
	DraftState = "draft"
)

// ExportState says how far a thread was from being sent when it was exported.
type ExportState struct {
	// State is draft, checked, awaiting sign-off or ready.
	State string `toml:"state"`
	// Missing lists what it lacked. It may be empty.
	Missing []string `toml:"missing"`
}

// Encode returns the content of the file.
func (e *ExportState) Encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# What was missing in the thread at the export. xpsgen series sent reads it.\n\n")
	err := toml.NewEncoder(&b).Encode(e)
	return b.Bytes(), err
}

// exportedMails returns the paths of the mails of an exported thread, or of a directory of
// mails, sorted by name. state is nil if there is no state file.
func exportedMails(dir string) (names []string, state *ExportState, err error) {
	top := dir
	if filepath.Base(dir) == MailsDir {
		top = filepath.Dir(dir)
	} else if info, err := os.Stat(filepath.Join(dir, MailsDir)); err == nil && info.IsDir() {
		dir = filepath.Join(dir, MailsDir)
	}
	if names, err = filepath.Glob(filepath.Join(dir, "*.patch")); err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("%s: %w: it holds no mail (0001-....patch)", dir, ErrNotSent)
	}
	file := filepath.Join(top, StateName)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	state = &ExportState{}
	if err := toml.Unmarshal(data, state); err != nil {
		return nil, nil, &FileError{File: file, Err: err}
	}
	return names, state, nil
}

// neverSent returns the reason why a mail cannot have been sent, or "". whole is the mail.
// p is its patch, or nil for a cover letter.
func neverSent(whole []byte, p *patch.Patch) string {
	m, err := mail.Parse(whole)
	if err != nil {
		return err.Error()
	}
	from, err := mail.ParseAddress(m.Header.Get("From"))
	switch {
	case err != nil:
		return err.Error()
	case mail.Placeholder(from.Email):
		return fmt.Sprintf("it is from %s, which nobody can send from", from.Email)
	case strings.Contains(m.Body, "*** NOT MEASURED") || strings.Contains(m.Body, "*** THE COVER LETTER IS MISSING"):
		return "it is not finished: " + firstMark(m.Body)
	case p == nil:
		return ""
	case mail.Placeholder(p.Author.Email):
		return fmt.Sprintf("its author is %s, which is nobody's address", p.Author.Email)
	case !signed(p):
		return "nobody signed it off"
	}
	return ""
}

// firstMark is the first line that marks something as missing.
func firstMark(text string) string {
	for l := range strings.Lines(text) {
		if i := strings.Index(l, "*** "); i >= 0 {
			return strings.TrimSpace(l[i:])
		}
	}
	return ""
}
