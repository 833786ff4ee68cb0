// SPDX-License-Identifier: GPL-2.0-only OR MIT

package share

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// filled is a cache with entries that are shared, and with things that are not.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"kernel/k1/vmlinux": 0o755, "kernel/k1/sub/config": 0o644, "kernel/k1/lock": 0o644, "kernel/.tmp-k2-1/x": 0o644,
		"base/linux-6.12.json": 0o644, "base/linux-6.12-abc/git/HEAD": 0o644, "base/linux-6.12-abc/apply.lock": 0o644,
		"base/linux-6.12-abc/git/tmp_obj_x": 0o644, "work/w/x": 0o644, "lock/kernel-k1": 0o644, "accel/x": 0o644,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("vmlinux", filepath.Join(dir, "kernel", "k1", "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tree lists the files below a directory with mode, time and content.
func tree(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if info.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			all = append(all, rel+" -> "+target)
			return err
		}
		data, err := os.ReadFile(path)
		all = append(all, fmt.Sprintf("%s %v %s %s", rel, info.Mode(), info.ModTime().UTC().Format(time.RFC3339), data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// server is a web server that keeps files in a directory, as nginx does with dav_methods
// PUT and create_full_put_path.
func server(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing (xpsgen deps --for share installs it)")
	}
	dir := t.TempDir()
	files := http.FileServer(http.Dir(dir))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := filepath.Join(dir, filepath.Clean("/"+r.URL.Path))
		if r.Method != http.MethodPut {
			files.ServeHTTP(w, r)
			return
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Error(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/xps"
}

// What one machine pushes, another pulls: the same files, and nothing of the machine.
func TestPushPull(t *testing.T) {
	for name, where := range map[string]func(*testing.T) string{
		"directory": func(t *testing.T) string { return filepath.Join(t.TempDir(), "store") },
		"web":       server,
	} {
		t.Run(name, func(t *testing.T) {
			from, to, at := filled(t), t.TempDir(), where(t)
			open := func() Store {
				s, err := Open(at)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			if n, err := Pull(t.Context(), open(), Options{Cache: to}); n != 0 || err != nil {
				t.Fatalf("of no store: %d, %v", n, err)
			}
			var pushed []string
			n, err := Push(t.Context(), open(), Options{Cache: from, Done: func(name string, bytes int64) {
				if bytes < 50 {
					t.Errorf("%s has %d bytes", name, bytes)
				}
				pushed = append(pushed, name)
			}})
			if err != nil || n != 3 || len(pushed) != 3 {
				t.Fatalf("pushed %d: %q, %v", n, pushed, err)
			}
			if n, err := Push(t.Context(), open(), Options{Cache: from}); n != 0 || err != nil {
				t.Errorf("again: %d, %v", n, err)
			}
			var pulled []string
			done := func(name string, _ int64) { pulled = append(pulled, name) }
			if n, err := Pull(t.Context(), open(), Options{Cache: to, Kinds: []string{"kernel"}, Done: done}); n != 1 || err != nil {
				t.Fatalf("kernels: %d, %v", n, err)
			}
			if n, err := Pull(t.Context(), open(), Options{Cache: to, Done: done}); n != 2 || err != nil {
				t.Fatalf("the rest: %d, %v", n, err)
			}
			// Who sees the pointer must find the base.
			if want := []string{"kernel/k1.tar.gz", "base/linux-6.12-abc.tar.gz", "base/linux-6.12.json.tar.gz"}; !slices.Equal(pulled, want) {
				t.Errorf("pulled %q, want %q", pulled, want)
			}
			if n, err := Pull(t.Context(), open(), Options{Cache: to}); n != 0 || err != nil {
				t.Errorf("again: %d, %v", n, err)
			}
			want := slices.DeleteFunc(tree(t, from), func(line string) bool {
				return strings.Contains(line, "lock") || strings.Contains(line, "tmp") || strings.HasPrefix(line, "work/") || strings.HasPrefix(line, "accel/")
			})
			if diff := cmp.Diff(want, tree(t, to)); diff != "" {
				t.Errorf("-pushed +pulled:\n%s", diff)
			}
		})
	}
}

func TestOpenInvalid(t *testing.T) {
	if _, err := Open("ftp://example.org/x"); err == nil || !strings.Contains(err.Error(), "want a directory") {
		t.Error(err)
	}
}

// A server that refuses, and one that is not there.
func TestWebFails(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing (xpsgen deps --for share installs it)")
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	store, err := Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Pull(t.Context(), store, Options{Cache: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "status 403") {
		t.Error(err)
	}
	s.Close()
	if _, err := Push(t.Context(), store, Options{Cache: filled(t)}); err == nil || !strings.Contains(err.Error(), "curl") {
		t.Error(err)
	}
}

// A store with hostile files changes nothing but its own entry.
func TestPullInvalid(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		headers []tar.Header
		content bool // the error is about the content
	}{
		"outside":        {"kernel/k.tar.gz", []tar.Header{{Name: "k", Typeflag: tar.TypeDir}, {Name: "k/../../x", Typeflag: tar.TypeReg}}, true},
		"through a link": {"kernel/k.tar.gz", []tar.Header{{Name: "k", Typeflag: tar.TypeSymlink, Linkname: "../.."}, {Name: "k/x", Typeflag: tar.TypeReg}}, true},
		"another entry":  {"kernel/k.tar.gz", []tar.Header{{Name: "l", Typeflag: tar.TypeDir}}, true},
		"a file":         {"kernel/k.tar.gz", []tar.Header{{Name: "k", Typeflag: tar.TypeReg}}, true},
		"a device":       {"kernel/k.tar.gz", []tar.Header{{Name: "k", Typeflag: tar.TypeChar}}, true},
		"another kind":   {"work/k.tar.gz", []tar.Header{{Name: "k", Typeflag: tar.TypeDir}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			store, to := filepath.Join(parent, "store"), filepath.Join(parent, "cache")
			if err := errors.Join(os.Mkdir(to, 0o755), os.MkdirAll(filepath.Join(store, filepath.Dir(c.file)), 0o755)); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(filepath.Join(store, c.file))
			if err != nil {
				t.Fatal(err)
			}
			zip := gzip.NewWriter(f)
			w := tar.NewWriter(zip)
			for _, h := range c.headers {
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(w.Close(), zip.Close(), f.Close()); err != nil {
				t.Fatal(err)
			}
			s, err := Open(store)
			if err != nil {
				t.Fatal(err)
			}
			n, err := Pull(t.Context(), s, Options{Cache: to})
			if n != 0 || errors.Is(err, ErrContent) != c.content || c.content == (err == nil) {
				t.Errorf("%d, %v", n, err)
			}
			if left := tree(t, to); len(left) > 0 {
				t.Errorf("the cache has %q", left)
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) != 2 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := filepath.Join(t.TempDir(), "store")
	if _, err := Push(ctx, directory(store), Options{Cache: filled(t)}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left := tree(t, filepath.Dir(store)); len(left) > 0 {
		t.Errorf("the store has %q", left)
	}
}

// A job pushes only what it made, even if it has changed an older base.
func TestPushNewer(t *testing.T) {
	from := filled(t)
	time.Sleep(10 * time.Millisecond) // the clock of the file system ticks
	since := time.Now()
	time.Sleep(10 * time.Millisecond)
	for _, dir := range []string{"kernel/k3", "base/linux-6.12-abc/applied"} {
		if err := os.MkdirAll(filepath.Join(from, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var pushed []string
	_, err := Push(t.Context(), directory(t.TempDir()), Options{Cache: from, Newer: since, Done: func(name string, _ int64) { pushed = append(pushed, name) }})
	if err != nil || !slices.Equal(pushed, []string{"kernel/k3.tar.gz"}) {
		t.Errorf("pushed %q, %v", pushed, err)
	}
}
