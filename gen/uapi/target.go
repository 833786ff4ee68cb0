// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// target is what compilers call an architecture.
var target = map[string]string{
	"amd64": "x86_64-linux-gnu", "386": "i386-linux-gnu", "arm64": "aarch64-linux-gnu",
	"arm": "arm-linux-gnueabi", "riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
}

// CompilerFor returns a compiler for a target in Go's spelling, with what the
// command needs to be told added: clang gets a --target, gcc for the other
// word size of the same machine a flag. An empty command means gcc on its own
// ground and clang elsewhere. A gcc that cannot is an error wrapping
// [ErrNoCompiler].
func CompilerFor(command, arch string) (*Compiler, error) {
	if target[arch] == "" {
		return nil, fmt.Errorf("uapi: unknown architecture %q", arch)
	}
	if command == "" {
		command = "clang"
		if arch == runtime.GOARCH {
			command = "gcc"
		}
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, fmt.Errorf("%w: %q names none", ErrNoCompiler, command)
	}
	name := filepath.Base(words[0])
	switch {
	case strings.HasPrefix(name, "clang"):
		if arch != runtime.GOARCH && !strings.Contains(command, "-target") {
			command += " --target=" + target[arch]
		}
	case name == "gcc" && len(words) == 1 && arch != runtime.GOARCH:
		if runtime.GOARCH != "amd64" || arch != "386" {
			return nil, fmt.Errorf("%w: gcc compiles for %s, not for %s; use clang, or name a cross compiler such as %s-gcc", ErrNoCompiler, runtime.GOARCH, arch, target[arch])
		}
		command += " -m32"
	}
	return &Compiler{Command: command}, nil
}
