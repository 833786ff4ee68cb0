// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNewcBytes compares the writer with an archive written out by hand.
func TestNewcBytes(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	err := errors.Join(
		w.Dir("/dev", 0o755),
		w.CharDevice("dev/console", 0o600, 5, 1),
		w.File("init", 0o755, 5, strings.NewReader("hello")),
		w.Symlink("/sbin", "usr/sbin"),
		w.Close())
	if err != nil {
		t.Fatal(err)
	}
	const (
		zero = "00000000"
		one  = "00000001"
	)
	want := "070701" + one + "000041ed" + zero + zero + "00000002" + zero + zero + zero + zero + zero + zero + "00000004" + zero +
		"dev\x00\x00\x00" +
		"070701" + "00000002" + "00002180" + zero + zero + one + zero + zero + zero + zero + "00000005" + one + "0000000c" + zero +
		"dev/console\x00\x00\x00" +
		"070701" + "00000003" + "000081ed" + zero + zero + one + zero + "00000005" + zero + zero + zero + zero + "00000005" + zero +
		"init\x00\x00" + "hello\x00\x00\x00" +
		"070701" + "00000004" + "0000a1ff" + zero + zero + one + zero + "00000008" + zero + zero + zero + zero + "00000005" + zero +
		"sbin\x00\x00" + "usr/sbin" +
		"070701" + zero + zero + zero + zero + one + zero + zero + zero + zero + zero + zero + "0000000b" + zero +
		"TRAILER!!!\x00\x00\x00\x00"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWriterErrors(t *testing.T) {
	t.Run("short file", func(t *testing.T) {
		w := NewWriter(io.Discard)
		if err := w.File("f", 0o644, 10, strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error %v", err)
		}
		if err := w.Dir("d", 0o755); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the first error does not stick: %v", err)
		}
		if err := w.Close(); err == nil {
			t.Error("closed in spite of an error")
		}
	})
	t.Run("names", func(t *testing.T) {
		for _, name := range []string{"", "/", "a\x00b", ".."} {
			if err := NewWriter(io.Discard).Dir(name, 0o755); err == nil {
				t.Errorf("%q is taken as a name", name)
			}
		}
	})
	t.Run("too large", func(t *testing.T) {
		if err := NewWriter(io.Discard).File("f", 0o644, 1<<32, strings.NewReader("")); err == nil {
			t.Error("4 GiB are taken")
		}
	})
	t.Run("closed", func(t *testing.T) {
		w := NewWriter(io.Discard)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Dir("d", 0o755); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
		if err := w.Close(); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

// list has cpio itself read an archive.
func list(t *testing.T, archive []byte) []string {
	t.Helper()
	tool, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("cpio is not installed")
	}
	cmd := exec.Command(tool, "-t", "--quiet")
	cmd.Stdin = bytes.NewReader(archive)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cpio: %v\n%s", err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
