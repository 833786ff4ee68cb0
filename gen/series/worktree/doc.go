// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package worktree lets a developer work on a series with git alone. [Checkout] creates a
// repository in which the patches of a base are commits. The developer edits, amends,
// reorders and splits them. [Tree.Refresh] writes them back as patch files. [Rebase] moves
// a series to another base.
//
// A git note (refs/notes/xpsgen) ties a commit to its patch's key. It follows the commit
// through amend and rebase, and does not appear in the message. If a note was lost, the
// same diff or the same title ties the commit.
//
// The repository is the user's own, in a directory of their choice. It only borrows objects
// from the cache. [Tree.Refresh] checks all commits before it writes the first patch file.
package worktree

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrExists: the directory for the tree exists and is not empty.
	ErrExists = errors.New("exists already")
	// ErrNotOurs: the directory is not a tree that Checkout or Rebase created.
	ErrNotOurs = errors.New("not a tree of a series")
	// ErrNoBase: the cache no longer has the tree's base.
	ErrNoBase = errors.New("its base is no longer in the cache")
	// ErrBusy: a git operation, such as a rebase, is in progress in the tree.
	ErrBusy = errors.New("in progress")
	// ErrDirty: the tree has uncommitted changes.
	ErrDirty = errors.New("uncommitted changes")
	// ErrStale: the patch files changed since the checkout.
	ErrStale = errors.New("the patch files have changed since the checkout")
	// ErrHistory: the commits are not a linear history on top of the base.
	ErrHistory = errors.New("not a series of commits on the base")
	// ErrCommit: a commit cannot be written as a patch.
	ErrCommit = errors.New("a commit cannot be written as a patch")
	// ErrOnto: the target of the rebase does not exist, or is the current base.
	ErrOnto = errors.New("nothing to rebase onto")
	// ErrNoRebase: no rebase is in progress.
	ErrNoRebase = errors.New("no rebase is in progress")
	// ErrMarkers: a file still has conflict markers.
	ErrMarkers = errors.New("conflict markers are left")
	// ErrKey: the key of a patch is missing, unknown or ambiguous.
	ErrKey = errors.New("key")
)

// LostError says which patches a refresh would lose.
type LostError struct {
	// Base is the base. Dir is the tree.
	Base, Dir string
	// Lost are the patches without a commit.
	Lost []Lost
}

// Lost is one patch that would be lost.
type Lost struct {
	Key, Title string
	// Into is the key of the patch it was squashed into; may be empty.
	Into string
}

func (e *LostError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "refresh %s: nothing was written, because these patches have no commit in %s:", e.Base, e.Dir)
	var flags []string
	for _, l := range e.Lost {
		fmt.Fprintf(&b, "\n  %s (%q)", l.Key, l.Title)
		if l.Into != "" {
			fmt.Fprintf(&b, ", which was squashed into %s", l.Into)
		}
		flags = append(flags, "--drop "+l.Key)
	}
	fmt.Fprintf(&b, "\nTo drop them, use %s. git reflog shows the lost commits", strings.Join(flags, " "))
	return b.String()
}

// ConflictError is a rebase that waits for the user.
type ConflictError struct {
	// Dir is the tree. Base moves onto Onto.
	Dir, Base, Onto string
	// Key and Title are those of the patch, number N of Total.
	Key, Title string
	N, Total   int
	// Files are the files with conflicts; none if the patch became empty.
	Files []string
	// Output is the output of git.
	Output string
}

func (e *ConflictError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rebase %s onto %s: patch %d of %d, %s (%q), ", e.Base, e.Onto, e.N, e.Total, e.Key, e.Title)
	if len(e.Files) == 0 {
		fmt.Fprintf(&b, "has nothing left to change, or git stopped for another reason:\n%s\nLook at %s, then type", e.Output, e.Dir)
	} else {
		fmt.Fprintf(&b, "conflicts in\n  %s\nof %s. git diff there shows the conflicts, git show REBASE_HEAD the patch. Edit the files, then type\n  git -C %s add %s",
			strings.Join(e.Files, "\n  "), e.Dir, e.Dir, strings.Join(e.Files, " "))
	}
	fmt.Fprintf(&b, "\n  xpsgen series rebase --continue -o %s\nor, to give up and remove the tree,\n  xpsgen series rebase --abort -o %s", e.Dir, e.Dir)
	return b.String()
}
