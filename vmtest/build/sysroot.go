// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// sysrootPackages are the static libraries of ip and bpftool, and their headers.
var sysrootPackages = []string{"libbpf-dev", "libelf-dev", "zlib1g-dev", "libmnl-dev", "libcap-dev"}

// sysrootSuites are the suites with these packages. In later suites libelf.a
// needs another library.
var sysrootSuites = []string{"bookworm"}

// sysroot has the libraries of another architecture, from packages of Debian
// that are unpacked in the cache. Programs are linked statically with them,
// since the host has no shared libraries for such a guest.
type sysroot struct {
	dir  string
	arch *arch.Arch
	// versions has one line per package.
	versions string
}

// openSysroot unpacks the packages unless they are in the cache.
func openSysroot(ctx context.Context, step, cacheDir string, a *arch.Arch, p progress.Func) (*sysroot, error) {
	packages := tree.Packages{Name: "libraries-" + a.Name, Suites: sysrootSuites, Names: sysrootPackages, Arch: a.Name,
		Cache: cacheDir, Progress: p}
	dir, err := packages.Unpack(ctx)
	if err != nil {
		return nil, &BreakdownError{Step: step, Err: err, Log: "none",
			Cause: "cannot get the libraries of " + a.Name, Remedy: "check the network and the sources of apt"}
	}
	versions, err := tree.UnpackedVersions(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return &sysroot{dir: dir, arch: a, versions: versions}, nil
}

// libs are the packages for a record.
func (s *sysroot) libs() []string { return strings.Split(strings.TrimSpace(s.versions), "\n") }

func (s *sysroot) include() string { return filepath.Join(s.dir, "usr", "include") }
func (s *sysroot) lib() string     { return filepath.Join(s.dir, "usr", "lib", s.arch.Triplet) }

// compile are the flags to find the headers, link those to find the libraries.
func (s *sysroot) compile() string {
	// Some headers are in the directory of the architecture.
	return "-isystem " + s.include() + " -isystem " + filepath.Join(s.include(), s.arch.Triplet)
}

func (s *sysroot) link() string { return "-static -L" + s.lib() }

// env makes pkg-config find only the libraries of s.
func (s *sysroot) env() []string {
	return []string{
		"PKG_CONFIG=pkg-config --static",
		"PKG_CONFIG_LIBDIR=" + filepath.Join(s.lib(), "pkgconfig"),
		"PKG_CONFIG_SYSROOT_DIR=" + s.dir,
		"PKG_CONFIG_PATH=",
	}
}
