// SPDX-License-Identifier: GPL-2.0-only OR MIT

package workbench

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	root, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	deep := filepath.Join(root, "a", "b")
	for _, dir := range []string{deep, filepath.Join(root, "kernel-patches")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "kernel-patches/series.toml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()

	t.Chdir(deep)
	if got, err := Find("", cache); err != nil || got != root {
		t.Errorf("from below: %q, %v, want %q", got, err, root)
	}
	t.Chdir(elsewhere)
	if got, err := Find("", cache); !errors.Is(err, ErrNone) {
		t.Errorf("elsewhere: %q, %v, want ErrNone", got, err)
	}
	if got, err := Find(root, cache); err != nil || got != root {
		t.Errorf("explicit: %q, %v, want %q", got, err, root)
	}
	if _, err := Find(elsewhere, cache); !errors.Is(err, ErrNone) {
		t.Errorf("explicit and wrong: %v, want ErrNone", err)
	}
	if err := Remember(root, cache); err != nil {
		t.Fatal(err)
	}
	if got, err := Find("", cache); err != nil || got != root {
		t.Errorf("remembered: %q, %v, want %q", got, err, root)
	}
	if err := os.Remove(filepath.Join(root, "kernel-patches/series.toml")); err != nil {
		t.Fatal(err)
	}
	if got, err := Find("", cache); !errors.Is(err, ErrNone) {
		t.Errorf("remembered and gone: %q, %v, want ErrNone", got, err)
	}
}
