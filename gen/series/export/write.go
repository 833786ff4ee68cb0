// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// Names of the files of a thread's directory.
const (
	// ThreadName is the whole thread as an mbox, for b4 and mail programs.
	ThreadName = "thread.mbox"
	// PatchesName is the thread without its cover, which git am would stop at.
	PatchesName = "patches.mbox"
)

// Write writes the threads below dir, each into a directory of its name: both
// mboxes, and the numbered mails for git send-email. What was there under
// these names is replaced as a whole; nothing else is touched.
func Write(dir string, halves []*Half) error {
	type thread struct {
		name     string
		messages []Message
	}
	var all []thread
	for _, h := range halves {
		m, err := h.Messages()
		if err != nil {
			return err
		}
		all = append(all, thread{h.Name(), m})
	}
	for _, t := range all {
		path := filepath.Join(dir, t.name)
		if err := mayReplace(path); err != nil {
			return err
		}
		err := cache.Publish(path, func(tmp string) error { return writeThread(tmp, t.messages) })
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return nil
}

// mayReplace refuses a directory that no export made.
func mayReplace(path string) error {
	entries, err := os.ReadDir(path)
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(path, ThreadName)); err != nil {
		return fmt.Errorf("%s is there and is no export: name another directory with -o", path)
	}
	return nil
}

func writeThread(dir string, messages []Message) error {
	var thread, patches bytes.Buffer
	for _, m := range messages {
		if err := os.WriteFile(filepath.Join(dir, m.File), m.Data, 0o644); err != nil {
			return err
		}
		// A mail in an mbox ends with an empty line.
		thread.Write(append(m.Data, '\n'))
		if !m.Cover {
			patches.Write(append(m.Data, '\n'))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ThreadName), thread.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, PatchesName), patches.Bytes(), 0o644)
}
