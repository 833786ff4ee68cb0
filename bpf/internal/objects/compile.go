// SPDX-License-Identifier: GPL-2.0-only OR MIT

package objects

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	sourceSuffix = ".bpf.c"
	pkg          = "bpf"

	// flags are the C flags, targets the byte orders. Both are in the stamp, so a
	// change makes the objects stale.
	flags   = "-O2 -g -mcpu=v3 -Wall -Wextra -Werror"
	targets = "bpfel,bpfeb"
)

// A CompileError says that one source does not compile. Output is the output of
// bpf2go and the compiler.
type CompileError struct {
	Source string
	Output string
	Err    error
}

// Error returns the source, the cause and the output.
func (e *CompileError) Error() string {
	return fmt.Sprintf("compile %s: %v\n%s", e.Source, e.Err, strings.TrimRight(e.Output, "\n"))
}

// Unwrap returns the error of running bpf2go.
func (e *CompileError) Unwrap() error { return e.Err }

// Sources returns the names of the programs in dir, sorted: the file names
// of the sources without .bpf.c.
func Sources(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+sourceSuffix))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = strings.TrimSuffix(filepath.Base(p), sourceSuffix)
	}
	return names, nil
}

// Compile compiles every source of dir and writes objects and bindings to
// out. It needs the go command, because bpf2go is a tool of this module.
// The error is a [*CompileError] if a source does not compile.
func Compile(ctx context.Context, dir, out string, cc *Compiler) error {
	names, err := Sources(dir)
	if err != nil {
		return err
	}
	out, err = filepath.Abs(out)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range names {
		group.Go(func() error { return compile(ctx, dir, out, name, cc) })
	}
	return group.Wait()
}

func compile(ctx context.Context, dir, out, name string, cc *Compiler) error {
	source := name + sourceSuffix
	cmd := exec.CommandContext(ctx, "go", "tool", "bpf2go",
		"-cc", cc.CC,
		"-strip", cc.Strip,
		"-cflags", flags,
		"-target", targets,
		"-go-package", pkg,
		"-output-dir", out,
		"-output-stem", name,
		ident(name), source)
	// Compile in the directory of the sources. Then the names in the debug info do
	// not depend on the path of the tree.
	cmd.Dir = dir
	cmd.Env = environ(os.Environ())
	if b, err := cmd.CombinedOutput(); err != nil {
		return &CompileError{Source: filepath.Join(dir, source), Output: string(b), Err: err}
	}
	return nil
}

// environ drops variables that change bpf2go's output without changing the stamp. These
// are the variables of bpf2go, which gets flags instead, of go generate, and of clang for
// flags and include directories.
func environ(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "BPF2GO_"):
		case name == "GOFILE", name == "GOPACKAGE", name == "GOLINE":
		case name == "CPATH", name == "C_INCLUDE_PATH", name == "CCC_OVERRIDE_OPTIONS":
		default:
			kept = append(kept, kv)
		}
	}
	return kept
}

// ident returns the prefix of the exported Go identifiers for the name of a program:
// HelloNeg1 for hello_neg1.
func ident(name string) string {
	var sb strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			sb.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return sb.String()
}
