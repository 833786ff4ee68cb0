// SPDX-License-Identifier: GPL-2.0-only OR MIT

package git

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The configuration of the repository itself does not change a diff either.
func TestRepositoryConfig(t *testing.T) {
	r := repository(t)
	config := filepath.Join(r.Dir, ".git", "config")
	old, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	own := "[diff]\n\tnoprefix = true\n\tcontext = 0\n\tmnemonicPrefix = true\n[core]\n\tquotePath = false\n[color]\n\tui = always\n"
	file := filepath.Join(r.Dir, "f\u00e4")
	for i, text := range []string{"a\nb\nc\n", "a\nB\nc\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := errors.Join(r.Run(t.Context(), "add", "."), r.Run(t.Context(), "commit", "-q", "-m", "x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(config, append(old, own...), 0o644); err != nil {
		t.Fatal(err)
	}
	diff, err := r.Output(t.Context(), "diff")
	if err != nil || !strings.HasPrefix(diff, `diff --git "a/f\303\244" "b/f\303\244"`) || !strings.HasSuffix(diff, "\n a\n-b\n+B\n c") {
		t.Errorf("got %q, %v", diff, err)
	}
	// A repository that does not exist is an error, and not an unknown user.
	if who, err := (&Repo{Dir: "/nosuch"}).Identity(t.Context()); who != "" || err == nil {
		t.Errorf("got %q, %v", who, err)
	}
	if lines, err := (&Repo{Dir: "/nosuch"}).Lines(t.Context(), "log"); lines != nil || err == nil {
		t.Errorf("got %q, %v", lines, err)
	}
}

func TestIsCommitSHA256(t *testing.T) {
	sha := strings.Repeat("0123456789abcdef", 4)
	for s, want := range map[string]bool{sha: true, sha[:63]: false, sha + "0": false, "g" + sha[1:]: false, sha[:41]: false} {
		if IsCommit(s) != want {
			t.Errorf("IsCommit(%q) is %v", s, !want)
		}
	}
}
