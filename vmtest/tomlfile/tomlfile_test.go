// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tomlfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"name = 'a'":             "",
		"name = 'a'\nnmae = 'b'": "unknown key \"nmae\"",
		"name = 1":               "name",
		"name":                   "line 1",
	} {
		path := filepath.Join(dir, "list.toml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var v struct {
			Name string `toml:"name"`
		}
		err := Read(path, &v)
		if want == "" && (err != nil || v.Name != "a") {
			t.Errorf("%q: %q, %v", text, v.Name, err)
		}
		if want != "" && (err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	v := struct{ Name string }{"kept"}
	if err := Read(filepath.Join(dir, "absent"), &v); err != nil || v.Name != "kept" {
		t.Errorf("no file: %q, %v", v.Name, err)
	}
	if err := Read(dir, &v); err == nil || !strings.HasPrefix(err.Error(), dir+": ") {
		t.Errorf("a directory: %v", err)
	}
}
