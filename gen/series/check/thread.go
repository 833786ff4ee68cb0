// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// CoverName is the file in a series' directory with the cover letter.
const CoverName = "cover.md"

// Thread is a series on one base. It becomes one mail thread.
type Thread struct {
	// Project, Series and Base identify it. Title, Version and Prefix are from the
	// manifest.
	Project, Series, Base string
	Title                 string
	Version               int
	Prefix                string
	Role                  manifest.Role
	// Build names the build rules of the project.
	Build manifest.Build
	// NoScripts says that the kernel's scripts do not apply to the project.
	NoScripts bool
	// Target is the tree that the thread is for. An empty name means any tree.
	Target manifest.Target
	// Stands are the series of the project that this one is based on.
	Stands []string
	// Origin is where the base came from. Commit is the public commit that the series
	// is based on, empty if there is none.
	Origin string
	Commit string
	// BaseCommit is the commit in the repository GitDir that the series is based on:
	// the base with the patches of Stands.
	BaseCommit string
	GitDir     string
	// Cover is the text of the cover letter, nil if there is none.
	Cover []byte
	// Patches in order.
	Patches []*Patch
	// ApplyErr says why the patches do not apply; nil if they do. If set, no patch
	// has commits.
	ApplyErr *tree.ApplyError

	repo *repo
	// scope are the patches whose files say what to compile; nil means Patches. An
	// altered thread compiles what the whole one does, so that it shares its builds.
	scope []*Patch
}

// Patch is one patch of a thread.
type Patch struct {
	// N counts from 1.
	N int
	// Key and File are from the manifest.
	Key, File string
	// Text is the file's content.
	Text string
	// Subject is the subject as written in the file.
	Subject string
	// Author and Email are those of the patch. Title is the subject without brackets,
	// Body the rest of the message.
	Author, Email, Title, Body string
	// Files are the changed files.
	Files []*File
	// Before and After are the commits before and after the patch, BeforeTree and
	// AfterTree their trees.
	Before, After         string
	BeforeTree, AfterTree string
}

// LoadOptions say which thread to load. Thread and Tree.Cache are required.
type LoadOptions struct {
	Thread manifest.Thread
	// Tree has a source directory of the user, and the cache.
	Tree tree.Options
}

// Name returns the thread's name in commands: "hook/net-next".
func (t *Thread) Name() string { return t.Series + "/" + t.Base }

// Load opens the base of a thread, and applies the series that it is based on and its
// patches. If they do not apply, Load sets [Thread.ApplyErr] and returns no error.
func Load(ctx context.Context, opt LoadOptions) (*Thread, error) {
	p, s, b := opt.Thread.Project, opt.Thread.Series, opt.Thread.Base
	o := opt.Tree
	o.Project, o.Base, o.Variant.Select = p, b.Name, tree.Selection{Only: []string{s.Key}}
	src, err := tree.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	t := &Thread{
		Project: p.Name, Series: s.Key, Base: b.Name, Title: s.Title, Version: s.Version, Prefix: s.Prefix, Role: b.Role,
		Build: p.Build, NoScripts: p.Scripts == manifest.NoScripts,
		Origin: src.Origin, BaseCommit: src.BaseCommit, GitDir: src.GitDir(),
		repo: &repo{gitDir: src.GitDir(), src: filepath.Join(o.Cache, "work", "series-"+p.Name+"-"+b.Name, "src")},
	}
	if target := p.Target(s.Target); target != nil {
		t.Target = *target
	}
	t.Cover, err = os.ReadFile(filepath.Join(p.Dir, s.Key, CoverName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read cover letter: %w", err)
	}
	below := 0
	for _, q := range src.Patches {
		if q.Series != s.Key {
			if below++; !slices.Contains(t.Stands, q.Series) {
				t.Stands = append(t.Stands, q.Series)
			}
			continue
		}
		data, err := os.ReadFile(q.Path)
		if err != nil {
			return nil, fmt.Errorf("read patch %s: %w", q.Key, err)
		}
		t.Patches = append(t.Patches, newPatch(len(t.Patches)+1, q, string(data)))
	}
	if t.Commit = b.Commit; t.Commit == "" && strings.HasPrefix(src.Origin, "git ") {
		t.Commit = src.BaseCommit
	}
	head, err := src.Commit(ctx)
	if errors.As(err, &t.ApplyErr) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	return t, t.findCommits(ctx, head, below)
}

// LoadBase opens the first base of a project without patches, to use its scripts.
func LoadBase(ctx context.Context, p *manifest.Project, o tree.Options) (*Thread, error) {
	b, err := p.Base("")
	if err != nil {
		return nil, err
	}
	o.Project, o.Base, o.Variant = p, b.Name, tree.Variant{Unpatched: true}
	src, err := tree.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Thread{Project: p.Name, Base: b.Name, Build: p.Build, Origin: src.Origin, BaseCommit: src.BaseCommit, GitDir: src.GitDir(),
		repo: &repo{gitDir: src.GitDir(), src: filepath.Join(o.Cache, "work", "series-"+p.Name+"-"+b.Name, "src")}}, nil
}

func newPatch(n int, p tree.Patch, text string) *Patch {
	q := &Patch{N: n, Key: p.Key, File: p.File, Text: text, Files: scanDiff(text)}
	q.Subject = header(text, "Subject")
	q.Title = strings.TrimSpace(brackets.ReplaceAllString(q.Subject, ""))
	if name, email, ok := strings.Cut(header(text, "From"), " <"); ok {
		q.Author, q.Email = strings.Trim(name, `"`), strings.TrimSuffix(email, ">")
	}
	return q
}

var brackets = lazyregexp.New(`^(\[[^\]]*\]\s*)+`)

// header returns an unfolded header of a patch file.
func header(text, name string) string {
	head, _, _ := strings.Cut(text, "\n\n")
	value, found := "", false
	for line := range strings.Lines(head) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case found && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")):
			value += " " + strings.TrimSpace(line)
		case found:
			return value
		case strings.HasPrefix(strings.ToLower(line), strings.ToLower(name)+": "):
			value, found = strings.TrimSpace(line[len(name)+2:]), true
		}
	}
	return value
}

// findCommits finds the commit of each patch. The first below commits belong to the series
// that this one depends on.
func (t *Thread) findCommits(ctx context.Context, head string, below int) error {
	out, err := t.repo.git(ctx, "log", "--reverse", "--format=%H%x00%T%x00%an%x00%ae%x00%s%x00%b%x01", t.BaseCommit+".."+head)
	if err != nil {
		return fmt.Errorf("list the commits of %s: %w", t.Name(), err)
	}
	records := strings.Split(strings.TrimSuffix(strings.TrimSpace(out), "\x01"), "\x01")
	if out == "" {
		records = nil
	}
	if len(records) != below+len(t.Patches) {
		return fmt.Errorf("list the commits of %s: %d commits of %d patches", t.Name(), len(records), below+len(t.Patches))
	}
	if below > 0 {
		t.BaseCommit, _, _ = strings.Cut(strings.TrimPrefix(records[below-1], "\n"), "\x00")
		records = records[below:]
	}
	before := t.BaseCommit
	beforeTree, err := t.repo.git(ctx, "rev-parse", before+"^{tree}")
	if err != nil {
		return err
	}
	for i, record := range records {
		f := strings.Split(strings.TrimPrefix(record, "\n"), "\x00")
		if len(f) != 6 {
			return fmt.Errorf("list the commits of %s: %q", t.Name(), record)
		}
		p := t.Patches[i]
		p.Before, p.BeforeTree, p.After, p.AfterTree = before, beforeTree, f[0], f[1]
		p.Author, p.Email, p.Title, p.Body = f[2], f[3], f[4], strings.TrimRight(f[5], "\n")
		before, beforeTree = f[0], f[1]
	}
	return nil
}

// Head returns the commit with all patches applied.
func (t *Thread) Head() string {
	if len(t.Patches) == 0 {
		return t.BaseCommit
	}
	return t.Patches[len(t.Patches)-1].After
}

// Trailers returns the values of a trailer in the patch's message.
func (p *Patch) Trailers(name string) (values []string) {
	prefix := strings.ToLower(name) + ":"
	for line := range strings.Lines(p.Body) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(strings.ToLower(line), prefix) {
			values = append(values, strings.TrimSpace(line[len(prefix):]))
		}
	}
	return values
}
