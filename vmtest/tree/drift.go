// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// maxSuccessors bounds how many successors of a package are downloaded to see
// whether the patches apply.
const maxSuccessors = 3

// DriftError says that the suites have only sources that the patches do not
// apply to. Rebase the series onto one of them, or get the old source from
// elsewhere.
type DriftError struct {
	// Package is the requested package. MadeOn is the version that the patches were
	// based on, empty if the package's name contains it.
	Package, MadeOn string
	// Tried are the sources that are available instead, the newest first, with
	// the patch that does not apply to each.
	Tried []Drift
}

// Drift is a source that patches no longer apply to.
type Drift struct {
	// Source is the package and its version.
	Source string
	// Err says which patch, and where.
	Err *ApplyError
}

func (e *DriftError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the suites have no %s, and no other source that the patches apply to", strings.TrimSpace(e.Package+" "+e.MadeOn))
	for _, d := range e.Tried {
		fmt.Fprintf(&b, "\n  %s: %v", d.Source, d.Err)
	}
	return b.String()
}

// fromSuites obtains the package that o names. If the suites no longer have it,
// fromSuites obtains the newest successor to which the patches apply.
func (f *fetcher) fromSuites(ctx context.Context, o *Origin) (*obtained, error) {
	a := &apt{dir: filepath.Join(f.opt.Cache, "apt"), step: f.step, p: f.opt.Progress}
	drift := &DriftError{Package: o.Package, MadeOn: o.MadeOn}
	if drift.MadeOn == "" {
		drift.MadeOn = o.Version
	}
	got, err := f.fromPackage(ctx, a, o)
	if err == nil {
		if ok, _ := path.Match(o.MadeOn, got.packaged); ok || o.MadeOn == "" {
			return got, nil
		}
		err = f.try(ctx, got, drift)
		if err == nil {
			return got, nil
		}
	}
	if ctx.Err() != nil || cache.DiskFull(err) || o.Successors == "" {
		return nil, err
	}
	first := err
	others, err := a.successors(ctx, o)
	if err != nil {
		return nil, errors.Join(first, err)
	}
	for _, other := range others[:min(len(others), maxSuccessors)] {
		got, err := f.fromPackage(ctx, a, &other)
		if err == nil {
			err = f.try(ctx, got, drift)
		}
		if err == nil || ctx.Err() != nil || cache.DiskFull(err) {
			return got, err
		}
		if !errors.As(err, new(*DriftError)) {
			first = errors.Join(first, err)
		}
	}
	if len(drift.Tried) > 0 {
		return nil, drift
	}
	return nil, first
}

// try checks whether the patches apply to the obtained source. If they do, it emits a
// notice that this source is used. If not, it adds the source to drift and returns drift.
func (f *fetcher) try(ctx context.Context, got *obtained, drift *DriftError) error {
	s := &Source{Project: f.project, Base: f.base, Version: got.Version, Origin: got.Origin,
		BaseCommit: got.Commit, opt: Options{Project: f.opt.Project, Cache: f.opt.Cache}, dir: got.dir}
	if err := s.readPatches(f.of); err != nil {
		return err
	}
	s.key = s.makeKey()
	_, err := s.Commit(ctx)
	var apply *ApplyError
	if errors.As(err, &apply) {
		drift.Tried = append(drift.Tried, Drift{Source: got.Origin, Err: apply})
		return drift
	}
	if err != nil {
		return err
	}
	wanted := strings.TrimSpace(drift.Package + " " + drift.MadeOn)
	f.opt.Progress.Emit(progress.Event{Step: f.step, State: progress.Notice,
		Text: fmt.Sprintf("%s is no longer available; using %s, to which the patches apply", wanted, got.Origin)})
	return nil
}

// successors returns the packages and versions in all suites that can replace
// o, the newest first.
func (a *apt) successors(ctx context.Context, o *Origin) ([]Origin, error) {
	attempts, _, err := a.attempts(ctx, o)
	if err != nil {
		return nil, err
	}
	var all []Origin
	for _, entries := range attempts {
		some, err := a.successorsIn(ctx, entries, o)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(x, y Origin) int { return compareVersions(y.Version, x.Version) })
	return slices.CompactFunc(all, func(x, y Origin) bool { return x.ID() == y.ID() }), nil
}

func (a *apt) successorsIn(ctx context.Context, entries []aptSource, o *Origin) ([]Origin, error) {
	st := a.state(entries, string(o.Kind))
	lock, err := cache.Acquire(ctx, filepath.Join(st.dir, "xpsgen.lock"), a.step, a.p)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if err := a.update(ctx, st, entries); err != nil {
		return nil, err
	}
	names := []string{o.Successors}
	if prefix, _, pattern := strings.Cut(o.Successors, "*"); pattern {
		out, err := st.cache(ctx, "pkgnames", prefix)
		if err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(strings.Fields(out), func(n string) bool {
			ok, _ := path.Match(o.Successors, n)
			return !ok
		})
	}
	var found []Origin
	for _, name := range names {
		other := *o
		other.Package, other.Version, other.MadeOn, other.Successors = name, "*", "", ""
		out, err := st.cache(ctx, "madison", name)
		if err != nil {
			return nil, err
		}
		if other.Version = matchVersion(out, &other); other.Version != "" {
			found = append(found, other)
		}
	}
	return found, nil
}

// cache asks apt-cache.
func (st *aptState) cache(ctx context.Context, args ...string) (string, error) {
	c := &proc.Cmd{Args: append([]string{"apt-cache", "-c", st.conf}, args...), Env: cleanEnv()}
	out, err := c.Output(ctx)
	return string(out), err
}
