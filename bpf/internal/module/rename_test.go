// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// source are the files of a module with the path of this one.
var source = map[string]string{
	"go.mod":             "module xpsgen\n\ngo 1.26\n",
	"a.go":               "package a\n\nimport (\n\t\"xpsgen/bpf/xps\"\n\t_ \"xpsgen/uapi\"\n)\n",
	"docs/a.md":          "go test xpsgen/... `xpsgen/vmtest` bin/xpsgen/gen .cache/xpsgen/bpf xpsgen/genuine (xpsgen/gen)\nxpsgen/gen xpsgen\n",
	"data/b.bin":         "\x00xpsgen/bpf",
	"script/run.sh":      "#!/bin/sh\ngo run xpsgen/gen/cmd/xpsgen\n",
	"bin/built":          "xpsgen/bpf",
	"out/built":          "xpsgen/bpf",
	"sub/bin/not-built":  "xpsgen/bpf\n",
	"sub/.hidden/a.text": "x\n",
}

const path = "example.org/k/xps.git"

// renamed are the files that rename makes of source.
var renamed = map[string]string{
	"go.mod":             "module " + path + "\n\ngo 1.26\n",
	"a.go":               "package a\n\nimport (\n\t\"" + path + "/bpf/xps\"\n\t_ \"" + path + "/uapi\"\n)\n",
	"docs/a.md":          "go test " + path + "/... `" + path + "/vmtest` bin/xpsgen/gen .cache/xpsgen/bpf xpsgen/genuine (" + path + "/gen)\n" + path + "/gen xpsgen\n",
	"data/b.bin":         "\x00xpsgen/bpf",
	"script/run.sh":      "#!/bin/sh\ngo run " + path + "/gen/cmd/xpsgen\n",
	"sub/bin/not-built":  path + "/bpf\n",
	"sub/.hidden/a.text": "x\n",
	"link":               "-> docs/a.md",
}

// mustTree makes the module in a new directory.
func mustTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range source {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o755
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("docs/a.md", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tree reads all files of a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			files[name] = "-> " + target
			return err
		}
		text, err := os.ReadFile(path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRename(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	src := mustTree(t)
	t.Chdir(src)
	// The destination may be in the module, and may be an empty directory.
	dst := filepath.Join(src, "copy", "deep")
	if err := os.MkdirAll(dst, 0o755); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := run([]string{path, "copy/deep"}, &stderr); code != 0 || stderr.Len() != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	if diff := cmp.Diff(renamed, tree(t, dst)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, mode := range map[string]os.FileMode{"a.go": 0o644, "script/run.sh": 0o755, "docs": fs.ModeDir | 0o755} {
		if info, err := os.Stat(filepath.Join(dst, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want mode %v", name, info, err, mode)
		}
	}
}

// TestRenameGit: in a working tree of git, rename copies neither ignored nor deleted
// files.
func TestRenameGit(t *testing.T) {
	src := mustTree(t)
	git := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("git", append([]string{"-C", src, "-c", "user.name=a", "-c", "user.email=a@b.test"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	git("init", "-q")
	for name, text := range map[string]string{".gitignore": "/bin/\n/out/\n*.log\n", "x.log": "x", "gone": "x"} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("add", "gone", "a.go")
	if err := os.Remove(filepath.Join(src, "gone")); err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "copy")
	if err := rename(src, dst, path); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{".gitignore": "/bin/\n/out/\n*.log\n"}
	for name, text := range renamed {
		want[name] = text
	}
	if diff := cmp.Diff(want, tree(t, dst)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// If git fails, rename returns an error and not an empty module.
	if err := os.RemoveAll(filepath.Join(src, ".git/HEAD")); err != nil {
		t.Fatal(err)
	}
	if err := rename(src, filepath.Join(t.TempDir(), "other"), path); err == nil || !strings.Contains(err.Error(), "git ls-files") {
		t.Errorf("a damaged repository: %v", err)
	}
}

func TestRenameErrors(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		spoil     func(src string) error
		path, dst string
		want      string
	}{
		"wrong path":     {nil, "xpsgen", "new", "missing dot"},
		"not empty":      {nil, path, full, "is not empty"},
		"a file":         {nil, path, filepath.Join(full, "x"), "not a directory"},
		"no module file": {func(src string) error { return os.Remove(filepath.Join(src, "go.mod")) }, path, "new", "go.mod: no such file"},
		"no module path": {func(src string) error { return os.WriteFile(filepath.Join(src, "go.mod"), []byte("go 1.26\n"), 0o644) }, path, "new", "no module path"},
		"bad module": {func(src string) error {
			return os.WriteFile(filepath.Join(src, "go.mod"), []byte("module xpsgen\nnosuch\n"), 0o644)
		}, path, "new", "go.mod"},
		"below a file": {nil, path, filepath.Join(full, "x", "y"), "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			src := mustTree(t)
			t.Chdir(t.TempDir())
			if tt.spoil != nil {
				if err := tt.spoil(src); err != nil {
					t.Fatal(err)
				}
			}
			if err := rename(src, tt.dst, tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	for _, args := range [][]string{nil, {path}, {path, "a", "b"}} {
		var stderr bytes.Buffer
		if code := run(args, &stderr); code != 2 || !strings.HasPrefix(stderr.String(), "usage: ") {
			t.Errorf("%q: exit code %d: %s", args, code, &stderr)
		}
	}
	t.Chdir(t.TempDir())
	var stderr bytes.Buffer
	if code := run([]string{path, "new"}, &stderr); code != 1 || !slices.Contains(strings.Fields(stderr.String()), path+":") {
		t.Errorf("no module: exit code %d: %s", code, &stderr)
	}
}
