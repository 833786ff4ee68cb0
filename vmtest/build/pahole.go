// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// minPahole is the oldest pahole that Documentation/process/changes.rst of 7.3 allows,
// times 100. Older ones write BTF without the kernel's function tags.
const minPahole = 126

// paholePackages are pahole and the libraries that it needs. They include the C
// library, since that of this machine may be older.
var paholePackages = []string{"pahole", "libbpf1", "libc6", "libdw1t64", "libelf1t64", "zlib1g", "libzstd1", "liblzma5", "libbz2-1.0"}

// paholeSuites are the suites with these packages. In later suites pahole needs
// others.
var paholeSuites = []string{"trixie"}

// pahole is the program that turns debug information into BTF.
type pahole struct {
	path, version string
}

// needsPahole reports whether a configuration has BTF.
func needsPahole(want []config.Symbol) bool { return enabled(want, "CONFIG_DEBUG_INFO_BTF") }

// enabled reports whether a symbol is requested to be built in.
func enabled(want []config.Symbol, name string) bool {
	return slices.ContainsFunc(want, func(s config.Symbol) bool { return s.Name == name && s.Value == "y" })
}

// findPahole returns this machine's pahole if it is new enough. If not, it unpacks that
// of a later Debian into the cache.
func findPahole(ctx context.Context, step, cacheDir string, p progress.Func) (*pahole, error) {
	own := "not installed"
	if path, err := exec.LookPath("pahole"); err == nil {
		version, err := paholeVersion(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step, err)
		}
		if paholeNumber(version) >= minPahole {
			return &pahole{path: path, version: version}, nil
		}
		own = version
	}
	packages := tree.Packages{Name: "pahole", Suites: paholeSuites, Names: paholePackages, Cache: cacheDir, Progress: p}
	dir, err := packages.Unpack(ctx)
	if err != nil {
		return nil, &BreakdownError{Step: step, Err: err, Log: "none",
			Cause:  fmt.Sprintf("BTF needs pahole 1.26 or newer; this machine's: %s", own),
			Remedy: "install one"}
	}
	path, err := tree.Wrapper(dir, "usr/bin/pahole")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	version, err := paholeVersion(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return &pahole{path: path, version: version}, nil
}

func paholeVersion(ctx context.Context, path string) (string, error) {
	out, err := (&proc.Cmd{Args: []string{path, "--version"}, Env: buildEnv()}).Output(ctx)
	return strings.TrimSpace(string(out)), err
}

var paholePattern = lazyregexp.New(`^v?(\d+)\.(\d+)`)

// paholeNumber is a version as scripts/pahole-version.sh counts: v1.26 is 126.
func paholeNumber(version string) int {
	m := paholePattern.FindStringSubmatch(version)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1] + m[2])
	if err != nil {
		return 0
	}
	return n
}
