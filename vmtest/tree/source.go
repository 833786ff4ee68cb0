// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree/manifest"
)

// Options say which tree to open. Project and Cache are required.
type Options struct {
	// Project is the project to patch.
	Project *Project
	// Base is the name of one of its bases; empty means the first.
	Base string
	// Dir is a source directory of the user's own, taken instead of the
	// base's origins: a git checkout, local changes included, or an unpacked
	// tarball. It is only read.
	Dir string
	// Patches are applied instead of the base's patches, and Variant.Select is
	// ignored; nil means the base's patches.
	Patches []Patch
	// NoApply uses Dir without applying patches.
	NoApply bool
	// Variant selects other patches. The zero value is the base's stack.
	Variant Variant
	// Cache is the cache directory, see xpsgen/vmtest/cache.
	Cache string
	// Progress gets an event for each long step. It may be nil.
	Progress progress.Func
}

// Variant is a deviation from a base's stack of series.
type Variant struct {
	// Select chooses series.
	Select Selection
	// Unpatched leaves all patches out.
	Unpatched bool
	// First applies only that many of the patches; 0 means all.
	First int
	// Extra are further patch files, applied on top.
	Extra []string
	// Apart names a separate working tree, for a caller that builds many variants. It
	// keeps the objects of other callers valid.
	Apart string
}

// String describes v for people: "", "unpatched", "first 2 patches".
func (v Variant) String() string {
	var parts []string
	if len(v.Select.Only) > 0 {
		parts = append(parts, strings.Join(v.Select.Only, ", ")+" alone")
	}
	for _, k := range v.Select.With {
		parts = append(parts, "with "+k)
	}
	for _, k := range v.Select.Without {
		parts = append(parts, "without "+k)
	}
	switch {
	case v.Unpatched:
		parts = append(parts, "unpatched")
	case v.First > 0:
		parts = append(parts, fmt.Sprintf("first %d patches", v.First))
	}
	for _, e := range v.Extra {
		parts = append(parts, "with "+filepath.Base(e))
	}
	return strings.Join(parts, ", ")
}

// plain reports whether v is the stack, or some of its series, with patches on
// top perhaps.
func (v Variant) plain() bool { return !v.Unpatched && v.First == 0 }

// workSuffix names a separate working tree for each variant that differs in headers, so
// that building one does not invalidate the objects of the others.
func (v Variant) workSuffix() string {
	switch {
	case v.Apart != "":
		return "-" + v.Apart
	case v.Unpatched:
		return "-unpatched"
	}
	s := ""
	for _, k := range v.Select.Only {
		s += "-" + k
	}
	for _, k := range v.Select.With {
		s += "-with-" + k
	}
	return s
}

// Source is a base and the patches to apply to it. The base is in the cache.
// The patched tree is written when [Source.Commit] or [Source.Checkout] is
// called.
type Source struct {
	// Project is the project's name. Base is the name of its base.
	Project, Base string
	// Version is the obtained version, in the origin's notation.
	Version string
	// Origin says in words where it came from.
	Origin string
	// BaseCommit is the commit of the bare base in the cache. It is a
	// function of the source's content.
	BaseCommit string
	// Patches are the patches to apply, in order.
	Patches []Patch

	opt     Options
	dir     string // of the base in the cache
	work    string // of the working tree
	content [][]byte
	key     string
}

// Open finds the base, obtaining it if the cache does not have it, and reads
// the patches. When the cache is warm it runs no other program, unless the
// base is a directory of the user's.
//
// Returns an error wrapping [ErrObtain] if the base cannot be obtained.
func Open(ctx context.Context, opt Options) (*Source, error) {
	if !filepath.IsAbs(opt.Cache) {
		return nil, fmt.Errorf("cache directory %q: want an absolute path", opt.Cache)
	}
	b, err := opt.Project.Base(opt.Base)
	if err != nil {
		return nil, err
	}
	s := &Source{Project: opt.Project.Name, Base: b.Name, opt: opt}
	if err := s.readPatches(b); err != nil {
		return nil, err
	}
	var got *obtained
	if opt.Dir != "" {
		got, err = snapshot(ctx, &opt)
	} else {
		got, err = obtain(ctx, &opt, b)
	}
	if err != nil {
		return nil, err
	}
	s.Version, s.Origin, s.BaseCommit, s.dir = got.Version, got.Origin, got.Commit, got.dir
	if opt.Dir != "" && len(s.Patches) > 0 && opt.Variant.plain() {
		if err := s.recognise(ctx); err != nil {
			return nil, fmt.Errorf("read %s: %w", opt.Dir, err)
		}
	}
	name := s.Project + "-" + s.Base
	if opt.Dir != "" {
		name = filepath.Base(got.dir)
	}
	s.work = filepath.Join(opt.Cache, "work", name+opt.Variant.workSuffix())
	s.key = s.makeKey()
	if opt.Dir != "" && opt.Variant.Apart == "" {
		s.work = s.nearest(ctx, s.work)
	}
	return s, nil
}

// readPatches reads the files of the variant.
func (s *Source) readPatches(b *Base) error {
	v := s.opt.Variant
	list := s.opt.Patches
	if list == nil {
		var err error
		if list, err = s.opt.Project.Patches(b.Name, v.Select); err != nil {
			return err
		}
	}
	switch {
	case v.Unpatched && (v.First != 0 || !v.Select.IsZero()):
		return errors.New("unpatched and a selection of series are mutually exclusive")
	case v.First < 0 || v.First > len(list):
		return fmt.Errorf("base %s has %d patches, not %d", b.Name, len(list), v.First)
	case v.First > 0:
		s.Patches = slices.Clone(list[:v.First])
	case !v.Unpatched:
		s.Patches = slices.Clone(list)
	}
	for _, path := range v.Extra {
		name := filepath.Base(path)
		s.Patches = append(s.Patches, Patch{Key: manifest.KeyOf(name), File: name, Path: path})
	}
	for _, p := range s.Patches {
		data, err := os.ReadFile(p.Path)
		if err != nil {
			return fmt.Errorf("read patch %s: %w", p.Key, err)
		}
		s.content = append(s.content, data)
	}
	return nil
}

// Change applyVersion when the same patches make another commit.
const applyVersion = "1"

func (s *Source) makeKey() string {
	h := sha256.New()
	fmt.Fprintf(h, "apply %s\n%s\n", applyVersion, s.BaseCommit)
	for _, data := range s.content {
		fmt.Fprintf(h, "%d\n", len(data))
		_, _ = h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Key identifies the patched tree by all that makes it: the base's content and
// the patches', byte by byte.
func (s *Source) Key() string { return s.key }

// Name is the name of the tree in messages: "linux 6.12.117".
func (s *Source) Name() string { return s.Project + " " + s.Version }

// WorkDir is the directory that belongs to this tree's base: the working tree
// is its "src", and builds keep their objects next to it. Only who holds the
// [Tree] of a [Source.Checkout] may write there.
func (s *Source) WorkDir() string { return s.work }

// ErrNoFile is wrapped by the error of [Source.Show] for a file that the tree lacks.
var ErrNoFile = errors.New("no such file in the tree")

// Show returns a file of the patched tree without a checkout.
func (s *Source) Show(ctx context.Context, name string) ([]byte, error) {
	commit, err := s.Commit(ctx)
	if err != nil {
		return nil, err
	}
	out, err := s.git().cmd("cat-file", "blob", commit+":"+name).Output(ctx)
	var exit *proc.Error
	switch {
	case errors.As(err, &exit) && exit.ExitCode == 128 && strings.Contains(exit.Stderr, "does not exist in"):
		return nil, fmt.Errorf("read %s of %s: %w", name, s.Name(), ErrNoFile)
	case err != nil:
		return nil, fmt.Errorf("read %s of %s: %w", name, s.Name(), err)
	}
	return out, nil
}

// Diff returns the changes of the patches in paths, as git diff with these options.
func (s *Source) Diff(ctx context.Context, options []string, paths ...string) ([]byte, error) {
	commit, err := s.Commit(ctx)
	if err != nil {
		return nil, err
	}
	args := append([]string{"diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv"}, options...)
	args = append(append(args, s.BaseCommit, commit, "--"), paths...)
	out, err := s.git().cmd(args...).Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("compare %s with its base: %w", s.Name(), err)
	}
	return out, nil
}

// Blame is where a line of the patched tree comes from.
type Blame struct {
	// Patch is an index into [Source.Patches], -1 for a line of the base.
	Patch int
	// Line is its number, from 1, in the file as that patch leaves it.
	Line int
}

// Blame returns where each line of a file of the patched tree comes from.
func (s *Source) Blame(ctx context.Context, file string) ([]Blame, error) {
	commit, err := s.Commit(ctx)
	if err != nil {
		return nil, err
	}
	step := fmt.Sprintf("find out which patches make %s", file)
	list, err := s.git().output(ctx, "rev-list", "--reverse", s.BaseCommit+".."+commit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	patches := map[string]int{}
	for i, c := range strings.Fields(list) {
		patches[c] = i
	}
	out, err := s.git().cmd("blame", "--porcelain", s.BaseCommit+".."+commit, "--", file).Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	var lines []Blame
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !isObjectID(fields[0]) || strings.HasPrefix(line, "\t") {
			continue
		}
		b := Blame{Patch: -1}
		if i, ok := patches[fields[0]]; ok {
			b.Patch = i
		}
		if b.Line, err = strconv.Atoi(fields[1]); err != nil {
			return nil, fmt.Errorf("%s: unexpected line from git blame: %q", step, line)
		}
		lines = append(lines, b)
	}
	return lines, nil
}

// Archive writes the patched tree as a tar stream to w, each name with prefix
// before it. No working tree is touched, and no lock is needed.
func (s *Source) Archive(ctx context.Context, w io.Writer, prefix string, paths ...string) error {
	commit, err := s.Commit(ctx)
	if err != nil {
		return err
	}
	c := s.git().cmd(append([]string{"archive", "--format=tar", "--prefix=" + prefix, commit, "--"}, paths...)...)
	c.Stdout = w
	if err := c.Run(ctx); err != nil {
		return fmt.Errorf("archive %s: %w", s.Name(), err)
	}
	return nil
}

func (s *Source) git() *git { return &git{dir: filepath.Join(s.dir, "git")} }
