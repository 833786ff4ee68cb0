// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// Packages is a set of Debian binary packages to unpack without installing them. It is
// for programs that the machine lacks or has in a version that is too old. Name, Suites,
// Names and Cache are required.
type Packages struct {
	// Name names the set in the cache and in messages.
	Name string
	// Suites are tried in order. All packages come from the same suite.
	Suites []string
	// Names are the packages. Their dependencies are not added.
	Names []string
	// Follow also unpacks the first dependency of the first package, which is then a
	// metapackage: that of the newest kernel, for instance.
	Follow bool
	// Arch is Debian's name of the architecture of the packages. Empty means that of the
	// machine.
	Arch string
	// Cache is the cache directory. Progress receives events.
	Cache    string
	Progress progress.Func
}

// packagesRecord lists the unpacked packages with their versions.
const packagesRecord = "packages.txt"

// followed begins the line of a package that another one depends on.
const followed = "+"

// Unpack returns the directory that holds the unpacked packages, from the cache if it
// has them. Nothing of the system is changed. The error wraps [ErrObtain] if no suite
// has all of them.
func (p *Packages) Unpack(ctx context.Context) (dir string, err error) {
	dir, ok := p.Unpacked()
	if ok {
		return dir, nil
	}
	step := "fetch " + p.Name
	lock, err := cache.Acquire(ctx, filepath.Join(p.Cache, "lock", "packages-"+p.Name), step, p.Progress)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if p.complete(dir) { // the run that this one waited for has unpacked them
		return dir, nil
	}
	defer p.Progress.Step(step, strings.Join(p.Names, " "))(&err)
	a := &apt{dir: filepath.Join(p.Cache, "apt"), step: step, p: p.Progress, arch: p.Arch}
	have, err := a.machineSources(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w: %w", step, ErrObtain, err)
	}
	var errs []error
	for _, suite := range p.Suites {
		entries := forSuite(have, suite)
		if entries == nil {
			errs = append(errs, fmt.Errorf("%s: no archive of Debian is configured", suite))
			continue
		}
		err := cache.Publish(dir, func(tmp string) error { return p.fill(ctx, a, entries, tmp) })
		if err == nil {
			return dir, nil
		}
		if ctx.Err() != nil || cache.DiskFull(err) {
			return "", fmt.Errorf("%s: %w", step, err)
		}
		errs = append(errs, fmt.Errorf("%s: %w", suite, err))
	}
	return "", fmt.Errorf("%s: %w: %w", step, ErrObtain, errors.Join(errs...))
}

// UnpackedVersions returns the packages in a directory of [Packages.Unpack], one per line
// with its version.
func UnpackedVersions(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, packagesRecord))
	return string(data), err
}

// Unpacked returns the directory of the packages if the cache has them. It obtains nothing.
func (p *Packages) Unpacked() (dir string, ok bool) {
	dir = filepath.Join(p.Cache, "packages", p.Name)
	return dir, p.complete(dir)
}

// complete reports whether dir has the packages that p names.
func (p *Packages) complete(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, packagesRecord))
	if err != nil {
		return false
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(name, followed) {
			names = append(names, name)
		}
	}
	return slices.Equal(names, p.Names)
}

// fill downloads the packages and unpacks them into dir.
func (p *Packages) fill(ctx context.Context, a *apt, entries []aptSource, dir string) error {
	debs, err := os.MkdirTemp(filepath.Dir(dir), ".tmp-debs-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(debs)
	var record strings.Builder
	for i, name := range p.Names {
		d, err := p.unpack(ctx, a, entries, name, debs, dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(&record, "%s %s\n", name, d.Version)
		if !p.Follow || i > 0 {
			continue
		}
		next, err := firstDependency(ctx, d.path())
		if err != nil {
			return err
		}
		if d, err = p.unpack(ctx, a, entries, next, debs, dir); err != nil {
			return err
		}
		fmt.Fprintf(&record, "%s%s %s\n", followed, next, d.Version)
	}
	return os.WriteFile(filepath.Join(dir, packagesRecord), []byte(record.String()), 0o644)
}

// unpack downloads a package into debs and unpacks it into dir.
func (p *Packages) unpack(ctx context.Context, a *apt, entries []aptSource, name, debs, dir string) (*download, error) {
	d, err := a.fetchFrom(ctx, entries, &Origin{Kind: KindDeb, Package: name}, debs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d.dir = debs
	if err := d.verify(); err != nil {
		return nil, fmt.Errorf("%s: downloaded file is damaged: %w", name, err)
	}
	if err := (&proc.Cmd{Args: []string{"dpkg-deb", "-x", d.path(), dir}, Env: cleanEnv()}).Run(ctx); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", d.File, err)
	}
	return d, nil
}

// firstDependency reads the name of the first package that a package depends on.
func firstDependency(ctx context.Context, deb string) (string, error) {
	out, err := (&proc.Cmd{Args: []string{"dpkg-deb", "-f", deb, "Depends"}, Env: cleanEnv()}).Output(ctx)
	if err != nil {
		return "", fmt.Errorf("read the dependencies of %s: %w", filepath.Base(deb), err)
	}
	fields := strings.FieldsFunc(string(out), func(r rune) bool { return strings.ContainsRune(" ,|(\n", r) })
	if len(fields) == 0 {
		return "", fmt.Errorf("%s depends on nothing", filepath.Base(deb))
	}
	return fields[0], nil
}
