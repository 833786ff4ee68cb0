// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, tc := range []struct {
		name, script, in, out, log string
		code                       int
	}{
		{"both directions of one descriptor", "read l; echo got $l >&0", "question\n", "got question\n", "", 0},
		{"output after the end of input", "cat >/dev/null; echo done >&0", "x\n", "done\n", "", 0},
		{"other output", "echo out; echo err >&2", "", "", "out\nerr\n", 0},
		{"exit code", "exit 7", "", "", "", 7},
		{"signal", "kill -9 $$", "", "", "", 137},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			var out bytes.Buffer
			code, err := run([]string{"/bin/sh", "-c", tc.script}, strings.NewReader(tc.in), &out, log)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(log.Name())
			if err != nil {
				t.Fatal(err)
			}
			if code != tc.code || out.String() != tc.out || string(text) != tc.log {
				t.Errorf("code %d, output %q, log %q; want %d, %q, %q", code, out.String(), text, tc.code, tc.out, tc.log)
			}
		})
	}
}

func TestMissingProgram(t *testing.T) {
	if _, err := run([]string{"/nonexistent"}, strings.NewReader(""), &bytes.Buffer{}, os.Stderr); err == nil {
		t.Error("no error")
	}
}
