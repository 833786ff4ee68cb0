// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"context"

	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// cbmcPackages are CBMC and the libraries that it needs. They include the C
// library, since that of this machine may be older. Debian 12 has no CBMC that
// is new enough.
var cbmcPackages = tree.Packages{Name: "cbmc", Suites: []string{"trixie"},
	Names: []string{"cbmc", "minisat", "libc6", "libstdc++6", "libgcc-s1", "zlib1g"}}

// unpack returns a command of packages, unpacking them into the cache if needed.
func unpack(ctx context.Context, packages tree.Packages, program, cacheDir string, p progress.Func) (path string, err error) {
	packages.Cache, packages.Progress = cacheDir, p
	dir, err := packages.Unpack(ctx)
	if err != nil {
		return "", err
	}
	return tree.Wrapper(dir, program)
}
