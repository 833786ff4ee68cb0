// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// errUnknownPath means that a patch changed a path that the index did not load.
var errUnknownPath = errors.New("a patch changes a path that its diff headers do not name")

// pathIndex fills an index with only the paths that patches name, so that git reads and
// writes a few entries instead of the whole tree.
type pathIndex struct {
	base string
	// names maps the paths to true, and the directories above them to false.
	names map[string]bool
	// whole loads the whole tree.
	whole bool
}

// entry is an entry of an index: mode and object name.
type entry struct{ mode, object string }

// applied is a patch that was applied.
type applied struct {
	mail *mail
	// changes are commands of git fast-import.
	changes string
}

func newPathIndex(base string, patches [][]byte) *pathIndex {
	x := &pathIndex{base: base, names: map[string]bool{}}
	above := map[string]bool{}
	for _, data := range patches {
		for _, name := range patchPaths(data) {
			for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
				above[dir] = true
			}
			x.names[name] = true
		}
	}
	for dir := range above {
		// A file that replaces a directory changes all that is in it.
		x.whole = x.whole || x.names[dir]
		if !x.names[dir] {
			x.names[dir] = false // the key is what counts
		}
	}
	return x
}

// patchPaths returns the paths in the headers of a patch. It may return more, from the
// body. It may miss those in unusual headers.
func patchPaths(patch []byte) (paths []string) {
	add := func(name, prefix string) {
		if text, err := strconv.Unquote(name); err == nil {
			name = text
		} else {
			name, _, _ = strings.Cut(name, "\t")
		}
		if prefix != "" {
			_, name, _ = strings.Cut(name, "/")
		}
		if name = path.Clean(name); path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return
		}
		paths = append(paths, name)
	}
	for line := range bytes.Lines(patch) {
		text := strings.TrimRight(string(line), "\r\n")
		for _, p := range []struct{ before, prefix string }{
			{"--- ", "a/"}, {"+++ ", "b/"}, {"rename from ", ""}, {"rename to ", ""}, {"copy from ", ""}, {"copy to ", ""},
		} {
			if name, ok := strings.CutPrefix(text, p.before); ok && name != "/dev/null" {
				add(name, p.prefix)
			}
		}
		// An empty or binary file has no other line with its name.
		if names, ok := strings.CutPrefix(text, "diff --git "); ok && len(names)%2 == 1 {
			add(names[:len(names)/2], "a/")
		}
	}
	return paths
}

// load fills the index from the base and returns its entries.
func (x *pathIndex) load(ctx context.Context, g *git) (map[string]entry, error) {
	if x.whole {
		if err := g.run(ctx, "read-tree", x.base); err != nil {
			return nil, err
		}
		return x.entries(ctx, g)
	}
	if err := g.run(ctx, "read-tree", "--empty"); err != nil || len(x.names) == 0 {
		return nil, err
	}
	args := []string{"ls-tree", "--full-tree", "-z", x.base, "--"}
	out, err := g.output(ctx, append(args, slices.Sorted(maps.Keys(x.names))...)...)
	if err != nil {
		return nil, err
	}
	var stdin strings.Builder
	for e := range strings.SplitSeq(out, "\x00") {
		head, name, ok := strings.Cut(e, "\t")
		f := strings.Fields(head)
		_, known := x.names[name]
		switch {
		case !ok || len(f) != 3 || !known: // git lists what is next to a path, too
		case f[1] != "tree":
			fmt.Fprintf(&stdin, "%s %s\t%s\x00", f[0], f[2], name)
		case x.names[name]:
			return nil, fmt.Errorf("%s is a directory: %w", name, errUnknownPath)
		}
	}
	if _, err := g.input(ctx, strings.NewReader(stdin.String()), "update-index", "-z", "--index-info"); err != nil {
		return nil, err
	}
	return x.entries(ctx, g)
}

// entries returns the entries of the index.
func (x *pathIndex) entries(ctx context.Context, g *git) (map[string]entry, error) {
	out, err := g.output(ctx, "ls-files", "-s", "-z")
	if err != nil {
		return nil, err
	}
	all := map[string]entry{}
	for e := range strings.SplitSeq(out, "\x00") {
		head, name, ok := strings.Cut(e, "\t")
		f := strings.Fields(head)
		if !ok || len(f) != 3 {
			continue
		}
		if _, ok := x.names[name]; !x.whole && !ok {
			return nil, fmt.Errorf("%s: %w", name, errUnknownPath)
		}
		all[name] = entry{mode: f[0], object: f[1]}
	}
	return all, nil
}

// importCommands returns the commands of git fast-import that turn one index into another.
func importCommands(before, after map[string]entry) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			fmt.Fprintf(&b, "D %s\n", quotePath(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if e := after[name]; e != before[name] {
			fmt.Fprintf(&b, "M %s %s %s\n", e.mode, e.object, quotePath(name))
		}
	}
	return b.String()
}

// writeTrees writes the tree after each step and returns their names. It leaves commits
// of them on ref.
func writeTrees(ctx context.Context, g *git, base, ref string, steps []applied) ([]string, error) {
	var stream strings.Builder
	for i := range steps {
		fmt.Fprintf(&stream, "commit %s\ncommitter %s <%s> %s\ndata 0\n", ref, identName, identEmail, identDate)
		if i == 0 {
			fmt.Fprintf(&stream, "from %s\n", base)
		}
		stream.WriteString(steps[i].changes + "\n")
	}
	stream.WriteString("done\n")
	c := g.cmd("-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet", "--force", "--done", "--date-format=raw")
	c.Stdin = strings.NewReader(stream.String())
	if err := c.Run(ctx); err != nil {
		return nil, err
	}
	out, err := g.output(ctx, "log", "--first-parent", "--reverse", "--format=%T", base+".."+ref)
	if err != nil {
		return nil, err
	}
	trees := strings.Fields(out)
	if len(trees) != len(steps) {
		return nil, fmt.Errorf("git fast-import made %d trees of %d patches", len(trees), len(steps))
	}
	return trees, nil
}
