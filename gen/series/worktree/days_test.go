// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xpsgen/gen/series/patch"
	"xpsgen/vmtest/seed"
)

// TestTenDays simulates ten working days with a tree, in random order: commits that are
// edited, amended, reordered, split, dropped and skipped, tags credited to patch files, a
// second tree that writes the same files, and conflicts. After each refresh all patches
// have their lines, tags and sentences, and no others. The test never uses force.
// XPS_TEST_DAYS is the number of simulations.
func TestTenDays(t *testing.T) {
	runs := 2
	if n, err := strconv.Atoi(os.Getenv("XPS_TEST_DAYS")); err == nil {
		runs = n
	}
	s := seed.Rand(t)
	for i := range runs {
		n := s.Uint64()
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			d := &days{bench: newBench(t), t: t, r: rand.New(rand.NewPCG(n, uint64(i))), model: map[string]*want{}}
			d.begin()
			for day := range 10 {
				for range 1 + d.r.IntN(3) {
					d.work()
				}
				d.write(day)
			}
		})
	}
}

// want lists what a patch must contain.
type want struct {
	// lines are the lines that the patch adds. tags are its trailers. text has sentences of
	// its message.
	lines, tags, text []string
}

// days is a tree and its expected patches.
type days struct {
	*bench
	t     *testing.T
	r     *rand.Rand
	tree  *Tree
	two   *Tree
	model map[string]*want
	drop  []string
	log   []string
	n     int
}

func (d *days) begin() {
	d.model["hook"] = &want{lines: []string{"hook"}, tags: []string{"Link: https://example.org/1"}, text: []string{"Because."}}
	d.model["link"] = &want{lines: []string{"\tIFLA_XPS,", "link"}, text: []string{"# Not a comment."}}
	d.model["tun"] = &want{lines: []string{"ask"}}
	d.tree = d.checkout("old")
	var err error
	if d.two, err = Checkout(d.t.Context(), Options{Change: d.load(), What: "old", Cache: d.cache, Dir: filepath.Join(d.t.TempDir(), "two")}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *days) say(format string, a ...any) { d.log = append(d.log, fmt.Sprintf(format, a...)) }

func (d *days) fatal(format string, a ...any) {
	d.t.Helper()
	d.t.Fatalf("%s\n%s", fmt.Sprintf(format, a...), strings.Join(d.log, "\n"))
}

// new returns a unique line or sentence.
func (d *days) new(what string) string {
	d.n++
	return fmt.Sprintf("%s %d.", what, d.n)
}

// keysOf returns the keys of a tree's commits in order.
func (d *days) keysOf(tr *Tree) (keys []string) {
	for _, l := range strings.Split(d.git(tr.Dir, "log", "--reverse", "--notes="+notesRef, "--format=%N%x00", "base.."), "\x00") {
		if key, _, _ := strings.Cut(strings.TrimSpace(l), "\n"); key != "" {
			keys = append(keys, strings.TrimPrefix(key, "key: queue/"))
		}
	}
	return keys
}

// insert adds a line to the file of a patch.
func (d *days) insert(tr *Tree, key string) string {
	line := d.new(key)
	path := filepath.Join(tr.Dir, "net", key+".c")
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.fatal("%v", err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	at := d.r.IntN(len(lines))
	mustWrite(d.t, path, strings.Join(slices.Insert(lines, at, line+"\n"), ""))
	return line
}

// fixup amends the commit of a key with the changed files of a tree. If a later commit
// conflicts, it undoes that and returns false.
func (d *days) fixup(tr *Tree, key string) bool {
	keys := d.keysOf(tr)
	at := len(keys) - 1 - slices.Index(keys, key)
	d.git(tr.Dir, "add", "-A")
	if at == 0 {
		d.git(tr.Dir, "commit", "-q", "--amend", "--no-edit")
		return true
	}
	d.git(tr.Dir, "commit", "-q", "--fixup", fmt.Sprintf("HEAD~%d", at))
	if d.try(tr.Dir, "rebase", "-q", "-i", "--autosquash", "base") != nil {
		d.git(tr.Dir, "rebase", "--abort")
		d.git(tr.Dir, "reset", "-q", "--hard", "HEAD^")
		return false
	}
	return true
}

// refreshed refreshes a tree. It resolves conflicts by keeping the lines of both sides.
func (d *days) refreshed(tr *Tree, drop ...string) error {
	for range 20 {
		_, err := d.refresh(tr, drop...)
		var merge *MergeError
		if !errors.As(err, &merge) {
			return err
		}
		d.say("resolve %q in %s", merge.Files, filepath.Base(tr.Dir))
		for tr.busy() {
			for _, f := range strings.Fields(d.git(tr.Dir, "diff", "--name-only", "--diff-filter=U")) {
				path := filepath.Join(tr.Dir, f)
				var kept strings.Builder
				for l := range strings.Lines(mustRead(d.t, path)) {
					if !strings.HasPrefix(l, "<<<<<<<") && !strings.HasPrefix(l, "=======") && !strings.HasPrefix(l, ">>>>>>>") {
						kept.WriteString(l)
					}
				}
				mustWrite(d.t, path, kept.String())
			}
			d.git(tr.Dir, "add", "-A")
			_ = d.try(tr.Dir, "rebase", "--continue")
		}
	}
	return errors.New("no end of conflicts")
}

func (d *days) work() {
	keys := d.keysOf(d.tree)
	if len(keys) == 0 {
		d.add()
		return
	}
	key := keys[d.r.IntN(len(keys))]
	switch d.r.IntN(9) {
	case 0: // edit and amend
		line := d.insert(d.tree, key)
		d.say("amend %s with %q", key, line)
		if d.fixup(d.tree, key) {
			d.model[key].lines = append(d.model[key].lines, line)
		}
	case 1: // reword the last
		key = keys[len(keys)-1]
		text := d.new("Reason")
		d.say("reword %s: %s", key, text)
		message := d.git(d.tree.Dir, "log", "-1", "--format=%B")
		title, rest, _ := strings.Cut(message, "\n")
		d.git(d.tree.Dir, "commit", "-q", "--amend", "--cleanup=verbatim", "-m", title+"\n\n"+text+"\n"+rest)
		d.model[key].text = append(d.model[key].text, text)
	case 2: // swap two neighbours
		if len(keys) < 2 {
			return
		}
		n := 1 + d.r.IntN(len(keys)-1)
		d.say("swap %s and %s", keys[n-1], keys[n])
		c := d.tree.repo.Cmd("rebase", "-q", "-i", "base")
		c.Env = append(c.Env, fmt.Sprintf("GIT_SEQUENCE_EDITOR=sed -i -e '%d{h;d};%d{G}'", n, n+1))
		if c.Run(d.t.Context()) != nil {
			d.git(d.tree.Dir, "rebase", "--abort")
		}
	case 3: // split the last
		d.split(keys)
	case 4:
		d.add()
	case 5: // drop the last
		key = keys[len(keys)-1]
		if len(keys) < 3 || d.tagged(key) {
			return
		}
		d.say("drop %s", key)
		d.git(d.tree.Dir, "reset", "-q", "--hard", "HEAD^")
		d.gone(key)
	case 6: // a tag for a patch file
		if d.load().Find("queue").Base("old").Patch(key) == nil {
			return
		}
		who := fmt.Sprintf("Reader %d <r%d@example.org>", d.n, d.n)
		d.n++
		d.say("credit %s: %s", key, who)
		d.credit(key, "Reviewed-by", who)
		d.model[key].tags = append(d.model[key].tags, "Reviewed-by: "+who)
	case 7: // the second tree
		d.other()
	case 8: // skip
		d.skip(keys)
	}
}

// tagged reports whether a patch file has changed since the tree read it. Then refresh
// rejects a dropped commit, which another test covers.
func (d *days) tagged(string) bool {
	w, err := d.tree.work(d.load())
	if err != nil {
		d.fatal("%v", err)
	}
	now, err := Open(d.t.Context(), d.tree.Dir)
	if err != nil {
		d.fatal("%v", err)
	}
	return filesHash(w.all) != now.files
}

func (d *days) gone(key string) {
	delete(d.model, key)
	if d.load().Find("queue").Base("old").Patch(key) != nil {
		d.drop = append(d.drop, key)
	}
}

// add creates a new commit.
func (d *days) add() {
	d.n++
	key := fmt.Sprintf("patch-%d", d.n)
	line := d.insert(d.tree, key)
	d.say("add %s", key)
	d.commit(d.tree.Dir, "net: patch "+fmt.Sprint(d.n-1))
	d.git(d.tree.Dir, "commit", "-q", "--amend", "-m", "net: "+strings.ReplaceAll(key, "-", " "))
	// Refresh derives the same key.
	d.git(d.tree.Dir, "notes", "--ref="+notesRef, "add", "-f", "-m", "key: queue/"+key)
	d.model[key] = &want{lines: []string{line}}
}

// split splits the last commit in two.
func (d *days) split(keys []string) {
	key := keys[len(keys)-1]
	line := d.insert(d.tree, key)
	d.fixup(d.tree, key)
	d.model[key].lines = append(d.model[key].lines, line)
	d.n++
	part := fmt.Sprintf("part-%d", d.n)
	d.say("split %s off %s", part, key)
	path := filepath.Join(d.tree.Dir, "net", key+".c")
	whole := mustRead(d.t, path)
	mustWrite(d.t, path, strings.Replace(whole, line+"\n", "", 1))
	d.git(d.tree.Dir, "commit", "-q", "-a", "--amend", "--no-edit", "--allow-empty")
	mustWrite(d.t, path, whole)
	d.commit(d.tree.Dir, "net: "+strings.ReplaceAll(part, "-", " "))
	d.git(d.tree.Dir, "notes", "--ref="+notesRef, "add", "-f", "-m", "key: queue/"+part)
	d.model[key].lines = slices.DeleteFunc(d.model[key].lines, func(l string) bool { return l == line })
	d.model[part] = &want{lines: []string{line}}
}

// other writes a change back from the second tree.
func (d *days) other() {
	if err := d.refreshed(d.two); err != nil {
		d.fatal("the second tree: %v", err)
	}
	keys := d.keysOf(d.two)
	key := keys[d.r.IntN(len(keys))]
	if d.model[key] == nil || !slices.Contains(d.keysOf(d.tree), key) {
		return // dropped in the first tree, and not written back yet
	}
	line := d.insert(d.two, key)
	d.say("the second tree amends %s with %q", key, line)
	if !d.fixup(d.two, key) {
		return
	}
	if err := d.refreshed(d.two); err != nil {
		d.fatal("the second tree: %v", err)
	}
	d.model[key].lines = append(d.model[key].lines, line)
}

// skip drops a commit in the middle of a rebase that conflicts.
func (d *days) skip(keys []string) {
	if len(keys) < 3 || !slices.Contains(keys, "hook") || d.tagged("hook") {
		return
	}
	d.n++
	key := fmt.Sprintf("patch-%d", d.n)
	head := d.git(d.tree.Dir, "rev-parse", "HEAD")
	branch := d.git(d.tree.Dir, "symbolic-ref", "--short", "HEAD")
	d.git(d.tree.Dir, "checkout", "-q", "--detach", "base")
	d.edit(d.tree.Dir, "net/core/dev.c", "line 20\nline 21\n", "line 20\ninstead\nline 21\n")
	d.commit(d.tree.Dir, "net: "+strings.ReplaceAll(key, "-", " "))
	d.git(d.tree.Dir, "notes", "--ref="+notesRef, "add", "-f", "-m", "key: queue/"+key)
	below := d.git(d.tree.Dir, "rev-parse", "HEAD")
	d.git(d.tree.Dir, "checkout", "-q", branch)
	if err := d.try(d.tree.Dir, "rebase", "-q", below); err == nil {
		d.fatal("hook did not conflict")
	}
	if d.try(d.tree.Dir, "rebase", "--skip") != nil {
		d.git(d.tree.Dir, "rebase", "--abort")
		if d.git(d.tree.Dir, "rev-parse", "HEAD") != head {
			d.fatal("not aborted")
		}
		return // another one conflicts as well
	}
	d.say("%s instead of hook, which is skipped", key)
	d.gone("hook")
	d.model[key] = &want{lines: []string{"instead"}}
}

// try runs git, which may fail.
func (d *days) try(dir string, args ...string) error {
	c := d.tree.repo.Cmd(args...)
	c.Dir = dir
	return c.Run(d.t.Context())
}

// write refreshes the tree, and compares the patch files with the model.
func (d *days) write(day int) {
	d.say("day %d: refresh, drop %v", day, d.drop)
	if len(d.drop) > 0 {
		var lost *LostError
		if err := d.refreshed(d.tree); !errors.As(err, &lost) {
			d.fatal("dropped without a word: %v", err)
		} else {
			for _, l := range lost.Lost {
				if !slices.Contains(d.drop, l.Key) || l.Into != "" {
					d.fatal("lost %+v", l)
				}
			}
		}
	}
	if err := d.refreshed(d.tree, d.drop...); err != nil {
		d.fatal("%v", err)
	}
	d.drop = nil
	b := d.load().Find("queue").Base("old")
	var have []string
	for _, p := range b.Patches {
		have = append(have, p.Key)
		d.compare(p.Key, p.Patch)
	}
	if order := d.keysOf(d.tree); !slices.Equal(have, order) {
		d.fatal("patches in the order %q, want %q", have, order)
	}
	if should := slices.Sorted(maps.Keys(d.model)); !slices.Equal(slices.Sorted(slices.Values(have)), should) {
		d.fatal("patches %q, want %q", have, should)
	}
	// The second tree reads the new files, and changes nothing.
	if err := d.refreshed(d.two); err != nil {
		d.fatal("the second tree: %v", err)
	}
	var after []string
	for _, p := range d.load().Find("queue").Base("old").Patches {
		after = append(after, p.Key)
		d.compare(p.Key, p.Patch)
	}
	if !slices.Equal(have, after) {
		d.fatal("the second tree makes %q of the order %q", after, have)
	}
}

func (d *days) compare(key string, p *patch.Patch) {
	m := d.model[key]
	if m == nil {
		d.fatal("%s is there", key)
	}
	var lines []string
	for l := range strings.Lines(p.Diff) {
		if strings.HasPrefix(l, "+") && !strings.HasPrefix(l, "+++ ") {
			lines = append(lines, strings.TrimRight(l[1:], "\n"))
		}
	}
	var tags []string
	for _, trailer := range p.Trailers {
		tags = append(tags, trailer.String())
	}
	for what, pair := range map[string][2][]string{"lines": {lines, m.lines}, "tags": {tags, m.tags}} {
		have, should := slices.Sorted(slices.Values(pair[0])), slices.Sorted(slices.Values(pair[1]))
		if !slices.Equal(have, should) {
			d.fatal("%s: %s %q, want %q", key, what, have, should)
		}
	}
	for _, text := range m.text {
		if !strings.Contains(p.Message(), text) {
			d.fatal("%s: the message has no %q:\n%s", key, text, p.Message())
		}
	}
}
