// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/guest/wire"
)

// spec returns a Spec with something of each kind.
func spec(t *testing.T) *Spec {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	file("data/a", "a", 0o600)
	file("data/sub/b", "b", 0o640)
	if err := os.Symlink("../a", filepath.Join(dir, "data/sub/link")); err != nil {
		t.Fatal(err)
	}
	return &Spec{
		Init:     file("init", "init", 0o644),
		Programs: []Program{{Host: file("prog", "prog", 0o755), Guest: "/bin/prog"}},
		Files: []File{
			{Guest: "/etc/passwd", Data: []byte("me\n")},
			{Guest: "/srv", Host: filepath.Join(dir, "data")},
			{Guest: "/srv/here", Target: "/srv/a"},
		},
		Dirs: []string{"/bpf", "/lib"},
	}
}

func TestBuild(t *testing.T) {
	s := spec(t)
	var b, again bytes.Buffer
	if err := Build(&b, s); err != nil {
		t.Fatal(err)
	}
	if err := Build(&again, s); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the same spec makes different bytes")
	}
	want := strings.Fields(`bin bpf dev dev/console dev/null etc etc/group etc/hostname etc/hosts etc/mtab etc/passwd
		init lib lib64 proc root run sbin srv srv/a srv/here srv/sub srv/sub/b srv/sub/link sys tmp usr usr/bin usr/bin/prog
		 usr/lib usr/lib64 usr/sbin var var/tmp xpsgen`)
	if diff := cmp.Diff(want, list(t, b.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !bytes.Contains(b.Bytes(), []byte("me\n")) || bytes.Contains(b.Bytes(), []byte("nobody")) {
		t.Error("a file of the caller's does not replace the one every image has")
	}
}

func TestConflicts(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Spec)
		want   string
	}{
		"two files, one name": {
			func(s *Spec) { s.Files = append(s.Files, File{Guest: "/usr/bin/prog", Data: []byte("x")}) },
			"/usr/bin/prog: two different files",
		},
		"file as directory": {
			func(s *Spec) { s.Files = append(s.Files, File{Guest: "/init/x", Data: []byte("x")}) },
			"/init is not a directory",
		},
		"no such file": {func(s *Spec) { s.Init = "/nonexistent" }, "no such file"},
		"a device":     {func(s *Spec) { s.Init = "/dev/null" }, "not a regular file"},
		"the root":     {func(s *Spec) { s.Files = append(s.Files, File{Guest: "/", Data: []byte("x")}) }, "root directory"},
	} {
		s := spec(t)
		c.change(s)
		var b bytes.Buffer
		if err := Build(&b, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestCached(t *testing.T) {
	s, dir := spec(t), filepath.Join(t.TempDir(), "images")
	file, hash, hit, err := Cached(t.Context(), dir, s)
	if err != nil || hit {
		t.Fatalf("hit %v, error %v", hit, err)
	}
	var b bytes.Buffer
	if err := Build(&b, s); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), got) {
		t.Error("the cached image is not the one that is built")
	}
	if _, again, hit, err := Cached(t.Context(), dir, s); err != nil || !hit || again != hash {
		t.Errorf("second time: hit %v, hash %s, error %v", hit, again, err)
	}
	// The contents count, not the name.
	if err := os.WriteFile(s.Init, []byte("INIT"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, other, hit, err := Cached(t.Context(), dir, s); err != nil || hit || other == hash {
		t.Errorf("after a change: hit %v, error %v", hit, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".tmp*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestConfigArchive(t *testing.T) {
	want := wire.Config{Mode: wire.ModeRun, Args: []wire.Raw{"true"}, TimeoutScale: 4}
	b, err := ConfigArchive(&want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"xpsgen", "xpsgen/config.json"}, list(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i, j := bytes.IndexByte(b, '{'), bytes.LastIndexByte(b, '}')
	var got wire.Config
	if err := json.Unmarshal(b[i:j+1], &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
