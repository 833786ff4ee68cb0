// SPDX-License-Identifier: GPL-2.0-only OR MIT

package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// repository is a new one, in the middle of a hostile environment.
func repository(t *testing.T) *Repo {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	// A git that reads these must not write outside of the test's directories.
	nowhere := filepath.Join(home, "nowhere")
	config := "[user]\n\tname = Some Body\n\temail = some@body.test\n[diff]\n\tnoprefix = true\n[core]\n\tquotePath = false\n[alias]\n\tlog = status\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LC_MESSAGES": "de_DE.UTF-8", "LANGUAGE": "de",
		"GIT_DIR": nowhere, "GIT_WORK_TREE": nowhere, "GIT_INDEX_FILE": filepath.Join(nowhere, "index"), "GIT_PROXY_COMMAND": "proxy", "GIT_SSL_CAINFO": "ca",
		"GIT_AUTHOR_NAME": "", "GIT_AUTHOR_EMAIL": "", "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"),
	} {
		t.Setenv(name, value)
	}
	os.Unsetenv("GIT_AUTHOR_NAME") // t.Setenv restores it
	os.Unsetenv("GIT_AUTHOR_EMAIL")
	r := &Repo{Dir: dir}
	if err := r.Run(t.Context(), "init", "-q", "-b", "main"); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCleanEnv(t *testing.T) {
	repository(t)
	env := CleanEnv()
	for _, kv := range []string{"GIT_PROXY_COMMAND=proxy", "GIT_SSL_CAINFO=ca", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "HOME=" + os.Getenv("HOME")} {
		if !slices.Contains(env, kv) {
			t.Errorf("%s is missing", kv)
		}
	}
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains([]string{"LANG", "LANGUAGE", "LC_MESSAGES", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG_GLOBAL"}, name) || kv == "LC_ALL=de_DE.UTF-8" {
			t.Errorf("%s is kept", kv)
		}
	}
}

// Commits and diffs do not depend on the user's configuration.
func TestRepo(t *testing.T) {
	r := repository(t)
	file := filepath.Join(r.Dir, "f\u00e4")
	for i, text := range []string{"one\n", "two\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"add", "."}, {"commit", "-q", "-m", []string{"first", "second"}[i]}} {
			if err := r.Run(t.Context(), args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []string{"second", "xpsgen <xpsgen@workbench.invalid> 1795348800", "xpsgen <xpsgen@workbench.invalid> 1795348800"}
	if got, err := r.Lines(t.Context(), "show", "-s", "--format=%s%n%an <%ae> %at%n%cn <%ce> %ct"); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if time.Unix(1795348800, 0).UTC().Format(time.DateTime) != "2026-11-22 12:00:00" {
		t.Error("identDate is another time than its comment says")
	}
	diff, err := r.Output(t.Context(), "diff", "HEAD^", "HEAD")
	if err != nil || !strings.HasPrefix(diff, `diff --git "a/f\303\244" "b/f\303\244"`) || !strings.HasSuffix(diff, "-one\n+two") {
		t.Errorf("got %q, %v", diff, err)
	}
	if got, err := r.Lines(t.Context(), "diff", "HEAD", "HEAD"); err != nil || got != nil {
		t.Errorf("lines of nothing: %q, %v", got, err)
	}
	blob, err := r.Input(t.Context(), strings.NewReader("two\n"), "hash-object", "--stdin")
	if tree, terr := r.Output(t.Context(), "rev-parse", "HEAD:f\u00e4"); err != nil || terr != nil || blob != tree || !IsCommit(blob) {
		t.Errorf("hash of stdin is %s, %v; of the commit %s, %v", blob, err, tree, terr)
	}
	if who, err := r.Identity(t.Context()); err != nil || who != "Some Body <some@body.test>" {
		t.Errorf("the user is %q, %v", who, err)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	if who, err := r.Identity(t.Context()); err != nil || who != "" {
		t.Errorf("without a configuration the user is %q, %v", who, err)
	}
	t.Setenv("GIT_AUTHOR_EMAIL", "other@body.test")
	if who, err := r.Identity(t.Context()); err != nil || who != "" {
		t.Errorf("with only an address the user is %q, %v", who, err)
	}
	t.Setenv("GIT_AUTHOR_NAME", "Other Body")
	if who, err := r.Identity(t.Context()); err != nil || who != "Other Body <other@body.test>" {
		t.Errorf("with the variables of git the user is %q, %v", who, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if who, err := r.Identity(ended); err == nil {
		t.Errorf("interrupted, the user is %q", who)
	}
}

func TestExitCode(t *testing.T) {
	r := repository(t)
	if code := ExitCode(r.Run(t.Context(), "rev-parse", "HEAD^{commit}")); code != 128 {
		t.Errorf("exit code of a revision that is not there is %d", code)
	}
	if err := r.Run(t.Context(), "diff", "--no-index", os.DevNull, filepath.Join(r.Dir, ".git", "HEAD")); ExitCode(err) != 1 {
		t.Errorf("exit code of a difference is %d: %v", ExitCode(err), err)
	}
	if ExitCode(nil) != 0 || ExitCode(errors.New("not of git")) != -1 {
		t.Error("exit codes of no error and of another error are wrong")
	}
}

func TestIsCommit(t *testing.T) {
	const sha = "0123456789abcdef0123456789abcdef01234567"
	for s, want := range map[string]bool{
		sha: true, sha[:39]: false, sha + "0": false, strings.ToUpper(sha): false, "g" + sha[1:]: false, "": false, "HEAD": false,
	} {
		if IsCommit(s) != want {
			t.Errorf("IsCommit(%q) is %v", s, !want)
		}
	}
}
