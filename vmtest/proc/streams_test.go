// SPDX-License-Identifier: GPL-2.0-only OR MIT

package proc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The caller's stderr gets all of the child's, and the error ends with the last
// line of it. One writer for both streams keeps the order of lines.
func TestStreams(t *testing.T) {
	const script = "echo one; echo two >&2; echo three; echo four >&2; exit 1"
	var stdout, stderr bytes.Buffer
	err := (&Cmd{Args: []string{"sh", "-c", script}, Stdout: &stdout, Stderr: &stderr}).Run(t.Context())
	if stdout.String() != "one\nthree\n" || stderr.String() != "two\nfour\n" || err == nil || err.Error() != "sh: exit status 1: four" {
		t.Errorf("stdout %q, stderr %q, %v", &stdout, &stderr, err)
	}
	var both bytes.Buffer
	err = (&Cmd{Args: []string{"sh", "-c", script}, Stdout: &both, Stderr: &both}).Run(t.Context())
	if both.String() != "one\ntwo\nthree\nfour\n" || err == nil || err.Error() != "sh: exit status 1: four" {
		t.Errorf("both %q, %v", &both, err)
	}
}

func TestFiles(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := (&Cmd{Args: []string{"sh", "-c", "echo hello >&3"}, Files: []*os.File{w}}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if text, err := io.ReadAll(r); err != nil || string(text) != "hello\n" {
		t.Errorf("the child wrote %q, %v", text, err)
	}
}

func TestTail(t *testing.T) {
	for name, tt := range map[string]struct {
		writes []string
		want   string
		kept   int // bytes in memory
	}{
		"less":          {[]string{"ab"}, "ab", 2},
		"as much":       {[]string{"abcd"}, "abcd", 4},
		"more":          {[]string{"abcde"}, "bcde", 5},
		"twice as much": {[]string{"abcd", "efgh"}, "efgh", 8},
		"even more":     {[]string{"abcd", "efgh", "i"}, "fghi", 4},
		"and on":        {[]string{"abcd", "efgh", "i", "jk"}, "hijk", 6},
	} {
		w := &tailWriter{max: 4}
		for _, text := range tt.writes {
			if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
		if w.String() != tt.want || len(w.buf) != tt.kept {
			t.Errorf("%s: %q of %d bytes, want %q of %d", name, w, len(w.buf), tt.want, tt.kept)
		}
	}
}

// A canceled child may end in its own way: it gets SIGINT, and by default time.
func TestInterrupt(t *testing.T) {
	for name, foreground := range map[string]bool{"group": false, "foreground": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ready, ended := filepath.Join(dir, "ready"), filepath.Join(dir, "ended")
			stop := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			c := &Cmd{
				Args:       []string{"sh", "-c", `trap 'sleep 0.1; : > "$1"; exit 0' INT; : > "$0"; while :; do sleep 0.05; done`, ready, ended},
				Foreground: foreground,
			}
			done := make(chan error, 1)
			go func() { done <- c.Run(ctx) }()
			for {
				if _, err := os.Stat(ready); err == nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			cancel(stop)
			err := <-done
			var perr *Error
			if !errors.As(err, &perr) || !errors.Is(err, stop) || !errors.Is(err, context.Canceled) || err.Error() != "sh: enough" || perr.ExitCode != -1 {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(ended); err != nil {
				t.Errorf("the child did not end in its own way: %v", err)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	for want, e := range map[string]*Error{
		"run: cause":              {Err: cause},
		"git: cause":              {Args: []string{"git", "-C"}, Err: cause},
		"git log: cause":          {Args: []string{"git", "log", "x"}, Err: cause},
		"env: cause":              {Args: []string{"env", "A=b"}, Err: cause},
		"sh: cause":               {Args: []string{"sh", "./x"}, Err: cause},
		"git log: cause: last":    {Args: []string{"git", "log"}, Err: cause, Stderr: "first\n last \n\n"},
		"make: cause: only":       {Args: []string{"make"}, Err: cause, Stderr: "only"},
		"make all: signal caught": {Args: []string{"make", "all"}, Stderr: "noise\n", Err: &canceled{context.Canceled, errors.New("signal caught")}},
	} {
		if got := e.Error(); got != want || e.Unwrap() != e.Err {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !strings.HasPrefix((&Error{Args: []string{"x"}, Err: cause}).Error(), "x: ") {
		t.Error("the program is not named")
	}
}
