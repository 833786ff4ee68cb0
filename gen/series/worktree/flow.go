// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/git"
	"xpsgen/vmtest/lazyregexp"
)

// GoneError: patch files have changed whose patch no longer has a commit in the tree.
type GoneError struct {
	Dir, Name string
	// Commits maps the keys of these patches to commits with the content of the files.
	Commits map[string]string
}

func (e *GoneError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: patch files have changed, but %s no longer has a commit of the patch:", e.Name, e.Dir)
	for _, key := range slices.Sorted(maps.Keys(e.Commits)) {
		fmt.Fprintf(&b, "\n  %s: git cherry-pick %.12s restores it, --drop %s drops it", key, e.Commits[key], key)
	}
	return b.String()
}

// MergeError is a merge of patch files and commits that waits for the user.
type MergeError struct {
	// Dir is the tree. Name is the name of its content.
	Dir, Name string
	// Files have conflicts.
	Files []string
}

func (e *MergeError) Error() string {
	what := "conflicts in " + strings.Join(e.Files, ", ")
	if len(e.Files) == 0 {
		what = "conflicts in a message: git commit --amend shows it"
	}
	return fmt.Sprintf("%s: the patch files have changed, and do not merge with the commits in %s: %s\n"+
		"git diff there shows them. Edit, git add, and git rebase --continue. Then refresh again",
		e.Name, e.Dir, what)
}

// flow merges changes of the patch files, and of the series that this one depends on, into
// the tree's commits. It merges each patch with its commit. The patch as it was at the
// checkout is their ancestor. flow does nothing if the tree knows the current files. For a
// conflict it returns a [*MergeError], and git's rebase stays in progress in the tree.
func (t *Tree) flow(ctx context.Context, opt *Options, w *work, drop []string) (merged bool, err error) {
	if filesHash(w.all) == t.files && t.onto(ctx, opt, w) {
		return false, nil
	}
	p, err := prepare(ctx, opt, w)
	if err != nil {
		return false, err
	}
	fail := func(err error) (bool, error) { return false, fmt.Errorf("merge into %s: %w", t.Dir, err) }
	if err := t.borrow(p.source.GitDir()); err != nil {
		return fail(err)
	}
	mine, err := commits(ctx, t.repo, t.BaseCommit, "HEAD")
	if err != nil {
		return false, err
	}
	old, err := commits(ctx, t.repo, cmp.Or(t.originBase, t.BaseCommit), t.origin)
	if err != nil {
		return fail(err)
	}
	files, err := commits(ctx, t.repo, p.below, p.tip)
	if err != nil {
		return fail(err)
	}
	if err := t.noteFiles(ctx, w, files); err != nil {
		return fail(err)
	}
	if err := t.name(ctx, mine, old, files); err != nil {
		return fail(err)
	}
	if err := t.checkGone(ctx, w, mine, old, files, drop); err != nil {
		return false, err
	}
	todo, err := t.todo(ctx, mine, old, files)
	if err != nil {
		return fail(err)
	}
	// Set the new origin, whether git stops or not.
	t.origin, t.originBase, t.files = p.tip, p.below, filesHash(w.all)
	if !t.elsewhere(w) {
		t.BaseCommit = p.below
	}
	err = t.rebase(ctx, todo, t.BaseCommit)
	var merge *MergeError
	if err != nil && !errors.As(err, &merge) {
		return false, err
	}
	if merge != nil {
		merge.Name = w.name()
	}
	return true, errors.Join(err, t.settle(ctx))
}

// name corrects the keys of the tree's commits. A commit that was cherry-picked has no
// note. A commit may have the note of another one that a rebase skipped.
func (t *Tree) name(ctx context.Context, mine, old, files []*commit) error {
	lines := func(c *commit) (map[string]int, error) {
		out, err := t.repo.Output(ctx, "diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--no-color", c.id+"^", c.id)
		return changedLines(out), err
	}
	for _, m := range mine {
		if o := find(old, firstOf(m.keys)); o != nil && o.title != m.title {
			was, err := lines(o)
			if err != nil {
				return err
			}
			now, err := lines(m)
			if err != nil {
				return err
			}
			shared := 0
			for l, n := range was {
				shared += min(n, now[l])
			}
			if shared == 0 && len(was) > 0 {
				m.keys = m.keys[1:]
			}
		}
	}
	for _, m := range mine {
		if len(m.keys) > 0 {
			continue
		}
		for _, f := range files {
			if f.title == m.title && find(mine, f.keys[0]) == nil {
				m.keys = []string{f.keys[0]}
				break
			}
		}
	}
	return nil
}

func firstOf(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return keys[0]
}

// checkGone fails if a patch file has changed whose commit was dropped or squashed into
// another one, because the change would be lost.
func (t *Tree) checkGone(ctx context.Context, w *work, mine, old, files []*commit, drop []string) error {
	gone := &GoneError{Dir: t.Dir, Name: w.name(), Commits: map[string]string{}}
	for _, f := range files {
		key := f.keys[0]
		if find(mine, key) != nil || slices.Contains(drop, key) || slices.Contains(drop, w.short(key)) {
			continue
		}
		o := find(old, key)
		if o == nil {
			continue // new in the files
		}
		same, err := t.sameCommit(ctx, o, f)
		if err != nil {
			return err
		}
		if !same {
			if err := writeNote(ctx, t.repo, f.id, key, f.notes); err != nil {
				return err
			}
			gone.Commits[w.short(key)] = f.id
		}
	}
	if len(gone.Commits) > 0 {
		return gone
	}
	return nil
}

// find returns the commit whose first key is key, nil if there is none.
func find(list []*commit, key string) *commit {
	i := slices.IndexFunc(list, func(c *commit) bool { return len(c.keys) > 0 && c.keys[0] == key })
	if i < 0 || key == "" {
		return nil
	}
	return list[i]
}

// noteFiles writes the key and the notes of each patch to the git note of its
// commit. This merge and the next one identify the commits by these keys.
func (t *Tree) noteFiles(ctx context.Context, w *work, files []*commit) error {
	if len(files) != len(w.all.Patches) {
		return fmt.Errorf("%d patches applied as %d commits", len(w.all.Patches), len(files))
	}
	for i, q := range w.all.Patches {
		if len(files[i].keys) == 1 && files[i].keys[0] == q.Key && files[i].notes == q.Notes {
			continue
		}
		files[i].keys, files[i].notes = []string{q.Key}, q.Notes
		if err := writeNote(ctx, t.repo, files[i].id, q.Key, q.Notes); err != nil {
			return err
		}
	}
	return nil
}

// settle records the base of the tree in the repository.
func (t *Tree) settle(ctx context.Context) error {
	if err := t.repo.Run(ctx, "update-ref", "refs/tags/"+baseTag, t.BaseCommit); err != nil {
		return fmt.Errorf("merge into %s: %w", t.Dir, err)
	}
	return t.save(ctx)
}

// onto reports whether the tree is based on the current version of the series that this
// one depends on.
func (t *Tree) onto(ctx context.Context, opt *Options, w *work) bool {
	if w.whole || t.elsewhere(w) || len(w.project.Foundation(w.base.Name, w.keys()...)) == 0 {
		return true
	}
	p, err := prepare(ctx, opt, w)
	// After an error, flow calls prepare again and returns its error.
	return err == nil && p.below == t.BaseCommit
}

// todo returns the todo list of a git rebase that merges files into mine.
func (t *Tree) todo(ctx context.Context, mine, old, files []*commit) (lines []string, err error) {
	var keys []string // of the lines, in order
	for _, m := range ordered(mine, old, files) {
		key := firstOf(m.keys)
		o, f := find(old, key), find(files, key)
		switch {
		case o == nil && f != nil && key != "":
			same, err := t.sameCommit(ctx, f, m)
			if err != nil {
				return nil, err
			}
			if !same {
				return nil, fmt.Errorf("%w %q: the patch files and the tree have different new patches with this key: give the commit another key (--key REV=KEY), or cherry-pick %.12s",
					ErrKey, key, f.id)
			}
			lines = append(lines, "pick "+m.id)
		case o == nil:
			lines = append(lines, "pick "+m.id)
		case f == nil:
			same, err := t.sameCommit(ctx, o, m)
			if err != nil {
				return nil, err
			}
			if !same { // edited in the tree, removed from the files: keep it
				lines = append(lines, "pick "+m.id)
			}
		default:
			some, err := t.merged(ctx, o, f, m)
			if err != nil {
				return nil, err
			}
			lines = append(lines, some...)
		}
		keys = append(keys, key)
	}
	// A new patch file comes after its predecessor in the directory.
	for i, f := range files {
		if find(old, f.keys[0]) != nil || slices.Contains(keys, f.keys[0]) {
			continue
		}
		if err := writeNote(ctx, t.repo, f.id, f.keys[0], f.notes); err != nil {
			return nil, err
		}
		at := 0
		for _, before := range files[:i] {
			for n, l := range lines {
				if strings.HasSuffix(l, " # "+before.keys[0]) {
					at = max(at, n+1)
				}
			}
		}
		for at < len(lines) && !strings.HasPrefix(lines[at], "pick ") {
			at++
		}
		lines = slices.Insert(lines, at, "pick "+f.id+" # "+f.keys[0])
	}
	return lines, nil
}

// ordered returns the commits of the tree in the order in which to merge them. It is that
// of the patch files if only they were reordered. A commit that the files do not have stays
// after the one that it follows.
func ordered(mine, old, files []*commit) []*commit {
	common := func(list []*commit) (keys []string) {
		for _, c := range list {
			key := firstOf(c.keys)
			if find(mine, key) != nil && find(old, key) != nil && find(files, key) != nil {
				keys = append(keys, key)
			}
		}
		return keys
	}
	was, want := common(old), common(files)
	if !slices.Equal(common(mine), was) || slices.Equal(was, want) {
		return mine
	}
	var list []*commit
	follow := map[string][]*commit{}
	last := ""
	for _, c := range mine {
		if key := firstOf(c.keys); slices.Contains(want, key) {
			last = key
		}
		if last == "" {
			list = append(list, c)
		} else {
			follow[last] = append(follow[last], c)
		}
	}
	for _, key := range want {
		list = append(list, follow[key]...)
	}
	return list
}

// sameCommit reports whether two commits are the same patch.
func (t *Tree) sameCommit(ctx context.Context, a, b *commit) (bool, error) {
	if a.id == b.id {
		return true, nil
	}
	x, err := t.content(ctx, a)
	if err != nil {
		return false, err
	}
	y, err := t.content(ctx, b)
	return x == y, err
}

// content returns a string that is equal for commits with the same author, date, message,
// notes and diff, at any position.
func (t *Tree) content(ctx context.Context, c *commit) (string, error) {
	head, err := t.repo.Output(ctx, "log", "-1", "--no-show-signature", "--no-notes", "--format=%an <%ae> %ad%n%B", c.id)
	if err != nil {
		return "", err
	}
	diff, err := t.diffID(ctx, c)
	return head + "\n" + diff + "\n" + c.notes, err
}

func (t *Tree) diffID(ctx context.Context, c *commit) (string, error) {
	out, err := t.repo.Output(ctx, "diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", c.id+"^", c.id)
	if err != nil || out == "" {
		return "", err
	}
	id, err := t.repo.Input(ctx, strings.NewReader(out+"\n"), "patch-id", "--stable")
	id, _, _ = strings.Cut(id, " ")
	return id, err
}

// merged returns the todo lines that merge three versions of a patch into one commit: the
// old patch (o), its current file (f), and the commit of the tree (m).
func (t *Tree) merged(ctx context.Context, o, f, m *commit) ([]string, error) {
	pick := func(id string) []string { return []string{"pick " + id + " # " + f.keys[0]} }
	untouched, err := t.sameCommit(ctx, o, m)
	if err != nil {
		return nil, err
	}
	unchanged, err := t.sameCommit(ctx, o, f)
	if err != nil {
		return nil, err
	}
	if unchanged {
		return pick(m.id), nil
	}
	if untouched {
		return pick(f.id), writeNote(ctx, t.repo, f.id, f.keys[0], f.notes)
	}
	message, clean, err := t.mergeText(ctx, o, f, m)
	if err != nil {
		return nil, err
	}
	notes := f.notes
	if m.notes != o.notes {
		notes = m.notes
	}
	of, err := t.diffID(ctx, f)
	if err != nil {
		return nil, err
	}
	oo, err := t.diffID(ctx, o)
	if err != nil {
		return nil, err
	}
	om, err := t.diffID(ctx, m)
	if err != nil {
		return nil, err
	}
	var lines []string
	from := m // the commit that supplies diff and author
	if of != oo {
		from = f
	}
	id, err := t.reword(ctx, from, message)
	if err != nil {
		return nil, err
	}
	if err := writeNote(ctx, t.repo, id, f.keys[0], notes); err != nil {
		return nil, err
	}
	lines = pick(id)
	if of != oo && om != oo {
		delta, err := t.delta(ctx, o, m)
		if err != nil {
			return nil, err
		}
		lines = append(lines, "fixup "+delta)
	}
	if !clean {
		lines = append(lines, "break")
	}
	return lines, nil
}

// reword creates a commit with another message.
func (t *Tree) reword(ctx context.Context, c *commit, message string) (string, error) {
	raw, err := t.repo.Output(ctx, "cat-file", "commit", c.id)
	if err != nil {
		return "", err
	}
	head, _, _ := strings.Cut(raw, "\n\n")
	return t.repo.Input(ctx, strings.NewReader(head+"\n\n"+message), "hash-object", "-t", "commit", "-w", "--stdin")
}

// mergeText merges the messages of three commits.
func (t *Tree) mergeText(ctx context.Context, o, f, m *commit) (text string, clean bool, err error) {
	dir, err := os.MkdirTemp("", "xpsgen-merge-")
	if err != nil {
		return "", false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var paths []string
	var trailers [3][]string
	for i, c := range []*commit{m, o, f} {
		text, err := t.repo.Output(ctx, "log", "-1", "--no-show-signature", "--no-notes", "--format=%B", c.id)
		if err != nil {
			return "", false, err
		}
		text, trailers[i] = splitTrailers(text)
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(strings.TrimRight(text, "\n")+"\n"), 0o600); err != nil {
			return "", false, err
		}
		paths = append(paths, path)
	}
	out, err := t.repo.Output(ctx, append([]string{"merge-file", "-p", "-L", "commit", "-L", "before", "-L", "patch file"}, paths...)...)
	if code := git.ExitCode(err); code > 0 && code < 128 {
		err, clean = nil, false
	} else {
		clean = err == nil
	}
	out = strings.TrimRight(out, "\n") + "\n"
	if list := mergeTrailers(trailers[0], trailers[1], trailers[2]); len(list) > 0 {
		out += "\n" + strings.Join(list, "\n") + "\n"
	}
	return out, clean, err
}

// splitTrailers splits the last paragraph off a message if all its lines are trailers.
func splitTrailers(message string) (text string, trailers []string) {
	message = strings.TrimRight(message, "\n")
	i := strings.LastIndex(message, "\n\n")
	if i < 0 {
		return message, nil
	}
	list := strings.Split(message[i+2:], "\n")
	for _, l := range list {
		if !trailerLine.MatchString(l) {
			return message, nil
		}
	}
	return message[:i], list
}

var trailerLine = lazyregexp.New(`^[A-Za-z][A-Za-z0-9-]*: \S`)

// mergeTrailers merges lists of trailers: those of the patch file, without
// those that the commit removed, and with those that it added.
func mergeTrailers(mine, old, file []string) []string {
	list := slices.DeleteFunc(slices.Clone(file), func(l string) bool { return slices.Contains(old, l) && !slices.Contains(mine, l) })
	for _, l := range mine {
		if !slices.Contains(old, l) && !slices.Contains(file, l) {
			list = append(list, l)
		}
	}
	return list
}

// delta creates a commit with the parent o. Its tree is the diff of m applied to the parent
// of o.
func (t *Tree) delta(ctx context.Context, o, m *commit) (string, error) {
	// The merge base of the two is the parent of m. So the merge applies the diff of m.
	onto, err := t.repo.Output(ctx, "commit-tree", o.id+"^^{tree}", "-p", m.id+"^", "-m", "onto")
	if err != nil {
		return "", err
	}
	out, err := t.repo.Output(ctx, "merge-tree", "--write-tree", "--allow-unrelated-histories", onto, m.id)
	if code := git.ExitCode(err); err != nil && code != 1 {
		return "", err
	}
	tree, _, _ := strings.Cut(out, "\n")
	return t.repo.Output(ctx, "commit-tree", tree, "-p", o.id, "-m", "fixup")
}

// rebase runs a todo list of git rebase onto a commit, with the user's identity.
func (t *Tree) rebase(ctx context.Context, todo []string, onto string) error {
	dir, err := os.MkdirTemp("", "xpsgen-todo-")
	if err != nil {
		return fmt.Errorf("merge into %s: %w", t.Dir, err)
	}
	defer os.RemoveAll(dir)
	list := filepath.Join(dir, "todo")
	if len(todo) == 0 {
		todo = []string{"noop"}
	}
	if err := os.WriteFile(list, []byte(strings.Join(todo, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("merge into %s: %w", t.Dir, err)
	}
	c := t.repo.Cmd("rebase", "-q", "-i", "--empty=drop", "--no-fork-point", "--reapply-cherry-picks", "--keep-empty", "--onto", onto, "HEAD")
	c.Env = append(c.Env, "GIT_SEQUENCE_EDITOR=cp '"+list+"'")
	if err := c.Run(ctx); err != nil {
		if ctx.Err() == nil && t.busy() {
			files, uerr := t.unmerged(ctx)
			if uerr != nil {
				return uerr
			}
			return &MergeError{Dir: t.Dir, Files: files}
		}
		return fmt.Errorf("merge into %s: %w", t.Dir, err)
	}
	if t.busy() { // it stopped because a message has conflicts
		return &MergeError{Dir: t.Dir}
	}
	return nil
}
