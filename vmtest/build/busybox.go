// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"path/filepath"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// BusyBox returns a static BusyBox for another architecture, from a package of Debian that
// is unpacked in the cache.
func BusyBox(ctx context.Context, cacheDir string, a *arch.Arch, p progress.Func) (string, error) {
	packages := tree.Packages{Name: "busybox-" + a.Name, Suites: sysrootSuites, Names: []string{"busybox-static"}, Arch: a.Name,
		Cache: cacheDir, Progress: p}
	dir, err := packages.Unpack(ctx)
	if err != nil {
		return "", &BreakdownError{Step: "get a shell for " + a.Name, Err: err, Log: "none",
			Cause: "cannot get busybox-static", Remedy: "check the network and the sources of apt"}
	}
	return filepath.Join(dir, "bin", "busybox"), nil
}
