// SPDX-License-Identifier: GPL-2.0-only OR MIT

package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoCompiler: a tool that is needed to compile BPF programs is missing or does not
// run.
var ErrNoCompiler = errors.New("no BPF compiler")

// newest and oldest are the versions of clang to look for. Distributions name clang-N a
// clang that is not their default one.
const (
	newest = 21
	oldest = 14
)

// A Compiler is a clang and the llvm-strip of the same installation.
type Compiler struct {
	// CC is the command, which may have several words ("ccache clang").
	CC string
	// Strip is the path of llvm-strip.
	Strip string
	// Version is the first line of the output of --version.
	Version string
}

// FindCompiler looks for a compiler, asking getenv for the variables named in
// the package comment. It returns an error wrapping [ErrNoCompiler] if the
// machine has none.
func FindCompiler(ctx context.Context, getenv func(string) string) (*Compiler, error) {
	cc, err := findCC(getenv)
	if err != nil {
		return nil, err
	}

	words := strings.Fields(cc)
	path, err := exec.LookPath(words[len(words)-1])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCompiler, err)
	}

	version, err := version(ctx, words)
	if err != nil {
		return nil, err
	}

	strip, err := findStrip(getenv("BPF2GO_STRIP"), path)
	if err != nil {
		return nil, err
	}
	return &Compiler{CC: cc, Strip: strip, Version: version}, nil
}

func findCC(getenv func(string) string) (string, error) {
	for _, name := range []string{"BPF2GO_CC", "CLANG"} {
		if cc := strings.TrimSpace(getenv(name)); cc != "" {
			return cc, nil
		}
	}

	candidates := []string{"clang"}
	for v := newest; v >= oldest; v-- {
		candidates = append(candidates, fmt.Sprintf("clang-%d", v))
	}
	for _, cc := range candidates {
		if _, err := exec.LookPath(cc); err == nil {
			return cc, nil
		}
	}
	return "", fmt.Errorf("%w: neither clang nor clang-%d to clang-%d in PATH (install clang and llvm, or set CLANG)",
		ErrNoCompiler, newest, oldest)
}

// findStrip returns the path of llvm-strip. If given is set, it looks up only given.
// Otherwise it looks in the directory of the clang binary, then in PATH for llvm-strip
// with the version suffix of clang, then for llvm-strip.
func findStrip(given, clang string) (string, error) {
	if given != "" {
		path, err := exec.LookPath(given)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoCompiler, err)
		}
		return path, nil
	}

	var candidates []string
	if real, err := filepath.EvalSymlinks(clang); err == nil {
		candidates = append(candidates, filepath.Join(filepath.Dir(real), "llvm-strip"))
	}
	if suffix, ok := strings.CutPrefix(filepath.Base(clang), "clang"); ok && suffix != "" {
		candidates = append(candidates, "llvm-strip"+suffix)
	}
	candidates = append(candidates, "llvm-strip")
	for _, strip := range candidates {
		if path, err := exec.LookPath(strip); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: no llvm-strip for %s (install llvm, or set BPF2GO_STRIP)", ErrNoCompiler, clang)
}

func version(ctx context.Context, cc []string) (string, error) {
	args := append(cc[1:len(cc):len(cc)], "--version")
	out, err := exec.CommandContext(ctx, cc[0], args...).Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s --version: %w", ErrNoCompiler, strings.Join(cc, " "), err)
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	if len(line) == 0 {
		return "", fmt.Errorf("%w: %s --version prints no version", ErrNoCompiler, strings.Join(cc, " "))
	}
	return string(bytes.TrimSpace(line)), nil
}
