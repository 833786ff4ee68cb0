// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"os"
	"path/filepath"
	"testing"
)

// The notes of gcc are kept below the paths of the objects. Without any there is no
// directory.
func TestKeepNotes(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if err := keepNotes(from, to); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(to, notesDir)); !os.IsNotExist(err) {
		t.Errorf("no notes: %v", err)
	}
	for _, name := range []string{"net/core/dev.gcno", "net/core/dev.o", "ip/ip.gcno"} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := keepNotes(from, to); err != nil {
		t.Fatal(err)
	}
	notes := NotesOf(filepath.Join(to, "ip"))
	for name, want := range map[string]bool{"net/core/dev.gcno": true, "ip/ip.gcno": true, "net/core/dev.o": false} {
		if data, err := os.ReadFile(filepath.Join(notes, name)); (err == nil) != want || want && string(data) != name {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}
