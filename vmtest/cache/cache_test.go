// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"xpsgen/vmtest/progress"
)

func TestDir(t *testing.T) {
	t.Setenv(EnvDir, "rel")
	if dir, err := Dir(); err != nil || !filepath.IsAbs(dir) || filepath.Base(dir) != "rel" {
		t.Errorf("got %q, %v", dir, err)
	}
	t.Setenv(EnvDir, "")
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	if dir, err := Dir(); err != nil || dir != "/somewhere/xpsgen" {
		t.Errorf("got %q, %v", dir, err)
	}
}

func TestWriteFileIsAtomic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "file")
	if err := WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "two" {
		t.Errorf("got %q, %v", data, err)
	}
	// A directory cannot be replaced by a file. Nothing may be left next to it.
	if err := os.Mkdir(path+".d", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path+".d", []byte("x"), 0o644); err == nil {
		t.Error("no error")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestPublish(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "thing")
	fill := func(text string, err error) func(string) error {
		return func(tmp string) error {
			if werr := os.WriteFile(filepath.Join(tmp, "f"), []byte(text), 0o644); werr != nil {
				return werr
			}
			return err
		}
	}
	errFill := errors.New("no")
	// Publish removes what a killed run left under this name, and nothing else.
	for _, left := range []string{tempPrefix + "thing-123", tempPrefix + "thing2-123"} {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(dir), left, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := Publish(dir, fill("one", nil)); err != nil {
		t.Fatal(err)
	}
	if err := Publish(dir, fill("two", errFill)); !errors.Is(err, errFill) {
		t.Errorf("got %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(data) != "one" {
		t.Errorf("got %q, %v", data, err)
	}
	if err := Publish(dir, fill("three", nil)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != tempPrefix+"thing2-123 thing" {
		t.Errorf("there is %s", got)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "lock")
	first, err := Acquire(t.Context(), path, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	notices := make(chan string, 4)
	p := progress.Func(func(e progress.Event) { notices <- e.Text })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Acquire(ctx, path, "test", p); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if got, want := <-notices, fmt.Sprintf("waiting for another run (pid %d)", os.Getpid()); got != want {
		t.Errorf("notice %q, want %q", got, want)
	}
	if len(notices) > 0 {
		t.Errorf("repeated the notice: %q", <-notices)
	}
	first.Release()
	first.Release()
	second, err := Acquire(t.Context(), path, "test", p)
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
	(*Lock)(nil).Release()
}

// A child that inherited the lock keeps it after its parent.
func TestLockOutlivesItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Acquire(t.Context(), path, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "60")
	cmd.ExtraFiles = []*os.File{l.File()}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l.Release()
	// Pretend that the owner was killed.
	if err := os.WriteFile(path, []byte("4194305\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	notices := make(chan string, 1)
	go func() {
		if got := <-notices; !strings.Contains(got, "the last children of an interrupted run (was pid 4194305)") {
			t.Errorf("notice %q", got)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	l, err = Acquire(t.Context(), path, "test", func(e progress.Event) { notices <- e.Text })
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

func TestExplain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	err := Explain(fmt.Errorf("write: %w", syscall.ENOSPC), dir, 3<<30)
	var serr *SpaceError
	if !errors.As(err, &serr) || !errors.Is(err, syscall.ENOSPC) || serr.FreeBytes == 0 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "needs about 3.0 GiB, ") || !strings.Contains(err.Error(), EnvDir+"=DIR") {
		t.Error(err)
	}
	if again := Explain(err, "/", 0); again != err {
		t.Errorf("explained twice: %v", again)
	}
	other := errors.New("other")
	if err := Explain(other, dir, 1); err != other {
		t.Errorf("got %v", err)
	}
	if Explain(nil, dir, 1) != nil {
		t.Error("nil became an error")
	}
}
