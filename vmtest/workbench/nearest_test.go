// SPDX-License-Identifier: GPL-2.0-only OR MIT

package workbench

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// bench makes a workbench in dir.
func bench(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "any-patches"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "any-patches", "series.toml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestNearest(t *testing.T) {
	outer := bench(t, t.TempDir())
	inner := bench(t, filepath.Join(outer, "a [b] * ?\\", "inner"))
	below := filepath.Join(inner, "c", "d")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	for name, tt := range map[string]struct {
		from, explicit, want string
	}{
		"here":                  {outer, "", outer},
		"the nearer of two":     {below, "", inner},
		"between":               {filepath.Dir(inner), "", outer},
		"explicit goes first":   {inner, outer, outer},
		"explicit and relative": {below, "../..", inner},
		"explicit goes up not":  {elsewhere, below, ""},
		"none":                  {elsewhere, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(tt.from)
			got, err := Nearest(tt.explicit)
			if got != tt.want || errors.Is(err, ErrNone) != (tt.want == "") {
				t.Errorf("Nearest: %q, %v; want %q", got, err, tt.want)
			}
			got, err = Find(tt.explicit, t.TempDir())
			if got != tt.want || errors.Is(err, ErrNone) != (tt.want == "") {
				t.Errorf("Find: %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// A workbench that was used before does not win over the one here, and is not
// written to.
func TestRememberedIsLast(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	here, there, cache := bench(t, t.TempDir()), bench(t, t.TempDir()), t.TempDir()
	if err := Remember(there, cache); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	if got, err := Find("", cache); got != here {
		t.Errorf("got %q, %v; want %q", got, err, here)
	}
	t.Chdir(t.TempDir())
	if got, err := Nearest(""); !errors.Is(err, ErrNone) {
		t.Errorf("Nearest returns the remembered %q, %v", got, err)
	}
	if got, err := Find(t.TempDir(), cache); !errors.Is(err, ErrNone) {
		t.Errorf("a wrong directory gives %q, %v", got, err)
	}
	note := filepath.Join(cache, "root")
	text, err := os.ReadFile(note)
	info, serr := os.Stat(note)
	if err != nil || serr != nil || string(text) != there+"\n" || info.Mode() != 0o644 {
		t.Errorf("note is %q, %v, %v", text, err, serr)
	}
	// The note is written only if it changes.
	old := time.Unix(1000, 0)
	if err := os.Chtimes(note, old, old); err != nil {
		t.Fatal(err)
	}
	if err := Remember(there, cache); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(note); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("the same note is written again: %v, %v", info, err)
	}
	if err := Remember(here, cache); err != nil {
		t.Fatal(err)
	}
	if got, err := Find("", cache); got != here {
		t.Errorf("after a change: %q, %v; want %q", got, err, here)
	}
	if err := Remember(here, "/dev/null"); err == nil {
		t.Error("a note that cannot be written is no error")
	}
}
