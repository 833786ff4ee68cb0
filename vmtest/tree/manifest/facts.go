// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Build names the rules by which a project is compiled and checked.
type Build string

const (
	// BuildNone: nothing of the project is compiled.
	BuildNone Build = ""
	// BuildKbuild: a kernel tree.
	BuildKbuild Build = "kbuild"
	// BuildIPRoute2: configure and make, as iproute2 has them.
	BuildIPRoute2 Build = "iproute2"
)

// Guest is the part of a project that a guest contains.
type Guest string

const (
	// GuestNone: nothing.
	GuestNone Guest = ""
	// GuestKernel: the kernel that boots, and its tools.
	GuestKernel Guest = "kernel"
	// GuestIP: the command ip.
	GuestIP Guest = "ip"
)

// Facts describe a project's tree to the workbench. All but Name
// may be empty.
type Facts struct {
	// Name is the project's name: "linux".
	Name string `toml:"name"`
	// Build names the rules to compile and check it.
	Build Build `toml:"build"`
	// Guest is the part of it that a guest contains. Each part has one project at
	// most.
	Guest Guest `toml:"guest"`
	// Variable is the variable that names the user's source directory, for advice
	// only: "KERNEL".
	Variable string `toml:"variable"`
	// Mark is a file that each source directory of the project has.
	Mark string `toml:"mark"`
	// VersionFile is the file that has the version. VersionPattern is the expression
	// whose groups are its parts.
	VersionFile    string `toml:"version-file"`
	VersionPattern string `toml:"version-pattern"`
	// SpaceMiB is the approximate disk space of a base: download, git's copy,
	// and working tree.
	SpaceMiB int64 `toml:"space-mib"`
	// Scripts names the project whose tree has checkpatch.pl and
	// get_maintainer.pl. Empty means the project itself, [NoScripts] that the
	// checks by these scripts are not for the project.
	Scripts string `toml:"scripts"`
}

// NoScripts is the value of [Facts.Scripts] for a project to which the kernel's
// scripts do not apply.
const NoScripts = "none"

func (f *Facts) check() (key string, err error) {
	switch {
	case !isName(f.Name):
		return "project.name", fmt.Errorf("project name %q: %s", f.Name, nameRule)
	case f.Build != BuildNone && f.Build != BuildKbuild && f.Build != BuildIPRoute2:
		return "project.build", fmt.Errorf("build %q: want %s, %s or nothing", f.Build, BuildKbuild, BuildIPRoute2)
	case f.Guest != GuestNone && f.Guest != GuestKernel && f.Guest != GuestIP:
		return "project.guest", fmt.Errorf("guest %q: want %s, %s or nothing", f.Guest, GuestKernel, GuestIP)
	case f.Guest == GuestKernel && f.Build != BuildKbuild:
		return "project.guest", fmt.Errorf("guest %q needs build = %q", f.Guest, BuildKbuild)
	case f.Guest == GuestIP && f.Build != BuildIPRoute2:
		return "project.guest", fmt.Errorf("guest %q needs build = %q", f.Guest, BuildIPRoute2)
	case f.SpaceMiB < 0:
		return "project.space-mib", fmt.Errorf("space-mib %d", f.SpaceMiB)
	}
	for _, l := range []struct{ key, path string }{{"project.mark", f.Mark}, {"project.version-file", f.VersionFile}} {
		if l.path != "" && !filepath.IsLocal(l.path) {
			return l.key, fmt.Errorf("%q: want the path of a file in the tree", l.path)
		}
	}
	if _, err := regexp.Compile(f.VersionPattern); err != nil {
		return "project.version-pattern", fmt.Errorf("version-pattern: %v", err)
	}
	return "", nil
}

// CheckDir fails if dir is not a source directory of the project.
func (f *Facts) CheckDir(dir string) error {
	mark := f.Mark
	if mark == "" {
		mark = "."
	}
	if _, err := os.Stat(filepath.Join(dir, mark)); err != nil {
		return fmt.Errorf("%s is not a %s source directory: no %s in it", dir, f.Name, mark)
	}
	return nil
}

// VersionIn reads the version from a source directory. Without one it returns the
// directory's name.
func (f *Facts) VersionIn(dir string) string {
	re, err := regexp.Compile(f.VersionPattern)
	if err != nil || f.VersionFile == "" || f.VersionPattern == "" {
		return filepath.Base(dir)
	}
	data, err := os.ReadFile(filepath.Join(dir, f.VersionFile))
	if err != nil {
		return filepath.Base(dir)
	}
	v := ""
	if m := re.FindSubmatch(data); m != nil {
		for _, part := range m[1:] {
			if v != "" && len(part) > 0 && part[0] >= '0' && part[0] <= '9' {
				v += "."
			}
			v += string(part)
		}
	}
	if v == "" {
		return filepath.Base(dir)
	}
	return v
}

// Space is the disk space of a base, in bytes.
func (f *Facts) Space() int64 { return f.SpaceMiB << 20 }

// SourceVariable is the variable that names the user's source directory.
func (f *Facts) SourceVariable() string {
	if f.Variable != "" {
		return f.Variable
	}
	return strings.ToUpper(f.Name)
}
