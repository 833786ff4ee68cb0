// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// target has the names of an architecture of Go in other projects.
type target struct {
	kernel string
	triple string // for clang's --target
	// debian are the names of Debian's directories, and the prefixes of its
	// cross compilers, best first.
	debian []string
}

// targets are all architectures for Linux that Go and the kernel share.
var targets = map[string]target{
	"386":      {"x86", "i386-linux-gnu", []string{"i386-linux-gnu", "i686-linux-gnu"}},
	"amd64":    {"x86", "x86_64-linux-gnu", []string{"x86_64-linux-gnu"}},
	"arm":      {"arm", "arm-linux-gnueabihf", []string{"arm-linux-gnueabihf", "arm-linux-gnueabi"}},
	"arm64":    {"arm64", "aarch64-linux-gnu", []string{"aarch64-linux-gnu"}},
	"loong64":  {"loongarch", "loongarch64-linux-gnu", []string{"loongarch64-linux-gnu"}},
	"mips":     {"mips", "mips-linux-gnu", []string{"mips-linux-gnu"}},
	"mipsle":   {"mips", "mipsel-linux-gnu", []string{"mipsel-linux-gnu"}},
	"mips64":   {"mips", "mips64-linux-gnuabi64", []string{"mips64-linux-gnuabi64"}},
	"mips64le": {"mips", "mips64el-linux-gnuabi64", []string{"mips64el-linux-gnuabi64"}},
	"ppc64":    {"powerpc", "powerpc64-linux-gnu", []string{"powerpc64-linux-gnu"}},
	"ppc64le":  {"powerpc", "powerpc64le-linux-gnu", []string{"powerpc64le-linux-gnu"}},
	"riscv64":  {"riscv", "riscv64-linux-gnu", []string{"riscv64-linux-gnu"}},
	"s390x":    {"s390", "s390x-linux-gnu", []string{"s390x-linux-gnu"}},
}

// Arches returns the targets that [SourceOptions] and [Config] may name.
func Arches() []string { return sortedKeys(targets) }

// KernelArch returns the kernel's name of a GOARCH, or "".
func KernelArch(arch string) string { return targets[arch].kernel }

// HostArch returns the default target: this machine's, or amd64 if the tool does not know
// this machine.
func HostArch() string {
	if _, ok := targets[runtime.GOARCH]; ok {
		return runtime.GOARCH
	}
	return "amd64"
}

// isTriplet reports whether Debian keeps the headers of some target in a
// directory of this name.
func isTriplet(name string) bool {
	for _, t := range targets {
		if slices.Contains(t.debian, name) {
			return true
		}
	}
	return false
}

// maxAlignOf returns the largest alignment that Go uses on a target.
func maxAlignOf(arch string) int64 {
	switch arch {
	case "386", "arm", "mips", "mipsle":
		return 4
	}
	return 8
}

// CompilerFor returns a compiler for a target, as in GOARCH, with the options that
// select the target: --target for clang, a flag of gcc for the other word size of the same
// machine. An empty command means gcc for the machine's own architecture. For others it
// means clang, or Debian's cross compiler if no clang supports the target. If gcc needs a
// cross compiler that is not installed, the error wraps [ErrNoCompiler].
func CompilerFor(command, arch string) (*Compiler, error) {
	t, ok := targets[arch]
	if !ok {
		return nil, fmt.Errorf("uapi: unknown architecture %q", arch)
	}
	if command == "" {
		command = defaultCompiler(arch, t)
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, fmt.Errorf("%w: %q names none", ErrNoCompiler, command)
	}
	name := filepath.Base(words[0])
	switch {
	case strings.HasPrefix(name, "clang"):
		if arch != runtime.GOARCH && !strings.Contains(command, "-target") {
			command += " --target=" + t.triple
		}
	case name == "gcc" && len(words) == 1 && arch != runtime.GOARCH:
		if runtime.GOARCH == "amd64" && arch == "386" {
			command += " -m32"
			break
		}
		cross := crossGCC(t)
		if cross == "" {
			return nil, fmt.Errorf("%w: gcc compiles for %s, not for %s; use clang, or name a cross compiler such as %s-gcc", ErrNoCompiler, runtime.GOARCH, arch, t.debian[0])
		}
		command = cross
	}
	return &Compiler{Command: command}, nil
}

// newClangs are clang and its newer versions, which may support more targets.
var newClangs = []string{"clang", "clang-22", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16"}

// defaultCompiler returns the command for a target where the user names none.
func defaultCompiler(arch string, t target) string {
	if arch == runtime.GOARCH || arch == "386" && runtime.GOARCH == "amd64" {
		if _, err := exec.LookPath("gcc"); err == nil {
			return "gcc"
		}
		if _, err := exec.LookPath("clang"); err == nil {
			return "clang"
		}
		return "gcc"
	}
	for _, clang := range newClangs {
		if clangKnows(clang, t) {
			return clang
		}
	}
	if cross := crossGCC(t); cross != "" {
		return cross
	}
	return "clang"
}

// clangKnows reports whether a clang is installed and supports a target.
func clangKnows(command string, t target) bool {
	path, err := exec.LookPath(command)
	if err != nil {
		return false
	}
	if t.kernel != "loongarch" {
		return true // every clang that Debian still has
	}
	return exec.Command(path, "--target="+t.triple, "-c", "-x", "c", "/dev/null", "-o", "/dev/null").Run() == nil
}

// crossGCC returns a cross compiler of Debian's that is installed, or "".
func crossGCC(t target) string {
	for _, prefix := range t.debian {
		if _, err := exec.LookPath(prefix + "-gcc"); err == nil {
			return prefix + "-gcc"
		}
	}
	return ""
}
