// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import "xpsgen/vmtest/tree/manifest"

// Types of package manifest, for users of this package.
type (
	// Project is a git tree and the series of patches for it.
	Project = manifest.Project
	// Base is a tree to patch.
	Base = manifest.Base
	// Origin is one way to obtain a base.
	Origin = manifest.Origin
	// Patch is one patch file.
	Patch = manifest.Patch
	// Selection chooses series of a base's stack.
	Selection = manifest.Selection
	// ManifestError is a mistake in a manifest.
	ManifestError = manifest.Error
)

const (
	// ManifestName is the name of the manifest in a project's directory.
	ManifestName = manifest.Name
	// KindDeb is a Debian binary package that holds a source tarball.
	KindDeb = manifest.KindDeb
	// KindDebSrc is the upstream tarball of a Debian source package.
	KindDebSrc = manifest.KindDebSrc
	// KindGit is one commit of a git repository.
	KindGit = manifest.KindGit
)

// Load reads the manifest in dir and checks it against the patch files there.
// A mistake in it is a [*ManifestError].
func Load(dir string) (*Project, error) { return manifest.Load(dir) }
