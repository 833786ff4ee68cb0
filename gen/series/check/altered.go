// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/proc"
)

// Alteration changes a patch of a thread.
type Alteration struct {
	// Patch is the number of the patch, from 1. The thread ends with it.
	Patch int
	// Files are new contents by name; all other files stay.
	Files map[string]string
	// Author is "Name <address>"; empty means unchanged. Trailer is a line that is
	// added to the message; may be empty.
	Author, Trailer string
}

// Show returns a file as of patch n; ok is false if it does not exist.
func (t *Thread) Show(ctx context.Context, n int, name string) (text string, ok bool, err error) {
	return t.repo.show(ctx, t.Patches[n-1].After, name)
}

// Touches reports whether a patch changes a file whose name starts with one of dirs.
func (t *Thread) Touches(dirs ...string) bool {
	for _, p := range t.Patches {
		for _, f := range p.Files {
			if slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(f.Name(), d) }) {
				return true
			}
		}
	}
	return false
}

// Alter returns a copy of a thread that ends with an altered patch. It writes a commit into
// the repository of the base. No reference names that commit.
func (t *Thread) Alter(ctx context.Context, a Alteration) (*Thread, error) {
	old := t.Patches[a.Patch-1]
	fail := func(err error) (*Thread, error) { return nil, fmt.Errorf("alter %s: %w", old.File, err) }
	dir, err := os.MkdirTemp("", "xpsgen-alter-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	author := a.Author
	if author == "" {
		author = old.Author + " <" + old.Email + ">"
	}
	name, address, _ := strings.Cut(author, " <")
	env := plainEnv("GIT_INDEX_FILE="+filepath.Join(dir, "index"),
		"GIT_AUTHOR_NAME="+name, "GIT_AUTHOR_EMAIL="+strings.TrimSuffix(address, ">"), "GIT_AUTHOR_DATE=2000-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME="+name, "GIT_COMMITTER_EMAIL="+strings.TrimSuffix(address, ">"), "GIT_COMMITTER_DATE=2000-01-01T00:00:00Z")
	git := func(stdin string, args ...string) (string, error) {
		c := &proc.Cmd{Args: append([]string{"git", "--git-dir=" + t.GitDir, "-c", "safe.directory=*"}, args...), Env: env,
			Stdin: strings.NewReader(stdin)}
		out, err := c.Output(ctx)
		return strings.TrimSuffix(string(out), "\n"), err
	}
	if _, err := git("", "read-tree", old.AfterTree); err != nil {
		return fail(err)
	}
	for name, text := range a.Files {
		id, err := git(text, "hash-object", "-w", "--stdin")
		if err != nil {
			return fail(err)
		}
		mode := "100644"
		if entry, err := git("", "ls-files", "-s", "--", name); err == nil && entry != "" {
			mode, _, _ = strings.Cut(entry, " ")
		}
		if _, err := git("", "update-index", "--add", "--cacheinfo", mode+","+id+","+name); err != nil {
			return fail(err)
		}
	}
	p := *old
	if p.AfterTree, err = git("", "write-tree"); err != nil {
		return fail(err)
	}
	message := old.Title + "\n\n" + old.Body + "\n"
	if a.Trailer != "" {
		message += a.Trailer + "\n"
	}
	if p.After, err = git(message, "commit-tree", p.AfterTree, "-p", old.Before); err != nil {
		return fail(err)
	}
	if p.Text, err = git("", "format-patch", "-1", "--stdout", "--zero-commit", "--no-signature", "--full-index", "-N", p.After); err != nil {
		return fail(err)
	}
	p.Text += "\n"
	p.Files = scanDiff(p.Text)
	p.Author, p.Email, p.Body = name, strings.TrimSuffix(address, ">"), strings.TrimRight(old.Body+"\n"+a.Trailer, "\n")
	altered := *t
	altered.scope = t.scopePatches()
	altered.Patches = append(slices.Clone(t.Patches[:a.Patch-1]), &p)
	return &altered, nil
}

// scopePatches returns the patches whose files decide what to compile: the patches of the
// thread before it was altered.
func (t *Thread) scopePatches() []*Patch {
	if t.scope != nil {
		return t.scope
	}
	return t.Patches
}
