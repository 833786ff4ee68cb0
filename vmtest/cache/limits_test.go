// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/proc"
)

func TestSpaceErrorText(t *testing.T) {
	for want, e := range map[string]*SpaceError{
		"no space left in /d: no space left on device (free some space, or move the cache with " + EnvDir + "=DIR)":                                     {Dir: "/d", Err: unix.ENOSPC},
		"no space left in /d: needs about 0 MiB, 0 MiB free: no space left on device (free some space, or move the cache with " + EnvDir + "=DIR)":      {Dir: "/d", NeedBytes: 1, Err: unix.ENOSPC},
		"no space left in /d: needs about 1023 MiB, 1.5 GiB free: no space left on device (free some space, or move the cache with " + EnvDir + "=DIR)": {Dir: "/d", NeedBytes: 1<<30 - 1, FreeBytes: 3 << 29, Err: unix.ENOSPC},
	} {
		if got := e.Error(); got != want || !errors.Is(e, unix.ENOSPC) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 MiB", 1<<20 - 1: "0 MiB", 1 << 20: "1 MiB", 1<<30 - 1: "1023 MiB", 1 << 30: "1.0 GiB", 5 << 29: "2.5 GiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestDiskFull(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"no error":     {nil, false},
		"another":      {unix.EIO, false},
		"full":         {fmt.Errorf("write: %w", syscall.ENOSPC), true},
		"quota":        {fmt.Errorf("write: %w", syscall.EDQUOT), true},
		"a child":      {&proc.Error{Stderr: "as: No space left on device\n"}, true},
		"child, quota": {&proc.Error{Stderr: "as: Disk quota exceeded\n"}, true},
		"a child's":    {&proc.Error{Stderr: "as: syntax error\n"}, false},
	} {
		if got := DiskFull(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		dir := t.TempDir()
		err := Explain(tt.err, dir, 7)
		var space *SpaceError
		if errors.As(err, &space) != tt.want || !tt.want && err != tt.err {
			t.Errorf("%s: explained as %v", name, err)
		}
		if tt.want && (space.Dir != dir || space.NeedBytes != 7 || space.FreeBytes <= 0 || space.Err != tt.err || Explain(err, "/", 9) != err) {
			t.Errorf("%s: explained as %+v", name, space)
		}
	}
}

func TestFree(t *testing.T) {
	dir := t.TempDir()
	here, err := Free(dir)
	below, berr := Free(filepath.Join(dir, "not", "yet", "there"))
	if err != nil || berr != nil || here <= 0 || here < below/2 || below < here/2 {
		t.Errorf("%d, %v; below %d, %v", here, err, below, berr)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || here/(int64(st.Blocks)*st.Bsize+1) > 0 {
		t.Errorf("%d bytes are free of %d blocks, %v", here, st.Blocks, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := Free(filepath.Join(file, "x")); n != 0 || !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("below a file: %d, %v", n, err)
	}
}

func TestHolder(t *testing.T) {
	for text, want := range map[string]string{
		"": "another run", "x\n": "another run", "0\n": "another run", "-1\n": "another run", "1\n": "another run (pid 1)",
		strconv.Itoa(os.Getpid()) + "\n": "another run (pid " + strconv.Itoa(os.Getpid()) + ")",
		"4194305\n":                      "the last children of an interrupted run (was pid 4194305)",
	} {
		path := filepath.Join(t.TempDir(), "lock")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := holder(path); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := holder("/nosuch"); got != "another run" {
		t.Errorf("no file: %q", got)
	}
}

func TestLockFile(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := filepath.Join(t.TempDir(), "a", "lock")
	if Held(path) {
		t.Error("a lock that is not there is held")
	}
	l, err := Acquire(t.Context(), path, "x", nil)
	if err != nil || !Held(path) || l.File() == nil {
		t.Fatalf("got %+v, %v; held: %v", l, err, Held(path))
	}
	text, err := os.ReadFile(path)
	info, serr := os.Stat(path)
	parent, perr := os.Stat(filepath.Dir(path))
	if err != nil || serr != nil || perr != nil || string(text) != strconv.Itoa(os.Getpid())+"\n" || info.Mode() != 0o644 || parent.Mode().Perm() != 0o755 {
		t.Errorf("lock file %q, modes %v and %v", text, info.Mode(), parent.Mode())
	}
	l.Release()
	if Held(path) || l.File() != nil {
		t.Error("the lock is held after its release")
	}
	l.Release() // harmless
	(*Lock)(nil).Release()
	// What an earlier holder wrote is replaced whole.
	if err := os.WriteFile(path, []byte("12345678901234567890\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err = Acquire(t.Context(), path, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if text, err := os.ReadFile(path); err != nil || string(text) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("lock file %q, %v", text, err)
	}
	if !ReadOnly(fmt.Errorf("x: %w", unix.EROFS)) || !ReadOnly(os.ErrPermission) || ReadOnly(unix.ENOENT) || ReadOnly(nil) {
		t.Error("read-only errors are wrong")
	}
	if _, err := Acquire(t.Context(), "/dev/null/lock", "the thing", nil); err == nil || !strings.HasPrefix(err.Error(), "lock the thing: ") {
		t.Errorf("below a file: %v", err)
	}
}

func TestNames(t *testing.T) {
	for path, want := range map[string]bool{
		"/a/z/A/Z/0/9/._-+@~": true, "/\u00fc": true, "/a b": false, "/a:b": false, "/a\xff": false, "/a%b": false, "/`": false, "/{": false, "/[": false, "/a\n": false,
	} {
		if err := checkName(path); (err == nil) != want {
			t.Errorf("%q: %v", path, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "x")} {
		var place *PlaceError
		if err := Check(path); !errors.As(err, &place) || !errors.Is(err, unix.ENOTDIR) || place.Path != path || place.Variable != EnvDir {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := Check(filepath.Join(filepath.Dir(file), "not", "there")); err != nil {
		t.Error(err)
	}
	for dir, want := range map[string]error{file: unix.ENOTDIR, "/nosuch": unix.ENOENT, filepath.Dir(file): nil} {
		t.Setenv(TempVariable, dir)
		err := CheckTemp()
		var place *PlaceError
		if !errors.Is(err, want) || errors.As(err, &place) != (want != nil) || want != nil && (place.Path != dir || place.Variable != "TMPDIR" || place.Err != want) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestWriteAndPublish(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "file")
	if err := WriteFile(path, []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"a": os.ModeDir | 0o755, "a/b": os.ModeDir | 0o755, "a/b/file": 0o640} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", name, info, err, mode)
		}
	}
	broken := errors.New("half-made")
	made := filepath.Join(dir, "c", "made")
	err := Publish(made, func(tmp string) error {
		if filepath.Dir(tmp) != filepath.Dir(made) || os.WriteFile(filepath.Join(tmp, "x"), nil, 0o644) != nil {
			t.Errorf("filled in %s", tmp)
		}
		return broken
	})
	if entries, derr := os.ReadDir(filepath.Dir(made)); !errors.Is(err, broken) || derr != nil || len(entries) != 0 {
		t.Errorf("%v; left over %v, %v", err, entries, derr)
	}
	if err := Publish(made, func(tmp string) error { return os.WriteFile(filepath.Join(tmp, "x"), nil, 0o644) }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(made, "x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Dir(made)); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v", info, err)
	}
}
