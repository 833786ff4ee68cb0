// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadModules(t *testing.T) {
	dir := t.TempDir()
	if err := loadModules(filepath.Join(dir, "nowhere")); err != nil {
		t.Errorf("without modules: %v", err)
	}
	if err := loadModules(dir); err != nil {
		t.Errorf("with an empty directory: %v", err)
	}
	// The kernel rejects the text, or the user may not load modules.
	if err := os.WriteFile(filepath.Join(dir, "00-text.ko"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := loadModules(dir); err == nil || !strings.Contains(err.Error(), "load module 00-text.ko: finit_module: ") {
		t.Errorf("with a text: %v", err)
	}
}
