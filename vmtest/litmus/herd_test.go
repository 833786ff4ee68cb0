// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeHerd returns a herd7 that is a shell script.
func fakeHerd(t *testing.T, script string) *herd {
	t.Helper()
	dir := t.TempDir()
	command := filepath.Join(dir, "herd7")
	if err := os.WriteFile(command, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &herd{command: command, library: "/lib", dir: t.TempDir(), limit: time.Minute}
}

func TestHerd(t *testing.T) {
	h := fakeHerd(t, `[ "$*" = "-set-libdir /lib -conf linux-kernel.cfg detach.litmus" ] || exit 3
[ "$(cat detach.litmus)" = text ] || exit 4
cat <<'END'
`+never+`END`)
	v, err := h.run(t.Context(), "detach", "text\n")
	if err != nil || v.Observation != Never {
		t.Errorf("%+v, %v", v, err)
	}
}

// A herd7 that fails, prints something else or never ends gives an error with its words.
func TestHerdFails(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"not accepted": {`echo 'Warning: File "detach.litmus": Unknown macro rcu_oops (User error)' >&2`, "Unknown macro rcu_oops"},
		"exit code":    {"echo 'cannot open linux-kernel.cfg' >&2; exit 2", "cannot open linux-kernel.cfg"},
		"killed":       {"kill -9 $$", "killed"},
		"nothing":      {":", `has "" instead of Test detach Allowed`},
		"other test":   {"cat <<'END'\n" + strings.ReplaceAll(never, "detach", "publish") + "END", "instead of Test detach Allowed"},
		"hangs":        {"exec sleep 1000", "time limit reached"},
		"talks":        {"yes", "it prints more than 1048576 bytes"},
		"complains":    {"yes >&2", "it prints more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			h := fakeHerd(t, c.script)
			if name == "hangs" {
				h.limit = 100 * time.Millisecond
			}
			v, err := h.run(t.Context(), "detach", "text")
			if !errors.Is(err, ErrHerd) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "litmus test detach") {
				t.Errorf("%+v, %v, want %q", v, err, c.want)
			}
		})
	}
}
