// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"xpsgen/vmtest/git"
)

// commit is one commit of a tree.
type commit struct {
	id, title string
	// keys are the keys in its note: one, or several after a squash.
	keys []string
	// message, if not empty, is the message of the patch. It replaces the message of the commit.
	message string
	// notes is the text below the patch's "---".
	notes string
	// lines are the lines that the commit adds and removes.
	lines map[string]int
	// patchID identifies the diff without its line numbers.
	patchID string
}

// short returns the abbreviated hash and the title of a commit.
func (c *commit) short() string { return fmt.Sprintf("%.12s (%q)", c.id, c.title) }

// commits lists the commits from base (excluded) to tip, oldest first. The error wraps
// [ErrHistory] if their history is not linear.
func commits(ctx context.Context, repo *git.Repo, base, tip string) ([]*commit, error) {
	out, err := repo.Output(ctx, "log", "--reverse", "--topo-order", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--notes="+notesRef,
		"--format=%H%x00%P%x00%s%x00%N%x01", base+".."+tip, "--")
	if err != nil {
		return nil, fmt.Errorf("list commits in %s: %w", repo.Dir, err)
	}
	var list []*commit
	parent := base
	for _, record := range strings.Split(out, "\x01") {
		fields := strings.SplitN(strings.TrimLeft(record, "\n"), "\x00", 4)
		if len(fields) != 4 {
			continue
		}
		c := &commit{id: fields[0], title: fields[2]}
		if fields[1] != parent {
			return nil, fmt.Errorf("%s: %w: the parent of %s should be %.12s; rebase the commits onto the tag %q",
				repo.Dir, ErrHistory, c.short(), parent, baseTag)
		}
		c.keys, c.notes = parseNote(fields[3])
		parent = c.id
		list = append(list, c)
	}
	if len(list) == 0 {
		if id, err := repo.Output(ctx, "rev-parse", "--verify", tip+"^{commit}"); err != nil || id != base {
			return nil, fmt.Errorf("%s: %w: it is not based on the tag %q", repo.Dir, ErrHistory, baseTag)
		}
	}
	return list, nil
}

// parseNote reads a note: a line "key: KEY", and the text that goes below a
// patch's "---". git puts the notes of squashed commits one below the other.
func parseNote(note string) (keys []string, text string) {
	var lines []string
	for _, l := range strings.Split(note, "\n") {
		if key, ok := strings.CutPrefix(l, "key: "); ok {
			keys = append(keys, strings.TrimSpace(key))
			continue
		}
		lines = append(lines, l)
	}
	return keys, strings.Trim(strings.Join(lines, "\n"), "\n")
}

// writeNote replaces the note of a commit by a key and the text that goes below "---".
func writeNote(ctx context.Context, repo *git.Repo, id, key, text string) error {
	note := "key: " + key + "\n"
	if text != "" {
		note += "\n" + text + "\n"
	}
	_, err := repo.Input(ctx, strings.NewReader(note), "notes", "--ref="+notesRef, "add", "-f", "-F", "-", id)
	if err != nil {
		return fmt.Errorf("note the key of %.12s: %w", id, err)
	}
	return nil
}

// patchID asks git for the patch id of a diff.
func patchID(ctx context.Context, repo *git.Repo, mail []byte) (string, error) {
	out, err := repo.Input(ctx, bytes.NewReader(mail), "patch-id", "--stable")
	if err != nil {
		return "", fmt.Errorf("identify a patch: %w", err)
	}
	id, _, _ := strings.Cut(out, " ")
	return id, nil
}
