// SPDX-License-Identifier: GPL-2.0-only OR MIT

package deps

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// Tool is a program that the workbench unpacks from Debian packages into the cache, with
// the libraries that it needs. The machine's own is not used: it may be too old.
type Tool struct {
	packages tree.Packages
	// program is its path in the packages.
	program string
}

// CBMC is the model checker of package prove. Debian 12 has no CBMC that is new enough.
func CBMC() *Tool {
	return &Tool{program: "usr/bin/cbmc", packages: tree.Packages{Name: "cbmc", Suites: []string{"trixie"},
		Names: []string{"cbmc", "minisat", "libc6", "libstdc++6", "libgcc-s1", "zlib1g"}}}
}

// Herd7 runs the litmus tests of package litmus. The memory model of 7.3 needs herd7 7.58
// or newer. Debian 13 and older have none.
func Herd7() *Tool {
	return &Tool{program: "usr/bin/herd7", packages: tree.Packages{Name: "herdtools7", Suites: []string{"forky", "sid"},
		Names: []string{"herdtools7", "libc6", "libgmp10"}}}
}

// remedy obtains missing tools.
const remedy = "xpsgen deps --for "

// Get unpacks the tool if the cache lacks it. It returns the command that runs it, and the
// directory of the packages. The error wraps [tree.ErrObtain] if no archive has it.
func (t *Tool) Get(ctx context.Context, cacheDir string, p progress.Func) (command, dir string, err error) {
	packages := t.packages
	packages.Cache, packages.Progress = cacheDir, p
	if dir, err = packages.Unpack(ctx); err != nil {
		return "", "", fmt.Errorf("%w (once an archive of Debian is configured and reachable: %s%s)", err, remedy, Prove)
	}
	command, err = tree.Wrapper(dir, t.program)
	return command, dir, err
}

// look reports whether the cache has the tool, and whether it runs.
func (t *Tool) look(ctx context.Context, cacheDir string, version []string) (found bool, detail string) {
	packages := t.packages
	packages.Cache = cacheDir
	dir, ok := packages.Unpacked()
	if !ok {
		return false, "not in the cache"
	}
	command, err := tree.Wrapper(dir, t.program)
	if err != nil {
		return false, err.Error()
	}
	out, err := (&proc.Cmd{Args: append([]string{command}, version...)}).Output(ctx)
	if err != nil {
		return false, fmt.Sprintf("%s does not run: %v", filepath.Base(t.program), err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return true, strings.TrimSpace(line)
}
