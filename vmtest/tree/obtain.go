// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// ErrObtain is wrapped by errors about a base that could not be obtained: no
// network, no such package, a damaged download.
var ErrObtain = errors.New("source not available")

// obtained is a base in the cache.
type obtained struct {
	// Source is the origin in the manifest.
	Source Origin `json:"source"`
	// Version and Origin are for people.
	Version string `json:"version"`
	Origin  string `json:"origin"`
	// Dir is the base's directory, relative to the cache's base/.
	Dir string `json:"dir"`
	// Commit is the base in the repository in Dir.
	Commit string `json:"commit"`

	dir string
	// packaged is the package's version.
	packaged string
}

// obtain finds the base b in the cache, or else gets it from the first of its
// origins that works.
func obtain(ctx context.Context, opt *Options, b *Base) (*obtained, error) {
	project := opt.Project.Name
	name := project + "-" + b.Name
	pointer := filepath.Join(opt.Cache, "base", name+".json")
	if got := readPointer(opt.Cache, pointer, b); got != nil {
		return got, nil
	}
	step := "fetch " + project + " " + b.Name
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "base-"+name), step, opt.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	// Another run may have done it while this one waited.
	if got := readPointer(opt.Cache, pointer, b); got != nil {
		return got, nil
	}
	f := &fetcher{opt: opt, project: project, of: b, base: b.Name, step: step}
	got, err := f.fetch(ctx, b.Origins)
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(got, "", "\t")
	if err != nil {
		return nil, err
	}
	if err := cache.WriteFile(pointer, append(data, '\n'), 0o644); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return got, nil
}

// readPointer returns the base that pointer names, if it exists and comes from
// an origin in the current manifest. Otherwise it returns nil, and the base is
// downloaded again.
func readPointer(cacheDir, pointer string, b *Base) *obtained {
	data, err := os.ReadFile(pointer)
	if err != nil {
		return nil
	}
	var got obtained
	if json.Unmarshal(data, &got) != nil || got.Dir != filepath.Base(got.Dir) || !isObjectID(got.Commit) {
		return nil
	}
	got.dir = filepath.Join(cacheDir, "base", got.Dir)
	if _, err := os.Stat(filepath.Join(got.dir, "git", "HEAD")); err != nil {
		return nil
	}
	for i := range b.Origins {
		if b.Origins[i].ID() == got.Source.ID() {
			return &got
		}
	}
	return nil
}

type fetcher struct {
	opt                 *Options
	of                  *Base
	project, base, step string
}

// fetch tries the origins in turn.
func (f *fetcher) fetch(ctx context.Context, origins []Origin) (got *obtained, err error) {
	defer f.opt.Progress.Step(f.step, origins[0].String())(&err)
	var errs []error
	for i := range origins {
		o := &origins[i]
		if i > 0 {
			f.opt.Progress.Emit(progress.Event{Step: f.step, State: progress.Notice,
				Text: fmt.Sprintf("%v; trying %s", errs[i-1], o)})
		}
		if o.Kind == KindGit {
			got, err = f.fromGit(ctx, o)
		} else {
			got, err = f.fromSuites(ctx, o)
		}
		if err == nil {
			got.Source = *o
			return got, nil
		}
		if ctx.Err() != nil || cache.DiskFull(err) {
			return nil, fmt.Errorf("%s: %w", f.step, cache.Explain(err, f.opt.Cache, f.opt.Project.Space()))
		}
		errs = append(errs, fmt.Errorf("%s: %w", o, err))
	}
	var drift *DriftError
	if errors.As(errors.Join(errs...), &drift) {
		return nil, fmt.Errorf("%s: %w: %w\nRebase the series onto a present version (xpsgen series rebase), "+
			"or name your own source directory (%s=DIR)", f.step, ErrObtain, errors.Join(errs...), f.opt.Project.SourceVariable())
	}
	return nil, fmt.Errorf("%s: %w: %w\nThe source is not in the cache and could not be fetched. "+
		"Connect to the network and run again, or name your own source directory (%s=DIR)",
		f.step, ErrObtain, errors.Join(errs...), f.opt.Project.SourceVariable())
}

func (f *fetcher) fromPackage(ctx context.Context, a *apt, o *Origin) (*obtained, error) {
	dl := filepath.Join(f.opt.Cache, "download", f.project+"-"+f.base+"-"+o.ID())
	d, err := obtainDownload(ctx, dl, f.step, f.opt.Progress, func(ctx context.Context, dir string) (*download, error) {
		return a.fetch(ctx, o, dir)
	})
	if err != nil {
		return nil, err
	}
	got := &obtained{Version: upstream(d.Version), Origin: fmt.Sprintf("%s %s", o, d.Version), packaged: d.Version}
	err = f.publish(ctx, got, d.SHA256, func(g *git) (err error) {
		message := fmt.Sprintf("%s\n\nSha256: %s\n", d.File, d.SHA256)
		return withTarball(ctx, d.path(), func(r io.Reader) error {
			got.Commit, err = importTar(ctx, g, r, message, importProgress(f.opt.Progress, f.step))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

// upstream is a Debian version without Debian's revision: what the kernel
// itself says it is.
func upstream(version string) string {
	if i := strings.LastIndexByte(version, '-'); i > 0 {
		version = version[:i]
	}
	if _, v, ok := strings.Cut(version, ":"); ok {
		version = v
	}
	return version
}

// fromGit fetches one commit, with the user's own configuration since a proxy
// or a mirror may be in it.
func (f *fetcher) fromGit(ctx context.Context, o *Origin) (*obtained, error) {
	got := &obtained{Version: strings.TrimPrefix(o.Ref, "v"), Origin: o.String()}
	err := f.publish(ctx, got, o.ID(), func(g *git) (err error) {
		c := &proc.Cmd{
			Args: []string{"git", "--git-dir=" + g.dir, "fetch", "-q", "--no-tags", "--depth=1", o.URL, o.Ref},
			Env:  cleanEnv(),
		}
		if err := c.Run(ctx); err != nil {
			return err
		}
		if got.Commit, err = g.output(ctx, "rev-parse", "--verify", "FETCH_HEAD^{commit}"); err != nil {
			return err
		}
		if isObjectID(o.Ref) && got.Commit != o.Ref {
			return fmt.Errorf("got commit %s", got.Commit)
		}
		return g.run(ctx, "update-ref", "refs/heads/base", got.Commit)
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

// publish creates the base's directory in the cache, unless it exists. fill
// writes the source into its repository.
func (f *fetcher) publish(ctx context.Context, got *obtained, hash string, fill func(g *git) error) error {
	got.Dir = fmt.Sprintf("%s-%s-%.12s", f.project, fileName(got.Version), hash)
	got.dir = filepath.Join(f.opt.Cache, "base", got.Dir)
	record := filepath.Join(got.dir, "commit")
	if data, err := os.ReadFile(record); err == nil && isObjectID(strings.TrimSpace(string(data))) {
		got.Commit = strings.TrimSpace(string(data))
		return nil
	}
	return cache.Publish(got.dir, func(tmp string) error {
		g, err := initBare(ctx, filepath.Join(tmp, "git"))
		if err != nil {
			return err
		}
		if err := fill(g); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, "commit"), []byte(got.Commit+"\n"), 0o644)
	})
}

// fileName makes s fit to be part of a file name.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("/~:+ ", r) {
			return '-'
		}
		return r
	}, s)
}
