// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package deps lists the programs and libraries that the workbench needs from the
// machine. It finds the missing ones and installs them where it can.
//
// A dependency is present if it works: the program is in PATH, the header compiles, the
// library links. Its origin does not matter. Package names serve only the remedy. The
// exception is a [Tool], which must be in the cache.
package deps

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/proc"
)

// Group is the purpose of a dependency.
type Group string

const (
	// Test: make vmtest, that is fetch, build and boot.
	Test Group = "vmtest"
	// BPF: compiling the BPF programs. The repository has their objects, so only
	// their authors need it.
	BPF Group = "bpf"
	// Series: checking the series before it is sent.
	Series Group = "series"
	// SeriesBuild: compiling the series patch by patch, with several compilers.
	SeriesBuild Group = "series-build"
	// Report: the test of the report in a browser.
	Report Group = "report"
	// Headers: generating Go bindings from installed headers.
	Headers Group = "headers"
	// Bindings: the tests of Go bindings on all targets.
	Bindings Group = "bindings"
	// Kselftest: a kernel with modules, and the kernel's selftests of net and bpf.
	Kselftest Group = "kselftest"
	// ARM64 and S390X: a guest of another architecture. Their names are those of package
	// arch.
	ARM64 Group = "arm64"
	S390X Group = "s390x"
	// FuzzIP: the fuzzers of ip's object loaders.
	FuzzIP Group = "fuzz-ip"
	// Share: sharing the cache through a web server.
	Share Group = "share"
	// Engines: the tests of the engines that spread cells over machines.
	Engines Group = "engines"
	// Syz: building syzkaller.
	Syz Group = "syz"
	// Prove: proof in a model and litmus tests. Its programs are unpacked into the cache.
	Prove Group = "prove"
)

// Dep is something the workbench needs from the machine.
type Dep struct {
	// Name is the program, or the header in angle brackets.
	Name string
	// Why says which part of the workbench uses it.
	Why string
	// Group is the purpose.
	Group Group
	// Package is the Debian package that contains it.
	Package string

	// or lists other names of the program.
	or []string
	// version are the arguments that make the program print its version.
	version []string
	// program is the source of a C program that uses the header and the library; libs
	// are the linker flags.
	program string
	libs    []string
	// tool is the program if it is not taken from the machine.
	tool *Tool
}

// Remedy is the command line that makes the dependency available.
func (d *Dep) Remedy() string {
	line := remedy + string(d.Group)
	if d.tool == nil {
		line += ", or apt-get install " + d.Package
	}
	return line
}

// staticProbe links an empty program with the static C library.
var staticProbe = []string{"-static", "-x", "c", "/dev/null", "-Wl,--defsym=main=0", "-o", "/dev/null"}

// All returns all dependencies, in the order in which they are checked.
func All() []Dep {
	return []Dep{
		{Name: "git", Why: "source trees", Group: Test, Package: "git", version: []string{"--version"}},
		{Name: "xz", Why: "source tarballs", Group: Test, Package: "xz-utils", version: []string{"--version"}},
		{Name: "make", Why: "kernel and iproute2", Group: Test, Package: "make", version: []string{"--version"}},
		{Name: "gcc", Why: "kernel and iproute2", Group: Test, Package: "gcc", version: []string{"--version"}},
		{Name: "ld", Why: "kernel and iproute2", Group: Test, Package: "binutils", version: []string{"--version"}},
		{Name: "<stdlib.h>", Why: "the kernel's build tools", Group: Test, Package: "libc6-dev",
			program: "#include <stdlib.h>\nint main(void) { return atoi(\"0\"); }\n"},
		{Name: "flex", Why: "kconfig, iproute2", Group: Test, Package: "flex", version: []string{"--version"}},
		{Name: "bison", Why: "kconfig, iproute2", Group: Test, Package: "bison", version: []string{"--version"}},
		{Name: "bc", Why: "the kernel's time constants", Group: Test, Package: "bc", version: []string{"--version"}},
		{Name: "perl", Why: "the kernel's build scripts", Group: Test, Package: "perl", version: []string{"-e", "print $^V"}},
		{Name: "awk", Why: "the kernel's build scripts", Group: Test, Package: "mawk", version: []string{`BEGIN { print "awk" }`}},
		{Name: "gzip", Why: "the kernel's image", Group: Test, Package: "gzip", version: []string{"--version"}},
		{Name: "<gelf.h>", Why: "objtool", Group: Test, Package: "libelf-dev",
			program: "#include <gelf.h>\nint main(void) { return elf_version(EV_CURRENT) == EV_NONE; }\n", libs: []string{"-lelf"}},
		{Name: "<zlib.h>", Why: "bpftool", Group: Test, Package: "zlib1g-dev",
			program: "#include <zlib.h>\nint main(void) { return zlibVersion() == 0; }\n", libs: []string{"-lz"}},
		{Name: "python3", Why: "bpftool's list of helpers", Group: Test, Package: "python3", version: []string{"--version"}},
		{Name: "python3", Why: "code from YNL specs, module yaml", Group: Test, Package: "python3-yaml", version: []string{"-c", "import yaml; print('yaml', yaml.__version__)"}},
		{Name: "python3", Why: "code from YNL specs, module jsonschema", Group: Test, Package: "python3-jsonschema", version: []string{"-c", "import jsonschema; print('jsonschema')"}},
		{Name: "pkg-config", Why: "iproute2's configure", Group: Test, Package: "pkg-config", version: []string{"--version"}},
		{Name: "<libmnl/libmnl.h>", Why: "ip", Group: Test, Package: "libmnl-dev",
			program: "#include <libmnl/libmnl.h>\nint main(void) { return mnl_attr_get_type(0); }\n", libs: []string{"-lmnl"}},
		{Name: "<bpf/libbpf.h>", Why: "ip's BPF objects", Group: Test, Package: "libbpf-dev",
			program: "#include <bpf/libbpf.h>\nint main(void) { return libbpf_major_version(); }\n", libs: []string{"-lbpf"}},
		{Name: "<sys/capability.h>", Why: "ip", Group: Test, Package: "libcap-dev",
			program: "#include <sys/capability.h>\nint main(void) { return cap_free(cap_init()); }\n", libs: []string{"-lcap"}},
		{Name: "qemu-system-x86_64", Why: "the guest's machine", Group: Test, Package: "qemu-system-x86", version: []string{"--version"}},
		{Name: "qemu-system-aarch64", Why: "the guest's machine", Group: ARM64, Package: "qemu-system-arm", version: []string{"--version"}},
		{Name: "aarch64-linux-gnu-gcc", Why: "kernel and iproute2", Group: ARM64, Package: "gcc-aarch64-linux-gnu", version: []string{"--version"}},
		{Name: "aarch64-linux-gnu-gcc", Why: "static programs", Group: ARM64, Package: "libc6-dev-arm64-cross", version: staticProbe},
		{Name: "qemu-system-s390x", Why: "the guest's machine", Group: S390X, Package: "qemu-system-misc", version: []string{"--version"}},
		{Name: "s390x-linux-gnu-gcc", Why: "kernel and iproute2", Group: S390X, Package: "gcc-s390x-linux-gnu", version: []string{"--version"}},
		{Name: "s390x-linux-gnu-gcc", Why: "static programs", Group: S390X, Package: "libc6-dev-s390x-cross", version: staticProbe},
		{Name: "clang", Why: "BPF programs", Group: BPF, Package: "clang", version: []string{"--version"}},
		{Name: "b4", Why: "to see a thread as maintainers do", Group: Series, Package: "b4", version: []string{"--version"}},
		// git send-email is a part of git that distributions package apart.
		// It has no option to print its version.
		{Name: "git", Why: "to see the mails that git send-email would send", Group: Series, Package: "git-email",
			version: []string{"-c", "alias.probe=!git send-email --dump-aliases >/dev/null && git --version", "probe"}},
		// Debian's git-email only recommends the module, but cannot send
		// without it.
		{Name: "perl", Why: "git send-email, module Mail::Address", Group: Series, Package: "libmailtools-perl",
			version: []string{"-MMail::Address", "-e", `print "Mail::Address $Mail::Address::VERSION\n"`}},
		{Name: "codespell", Why: "checkpatch", Group: Series, Package: "codespell", version: []string{"--version"}},
		{Name: "shellcheck", Why: "selftests", Group: Series, Package: "shellcheck", version: []string{"--version"}},
		{Name: "pylint", Why: "Python scripts", Group: Series, Package: "pylint", version: []string{"--version"}},
		{Name: "python3", Why: "documentation, module docutils", Group: Series, Package: "python3-docutils", version: []string{"-c", "import docutils; print('docutils', docutils.__version__)"}},
		{Name: "groff", Why: "manual pages", Group: Series, Package: "groff-base", version: []string{"--version"}},
		{Name: "yamllint", Why: "YNL specs", Group: Series, Package: "yamllint", version: []string{"--version"}},
		{Name: "sparse", Why: "the series, patch by patch", Group: SeriesBuild, Package: "sparse", version: []string{"--version"}},
		// The kernel needs clang 17 or newer; Debian 12's default is older.
		{Name: "clang-19", Why: "the series, patch by patch", Group: SeriesBuild, Package: "clang-19",
			or: []string{"clang-22", "clang-21", "clang-20", "clang-18", "clang-17"}, version: []string{"--version"}},
		{Name: "chromium", Why: "test of the report", Group: Report, Package: "chromium", version: []string{"--version"}},
		{Name: "tidy", Why: "test of the report", Group: Report, Package: "tidy", version: []string{"--version"}},
		{Name: "gcc", Why: "values and layouts of C headers", Group: Headers, Package: "gcc", version: []string{"--version"}},
		{Name: "<linux/if_link.h>", Why: "headers to generate from, outside of a workbench", Group: Headers, Package: "linux-libc-dev",
			program: "#include <linux/if_link.h>\nint main(void) { return IFLA_MAX == 0; }\n"},
		{Name: "ld.lld", Why: "bindings of all targets", Group: Bindings, Package: "lld", version: []string{"--version"}},
		{Name: "qemu-s390x", Why: "bindings of all targets", Group: Bindings, Package: "qemu-user", version: []string{"--version"}},
		{Name: "arm-linux-gnueabihf-gcc", Why: "bindings of all targets", Group: Bindings, Package: "gcc-arm-linux-gnueabihf", version: []string{"--version"}},
		{Name: "s390x-linux-gnu-gcc", Why: "bindings of all targets", Group: Bindings, Package: "gcc-s390x-linux-gnu", version: []string{"--version"}},
		{Name: "riscv64-linux-gnu-gcc", Why: "bindings of all targets", Group: Bindings, Package: "gcc-riscv64-linux-gnu", version: []string{"--version"}},
		{Name: "mips64-linux-gnuabi64-gcc", Why: "bindings of all targets", Group: Bindings, Package: "gcc-mips64-linux-gnuabi64", version: []string{"--version"}},
		{Name: "powerpc64le-linux-gnu-gcc", Why: "bindings of all targets", Group: Bindings, Package: "gcc-powerpc64le-linux-gnu", version: []string{"--version"}},
		{Name: "debootstrap", Why: "bindings from the headers of a bare Debian", Group: Bindings, Package: "debootstrap", version: []string{"--version"}},
		{Name: "aarch64-linux-gnu-gcc", Why: "bindings of all targets, and their asm/", Group: Bindings, Package: "gcc-aarch64-linux-gnu", version: []string{"--version"}},
		{Name: "bindgen", Why: "the benchmark compares xpsgen uapi with it", Group: Bindings, Package: "bindgen", version: []string{"--version"}},
		{Name: "depmod", Why: "kernel modules", Group: Kselftest, Package: "kmod", or: []string{"/sbin/depmod"}, version: []string{"--version"}},
		{Name: "rsync", Why: "installing selftests", Group: Kselftest, Package: "rsync", version: []string{"--version"}},
		{Name: "clang", Why: "BPF programs of selftests", Group: Kselftest, Package: "clang", version: []string{"--version"}},
		{Name: "<numa.h>", Why: "selftests of net", Group: Kselftest, Package: "libnuma-dev",
			program: "#include <numa.h>\nint main(void) { return numa_available(); }\n", libs: []string{"-lnuma"}},
		{Name: "<openssl/evp.h>", Why: "selftests of net", Group: Kselftest, Package: "libssl-dev",
			program: "#include <openssl/evp.h>\nint main(void) { return EVP_MD_CTX_new() == 0; }\n", libs: []string{"-lcrypto"}},
		{Name: "openssl", Why: "the certificate of selftests/bpf", Group: Kselftest, Package: "openssl", version: []string{"version"}},
		{Name: "llvm-strip", Why: "BPF programs of bpftool", Group: Kselftest, Package: "llvm", version: []string{"--version"}},
		{Name: "bash", Why: "selftests", Group: Kselftest, Package: "bash", version: []string{"--version"}},
		{Name: "ethtool", Why: "selftests of net", Group: Kselftest, Package: "ethtool", or: []string{"/sbin/ethtool"}, version: []string{"--version"}},
		{Name: "tc", Why: "selftests of net", Group: Kselftest, Package: "iproute2", or: []string{"/sbin/tc"}, version: []string{"-V"}},
		{Name: "ping", Why: "selftests of net", Group: Kselftest, Package: "iputils-ping", version: []string{"-V"}},
		{Name: "tcpdump", Why: "selftests of net", Group: Kselftest, Package: "tcpdump", or: []string{"/sbin/tcpdump"}, version: []string{"--version"}},
		{Name: "nft", Why: "selftests of net", Group: Kselftest, Package: "nftables", or: []string{"/sbin/nft"}, version: []string{"--version"}},
		{Name: "iptables", Why: "selftests of net", Group: Kselftest, Package: "iptables", or: []string{"/sbin/iptables"}, version: []string{"--version"}},
		{Name: "socat", Why: "selftests of net", Group: Kselftest, Package: "socat", version: []string{"-V"}},
		{Name: "nc", Why: "selftests of net", Group: Kselftest, Package: "netcat-openbsd", version: []string{"-h"}},
		{Name: "ccache", Why: "objects shared by several machines", Group: Engines, Package: "ccache", version: []string{"--version"}},
		{Name: "redis-server", Why: "remote storage of ccache", Group: Engines, Package: "redis-server", version: []string{"--version"}},
		{Name: "jq", Why: "selftests of net", Group: Kselftest, Package: "jq", version: []string{"--version"}},
		{Name: "uuidgen", Why: "selftests of net", Group: Kselftest, Package: "uuid-runtime", version: []string{"--version"}},
		// Without its runtime, clang does not link this.
		{Name: "clang", Why: "ASan and libFuzzer", Group: FuzzIP, Package: "libclang-rt-dev",
			version: []string{"-fsanitize=address", "-x", "c", "/dev/null", "-Wl,--defsym=main=0", "-o", "/dev/null"}},
		{Name: "llvm-strip", Why: "BPF programs", Group: BPF, Package: "llvm", version: []string{"--version"}},
		{Name: "curl", Why: "stores on a web server", Group: Share, Package: "curl", version: []string{"--version"}},
		{Name: "parallel", Why: "cells on several hosts", Group: Engines, Package: "parallel", version: []string{"--version"}},
		{Name: "ssh", Why: "cells on several hosts", Group: Engines, Package: "openssh-client", version: []string{"-V"}},
		// sshd has no option for its version, and is not in the path of every user.
		{Name: "sh", Why: "the hosts of the test: sshd", Group: Engines, Package: "openssh-server", version: []string{"-c", "PATH=$PATH:/usr/sbin command -v sshd"}},
		{Name: "rsync", Why: "archives from other hosts", Group: Engines, Package: "rsync", version: []string{"--version"}},
		{Name: "jq", Why: "IDs of the cells of a plan", Group: Engines, Package: "jq", version: []string{"--version"}},
		{Name: "ip", Why: "the hosts of the test: network namespaces", Group: Engines, Package: "iproute2", version: []string{"-V"}},
		{Name: "g++", Why: "syz-executor, static", Group: Syz, Package: "g++",
			version: []string{"-static", "-x", "c++", "/dev/null", "-Wl,--defsym=main=0", "-o", "/dev/null"}},
		{Name: "cbmc", Why: "proof in a model", Group: Prove, Package: "cbmc", version: []string{"--version"}, tool: CBMC()},
		{Name: "herd7", Why: "litmus tests", Group: Prove, Package: "herdtools7", version: []string{"-version"}, tool: Herd7()},
		{Name: "node", Why: "act, which runs actions", Group: Engines, Package: "nodejs", version: []string{"--version"}},
	}
}

// Groups returns all groups.
func Groups() []Group {
	return []Group{Test, BPF, Series, SeriesBuild, Report, ARM64, S390X, Headers, Bindings, FuzzIP, Kselftest, Share, Engines, Syz, Prove}
}

// Common returns the groups that everyday commands need. Their dependencies are few and
// small.
func Common() []Group { return []Group{Test, BPF} }

// Of returns the dependencies of the given groups, or all if none is given.
func Of(groups ...Group) []Dep {
	var some []Dep
	for _, d := range All() {
		ok := len(groups) == 0
		for _, g := range groups {
			ok = ok || d.Group == g
		}
		if ok {
			some = append(some, d)
		}
	}
	return some
}

// InCache reports whether one of deps must be in the cache.
func InCache(deps []Dep) bool {
	return slices.ContainsFunc(deps, func(d Dep) bool { return d.tool != nil })
}

// Status is the result of checking a dependency.
type Status struct {
	Dep
	// Found says that the dependency is present and works.
	Found bool
	// Detail is the version, or the reason why it does not work.
	Detail string
}

// Check checks each of deps; tools are looked for in the cache. It fails only if ctx ends.
func Check(ctx context.Context, deps []Dep, cacheDir string) ([]Status, error) {
	all := make([]Status, len(deps))
	// Check in parallel: each check runs a program or a compiler, and every run of
	// make waits for them.
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i, d := range deps {
		g.Go(func() error {
			all[i].Dep = d
			all[i].Found, all[i].Detail = d.look(ctx, cacheDir)
			if ctx.Err() != nil {
				return fmt.Errorf("check dependency %s: %w", d.Name, context.Cause(ctx))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return all, nil
}

// Missing returns the missing dependencies among deps.
func Missing(ctx context.Context, deps []Dep, cacheDir string) ([]Status, error) {
	all, err := Check(ctx, deps, cacheDir)
	var missing []Status
	for _, s := range all {
		if !s.Found {
			missing = append(missing, s)
		}
	}
	return missing, err
}

// lookTimeout bounds one check. A check normally takes less than a second.
const lookTimeout = 30 * time.Second

func (d *Dep) look(ctx context.Context, cacheDir string) (found bool, detail string) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if d.tool != nil {
		return d.tool.look(ctx, cacheDir, d.version)
	}
	if d.program != "" {
		return d.compile(ctx)
	}
	path, err := exec.LookPath(d.Name)
	for i := 0; err != nil && i < len(d.or); i++ {
		path, err = exec.LookPath(d.or[i])
	}
	if err != nil {
		return false, "not in PATH"
	}
	out, err := (&proc.Cmd{Args: append([]string{path}, d.version...)}).Output(ctx)
	if err != nil {
		return false, fmt.Sprintf("%s does not run: %v", path, err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return true, strings.TrimSpace(line)
}

// compile builds the program that uses the header and the library.
func (d *Dep) compile(ctx context.Context) (bool, string) {
	if _, err := exec.LookPath("gcc"); err != nil {
		return false, "cannot be checked without gcc"
	}
	args := append([]string{"gcc", "-x", "c", "-", "-o", "/dev/null"}, d.libs...)
	err := (&proc.Cmd{Args: args, Stdin: strings.NewReader(d.program)}).Run(ctx)
	if err == nil {
		return true, "compiles and links"
	}
	var perr *proc.Error
	if errors.As(err, &perr) {
		for line := range strings.Lines(perr.Stderr) {
			if _, msg, ok := strings.Cut(line, "error: "); ok {
				return false, strings.TrimSpace(msg)
			}
			if strings.Contains(line, "cannot find ") {
				return false, "does not link: " + strings.TrimSpace(filepath.Base(line))
			}
		}
	}
	return false, err.Error()
}
