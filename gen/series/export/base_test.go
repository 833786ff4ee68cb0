// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/gen/series/check"
)

// gitRun runs git in dir with the configuration of a user.
func gitRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_COMMITTER_NAME=m", "GIT_COMMITTER_EMAIL=m@lists.test", "GIT_AUTHOR_NAME=m", "GIT_AUTHOR_EMAIL=m@lists.test",
		"GIT_COMMITTER_DATE=2026-11-22T12:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestPublicBase makes a public tree, and a package of it with other changes below the
// series. It must find the commit whose files are those that the series changes.
func TestPublicBase(t *testing.T) {
	public := t.TempDir()
	commit := func(dir, file, text string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		gitRun(t, dir, "add", "-A")
		gitRun(t, dir, "commit", "-q", "-m", file)
		return gitRun(t, dir, "rev-parse", "HEAD")
	}
	gitRun(t, public, "init", "-q", "-b", "main")
	commit(public, "net/dev.c", "one\n")
	want := commit(public, "net/xps.c", "two\n")
	last := commit(public, "net/dev.c", "three\n")

	// A package with a distribution patch, and the series on top.
	packaged := t.TempDir()
	gitRun(t, packaged, "clone", "-q", public, ".")
	gitRun(t, packaged, "checkout", "-q", want)
	base := commit(packaged, "debian", "x\n")
	// The import of a base that is not a public tree is a root commit.
	gitRun(t, packaged, "checkout", "-q", "--orphan", "import", base)
	gitRun(t, packaged, "commit", "-q", "-m", "import")
	base = gitRun(t, packaged, "rev-parse", "HEAD")
	below := commit(packaged, "net/dev.c", "one\nmore\n")
	head := commit(packaged, "net/new.c", "new\n")
	thread := &check.Thread{Base: "next", GitDir: filepath.Join(packaged, ".git"), BaseCommit: base, Patches: []*check.Patch{{After: head}}}

	clone := t.TempDir()
	gitRun(t, clone, "clone", "-q", public, ".")
	if got, err := PublicBase(t.Context(), thread, clone); err != nil || got != want {
		t.Errorf("in the history: got %s, %v; want %s", got, err, want)
	}
	stacked := &check.Thread{Base: "next", GitDir: thread.GitDir, BaseCommit: below, Stands: []string{"other"}, Patches: thread.Patches}
	if got, err := PublicBase(t.Context(), stacked, clone); err != nil || got != want {
		t.Errorf("of a stacked series: got %s, %v; want %s", got, err, want)
	}
	blobless := t.TempDir()
	gitRun(t, public, "config", "uploadpack.allowFilter", "true")
	gitRun(t, blobless, "clone", "-q", "--filter=blob:none", "--no-checkout", "file://"+public, ".")
	gitRun(t, blobless, "remote", "set-url", "origin", "file:///nowhere")
	if got, err := PublicBase(t.Context(), thread, blobless); err != nil || got != want {
		t.Errorf("without blobs: got %s, %v; want %s", got, err, want)
	}
	// A local branch is not public.
	gitRun(t, clone, "update-ref", "-d", "refs/remotes/origin/main")
	gitRun(t, clone, "update-ref", "-d", "refs/remotes/origin/HEAD")
	if got, err := PublicBase(t.Context(), thread, clone); !errors.Is(err, ErrNoPublicBase) {
		t.Errorf("no remote branch: got %s, %v", got, err)
	}
	gitRun(t, clone, "tag", "v2", last)
	thread.BaseCommit, thread.Patches[0].After = base, head
	if got, err := PublicBase(t.Context(), thread, clone); err != nil || got != want {
		t.Errorf("by a tag: got %s, %v; want %s", got, err, want)
	}
	other := t.TempDir()
	gitRun(t, other, "init", "-q", "-b", "main")
	commit(other, "net/dev.c", "else\n")
	gitRun(t, other, "tag", "v1")
	if got, err := PublicBase(t.Context(), thread, other); !errors.Is(err, ErrNoPublicBase) || !strings.Contains(err.Error(), "find the base of next in "+other) {
		t.Errorf("another tree: got %s, %v", got, err)
	}
	// The workbench's own commit with a tag is not public.
	gitRun(t, other, "-c", "user.name=x", "fetch", "-q", packaged, base)
	gitRun(t, other, "-c", "core.editor=true", "update-ref", "refs/tags/mine", placeholderCommit(t, other))
	if got, err := PublicBase(t.Context(), thread, other); !errors.Is(err, ErrNoPublicBase) {
		t.Errorf("the workbench's own: got %s, %v", got, err)
	}
}

// placeholderCommit commits the tree of FETCH_HEAD as the workbench does.
func placeholderCommit(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "commit-tree", "-m", "x", "FETCH_HEAD^{tree}")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_COMMITTER_NAME=xpsgen", "GIT_COMMITTER_EMAIL="+nobody.Email, "GIT_AUTHOR_NAME=xpsgen", "GIT_AUTHOR_EMAIL="+nobody.Email)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
