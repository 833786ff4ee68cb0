// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/gen/series"
	"xpsgen/vmtest/cache"
)

// Names below a thread's directory. Programs such as git send-email and NIPA's
// ingest_mdir.py treat every file of a directory as a mail, so the mails have a separate
// directory.
const (
	// MailsDir holds the numbered mails and nothing else.
	MailsDir = series.MailsDir
	// MboxesDir holds the mboxes.
	MboxesDir = "mboxes"
	// ThreadName is the whole thread as an mbox, for b4 and mail programs.
	ThreadName = "thread.mbox"
	// PatchesName is the thread without its cover, at which git am would stop.
	PatchesName = "patches.mbox"
)

// Write writes the threads below dir, each into a directory of its name: the
// numbered mails, both mboxes, and the state. It replaces a directory that an
// export wrote, and touches nothing else.
func Write(dir string, halves []*Half) error {
	type thread struct {
		name     string
		messages []Message
		judged   *Status
	}
	var all []thread
	for _, h := range halves {
		m, err := h.Messages()
		if err != nil {
			return err
		}
		all = append(all, thread{h.Name(), m, h.Judged})
	}
	for _, t := range all {
		path := filepath.Join(dir, t.name)
		if err := mayReplace(path); err != nil {
			return err
		}
		err := cache.Publish(path, func(tmp string) error { return writeThread(tmp, t.messages, t.judged) })
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return nil
}

// mayReplace rejects a directory that no export wrote.
func mayReplace(path string) error {
	entries, err := os.ReadDir(path)
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range []string{filepath.Join(MboxesDir, ThreadName), ThreadName} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s exists and was not written by series export: choose another directory with -o", path)
}

func writeThread(dir string, messages []Message, judged *Status) error {
	for _, name := range []string{MailsDir, MboxesDir} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	var thread, patches bytes.Buffer
	for _, m := range messages {
		if err := os.WriteFile(filepath.Join(dir, MailsDir, m.File), m.Data, 0o644); err != nil {
			return err
		}
		// A mail in an mbox ends with an empty line.
		thread.Write(append(m.Data, '\n'))
		if !m.Cover {
			patches.Write(append(m.Data, '\n'))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, MboxesDir, ThreadName), thread.Bytes(), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, MboxesDir, PatchesName), patches.Bytes(), 0o644); err != nil {
		return err
	}
	if judged == nil {
		return nil
	}
	state, err := (&series.ExportState{State: string(judged.State), Missing: judged.Missing}).Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, series.StateName), state, 0o644)
}
