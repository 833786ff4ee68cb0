// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"crypto/sha256"
	"fmt"
	"path"
	"strings"
)

// Kind says how a [Origin] is obtained.
type Kind string

const (
	// KindDeb is a Debian binary package that holds a source tarball.
	KindDeb Kind = "deb"
	// KindDebSrc is the upstream tarball of a Debian source package.
	KindDebSrc Kind = "deb-src"
	// KindGit is one commit of a git repository.
	KindGit Kind = "git"
)

// Origin is one way to obtain a base.
type Origin struct {
	Kind Kind `toml:"kind"`
	// Package is the package's name, for KindDeb and KindDebSrc.
	Package string `toml:"package"`
	// Version restricts the package's version; "*" matches any text. Empty means the
	// version that apt prefers.
	Version string `toml:"version"`
	// Suites are looked in, in order, when the machine's own apt sources do
	// not have the package. The mirror is the one the machine uses.
	Suites []string `toml:"suites"`
	// MadeOn is the package's version that the patches are based on, with "*"
	// as in Version; empty means any. If a suite has another version, that is
	// used if the patches apply to it.
	MadeOn string `toml:"made_on"`
	// Successors is a pattern of names of packages to use when no suite has
	// this package, or this version of it.
	Successors string `toml:"successors"`
	// URL and Ref (a tag, or better a commit) are for KindGit.
	URL string `toml:"url"`
	Ref string `toml:"ref"`
}

// ID identifies the requested source. The suites to search are not part of it.
func (o *Origin) ID() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(o.Kind), o.Package, o.Version, o.URL, o.Ref}, "\x00")))
	return fmt.Sprintf("%x", sum[:6])
}

func (o *Origin) String() string {
	if o.Kind == KindGit {
		return fmt.Sprintf("git %s %s", o.URL, o.Ref)
	}
	return fmt.Sprintf("%s %s", o.Kind, o.Package)
}

func (o *Origin) check() error {
	switch o.Kind {
	case KindDeb, KindDebSrc:
		if o.Package == "" || o.URL != "" || o.Ref != "" {
			return fmt.Errorf("kind %q needs package, and excludes url and ref", o.Kind)
		}
		if strings.HasPrefix(o.Package, "-") {
			return fmt.Errorf("package %q: must not begin with -", o.Package)
		}
		for key, pattern := range map[string]string{"version": o.Version, "made_on": o.MadeOn, "successors": o.Successors} {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Errorf("%s %q: %v", key, pattern, err)
			}
		}
		if first, _, _ := strings.Cut(o.Successors, "*"); o.Successors != "" && (first == "" || first[0] == '-') {
			return fmt.Errorf("successors %q: want a prefix of package names", o.Successors)
		}
	case KindGit:
		if o.URL == "" || o.Ref == "" || o.Package != "" || o.Version != "" || o.MadeOn != "" || o.Successors != "" || len(o.Suites) > 0 {
			return fmt.Errorf("kind %q needs url and ref, and excludes all other keys", o.Kind)
		}
		if strings.HasPrefix(o.URL, "-") || strings.HasPrefix(o.Ref, "-") {
			return fmt.Errorf("url %q, ref %q: must not begin with -", o.URL, o.Ref)
		}
	default:
		return fmt.Errorf("kind %q: want %s, %s or %s", o.Kind, KindDeb, KindDebSrc, KindGit)
	}
	return nil
}
