// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// copyRepository makes a repository of one commit of the files of this one, after
// change.
func copyRepository(t *testing.T, change func(dir string)) string {
	t.Helper()
	dir := t.TempDir()
	script := `git -C "$1" ls-files -coz --exclude-standard | (cd "$1" && xargs -0 sh -c 'for f; do test -e "$f" && echo "$f"; done' sh) >"$2.list"
		tar -C "$1" -cf - -T "$2.list" | tar -C "$2" -xf -
		rm "$2.list"
		cd "$2" && git init -q -b main`
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	command(t, exec.Command("sh", "-ec", script, "sh", root, dir))
	change(dir)
	command(t, exec.Command("sh", "-ec", `cd "$1" && git add . && git -c user.name=test -c user.email=test@example.org commit -qm copy`, "sh", dir))
	return dir
}

// command runs a command that must succeed, and returns its output.
func command(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", cmd.Args, err, out, stderr.Bytes())
	}
	return string(out)
}

// replace replaces a text in a file, which must have it.
func replace(t *testing.T, path, old, with string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, with, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// merged is the part of matrix.json that tests look at.
type merged struct {
	Verdict string
	Cells   []struct{ ID, State string }
}

func readMerged(t *testing.T, path string) (m merged) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
