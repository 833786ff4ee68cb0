// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/progress"
)

// historyDepth is how far back the commits of a user's tree are searched for
// patches of the series.
const historyDepth = 500

// recognise finds out which patches the user's directory has. It leaves the
// patches to apply in s.Patches: none that the directory has, and none that it
// lost on purpose. It describes the result in s.Origin.
//
// A patch is present if a commit has its diff, or its title with another diff.
// A patch that is missing before a present one was dropped, and so was each
// missing patch in a tree of xpsgen tree checkout. The patches after the last
// present one are applied.
func (s *Source) recognise(ctx context.Context) error {
	if s.opt.NoApply {
		s.setPatches(nil)
		s.Origin += " (not patched)"
		return nil
	}
	state, ours, cut, err := s.findPatches(ctx)
	if err != nil {
		return err
	}
	last := -1
	for i, st := range state {
		if st != absent {
			last = i
		}
	}
	if last < 0 {
		return nil // an ordinary base
	}
	var apply []int
	var changed, dropped, applied, unknown []string
	identical := 0
	for i, st := range state {
		key := s.Patches[i].Step()
		switch {
		case s.Patches[i].Series == "": // on top of the series, as asked
			apply = append(apply, i)
		case st == same:
			identical++
		case st == other:
			changed = append(changed, key)
		case st == unread || cut && i < last:
			unknown = append(unknown, key)
		case i < last || ours:
			dropped = append(dropped, key)
		default:
			applied = append(applied, key)
			apply = append(apply, i)
		}
	}
	total := len(state) - len(s.opt.Variant.Extra)
	text := fmt.Sprintf("your tree: %d of %d patches identical", identical, total)
	for _, l := range []struct {
		what string
		keys []string
	}{{"changed", changed}, {"not in it", dropped}, {"applied to it", applied},
		{"not compared, since the clone lacks history", unknown}} {
		if len(l.keys) > 0 {
			text += "; " + l.what + ": " + strings.Join(l.keys, ", ")
		}
	}
	s.setPatches(apply)
	s.Origin += " (" + text + ")"
	s.opt.Progress.Emit(progress.Event{Step: "read " + s.opt.Dir, State: progress.Notice, Text: text})
	return nil
}

// setPatches limits the patches to apply to those with these indices.
func (s *Source) setPatches(keep []int) {
	patches, content := s.Patches, s.content
	s.Patches, s.content = nil, nil
	for _, i := range keep {
		s.Patches = append(s.Patches, patches[i])
		s.content = append(s.content, content[i])
	}
}

// presence says how a tree has a patch.
type presence int

const (
	absent presence = iota
	// same: with the same diff. other: with its title and another diff.
	same
	other
	// unread: with its title, in a clone that lacks what it changed.
	unread
)

// findPatches looks for each patch among the commits of the user's tree. ours
// reports whether the tree is from xpsgen tree checkout. cut reports whether
// the clone is shallow and ends within the commits that were looked at.
func (s *Source) findPatches(ctx context.Context) (state []presence, ours, cut bool, err error) {
	state = make([]presence, len(s.Patches))
	dir, err := filepath.Abs(s.opt.Dir)
	if err != nil {
		return state, false, false, err
	}
	user := func(args ...string) (string, error) {
		c := (&git{}).cmd(args...)
		c.Dir = dir
		out, err := c.Output(ctx)
		return strings.TrimSuffix(string(out), "\n"), err
	}
	log := []string{"log", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--format=%H%x00%s", fmt.Sprintf("--max-count=%d", historyDepth)}
	if _, err := user("config", "--local", "--get", "xpsgen.basecommit"); err == nil {
		ours = true
		log = append(log, "refs/tags/base..HEAD")
	}
	out, err := user(append(log, "--")...)
	if ctx.Err() != nil {
		return state, false, false, ctx.Err()
	}
	if err != nil || out == "" {
		return state, false, false, nil // no checkout, or one without commits
	}
	lines := strings.Split(out, "\n")
	boundary := ""
	if shallow, err := user("rev-parse", "--is-shallow-repository"); err == nil && shallow == "true" && len(lines) < historyDepth {
		cut = true
		boundary, _, _ = strings.Cut(lines[len(lines)-1], "\x00")
	}
	titles := map[string]string{}
	ids := map[string]bool{}
	for _, l := range lines {
		id, title, _ := strings.Cut(l, "\x00")
		if titles[title] == "" {
			titles[title] = id
		}
		if ours {
			sum, err := changesOf(user, id)
			if err != nil {
				return state, false, false, err
			}
			ids[sum] = true
		}
	}
	for i := range s.Patches {
		sum := changes(string(s.content[i]))
		commit := titles[titleOf(s.content[i])]
		switch {
		case sum != "" && ids[sum]:
			state[i] = same
		case commit != "":
			has, err := changesOf(user, commit)
			if ctx.Err() != nil {
				return state, false, false, ctx.Err()
			}
			switch {
			case has == sum && err == nil:
				state[i] = same
			case err != nil || commit == boundary:
				// A partial clone whose remote is out of reach, or the
				// end of a shallow one.
				state[i] = unread
			default:
				state[i] = other
			}
		}
	}
	return state, ours, cut, nil
}

// changesOf returns the changes of a commit of the user.
func changesOf(user func(...string) (string, error), id string) (string, error) {
	diff, err := user("diff-tree", "-p", "-M", "--root", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/", id)
	return changes(diff + "\n"), err
}

// changes are the added and removed lines of a diff, with the names of the files. They
// identify it at any position and with any amount of context.
func changes(diff string) string {
	var files []string
	add := func(l string) {
		if len(files) > 0 {
			files[len(files)-1] += l
		}
	}
	old, added := 0, 0 // lines left in the hunk
	for l := range strings.Lines(diff) {
		switch m := hunkHeader.FindStringSubmatch(l); {
		case old > 0 || added > 0:
			switch l[0] {
			case '-':
				old--
				add(l)
			case '+':
				added--
				add(l)
			case '\\':
			default:
				old, added = old-1, added-1
			}
		case m != nil:
			old, added = hunkSize(m[2]), hunkSize(m[4])
		case strings.HasPrefix(l, "diff --git "):
			files = append(files, l)
		}
	}
	slices.Sort(files)
	return strings.Join(files, "")
}

// titleOf is the title of a patch file's commit.
func titleOf(mail []byte) string {
	head, _, _ := bytes.Cut(mail, []byte("\n\n"))
	title, found := "", false
	for l := range strings.Lines(string(head)) {
		l = strings.TrimRight(l, "\r\n")
		switch {
		case found && strings.HasPrefix(l, " "):
			title += l
		case found:
			return cleanTitle(title)
		case strings.HasPrefix(l, "Subject: "):
			title, found = strings.TrimPrefix(l, "Subject: "), true
		}
	}
	return cleanTitle(title)
}

func cleanTitle(title string) string {
	for strings.HasPrefix(title, "[") {
		_, rest, ok := strings.Cut(title, "]")
		if !ok {
			break
		}
		title = strings.TrimLeft(rest, " ")
	}
	return title
}

// addIgnored adds the files that the user's repository tracks although
// .gitignore covers them. It also adds those that git was told to ignore, such
// as files outside of a sparse checkout.
func addIgnored(ctx context.Context, g *git, dir string) error {
	user := func(args ...string) (string, error) {
		c := (&git{}).cmd(args...)
		c.Dir = dir
		out, err := c.Output(ctx)
		return string(out), err
	}
	tags, err := user("ls-files", "-z", "-t")
	if err != nil {
		return err
	}
	// Files that git was told to ignore, by sparse-checkout or by the user,
	// count as they are in the user's index, whether or not they exist.
	var kept []string
	for _, l := range strings.Split(tags, "\x00") {
		if name, ok := strings.CutPrefix(l, "S "); ok {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	ignored, err := user("ls-files", "-z", "--cached", "--ignored", "--exclude-standard")
	if err != nil {
		return err
	}
	var there []string
	for _, name := range strings.Split(strings.TrimSuffix(ignored, "\x00"), "\x00") {
		if _, found := slices.BinarySearch(kept, name); name != "" && !found && exists(filepath.Join(dir, name)) {
			there = append(there, name)
		}
	}
	if len(there) > 0 {
		c := g.cmd("add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul")
		c.Env = append(c.Env, "GIT_LITERAL_PATHSPECS=1")
		c.Stdin = strings.NewReader(strings.Join(there, "\x00"))
		if err := c.Run(ctx); err != nil {
			return err
		}
	}
	if len(kept) == 0 {
		return nil
	}
	staged, err := user("ls-files", "-z", "--stage")
	if err != nil {
		return err
	}
	var info strings.Builder
	for _, l := range strings.Split(staged, "\x00") {
		if _, name, ok := strings.Cut(l, "\t"); ok {
			if _, found := slices.BinarySearch(kept, name); found {
				info.WriteString(l + "\x00")
			}
		}
	}
	_, err = g.input(ctx, strings.NewReader(info.String()), "update-index", "-z", "--index-info")
	return err
}
