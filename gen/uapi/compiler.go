// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ErrNoCompiler is wrapped by errors that say the C compiler cannot be run.
var ErrNoCompiler = errors.New("no C compiler")

// A CompileError says that the compiler rejects a header.
type CompileError struct {
	// Header is the path as included.
	Header string
	// Lines are the compiler's errors, or its other messages if there is none; at most ten.
	Lines []string
}

// Error returns the header and the first line of the compiler.
func (e *CompileError) Error() string {
	if len(e.Lines) == 0 {
		return e.Header + ": compiler failed without a message"
	}
	text := e.Header + ": " + e.Lines[0]
	if m := unknownType().FindStringSubmatch(e.Lines[0]); m != nil {
		text += fmt.Sprintf(" (include the header that declares %s first: with = [\"...\"])", cmp.Or(m[1:]...))
	}
	return text
}

// killDelay is how long a compiler may take to end after an interrupt.
const killDelay = 2 * time.Second

// A Compiler runs a C compiler over headers. The zero value runs gcc for the
// machine's own architecture.
type Compiler struct {
	// Command is the compiler with arguments that come before ours, split
	// at spaces: "clang --target=aarch64-linux-gnu". Default "gcc".
	Command string

	mu      sync.Mutex
	builtin string
}

// builtinDir returns the compiler's own directory of headers, which has
// stddef.h, stdarg.h and the like.
func (c *Compiler) builtinDir(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.builtin == "" {
		out, _, err := c.run(ctx, os.TempDir(), "", "-print-file-name=include")
		if err != nil {
			return "", fmt.Errorf("%s: find its headers: %w", c.argv()[0], err)
		}
		c.builtin = strings.TrimSpace(out)
	}
	return c.builtin, nil
}

func (c *Compiler) argv(args ...string) []string {
	argv := strings.Fields(c.Command)
	if len(argv) == 0 {
		argv = []string{"gcc"}
	}
	return append(argv, args...)
}

// run executes the compiler in dir with src on its standard input. It returns standard
// output and standard error, also with an *exec.ExitError.
func (c *Compiler) run(ctx context.Context, dir, src string, args ...string) (stdout, stderr string, err error) {
	argv := c.argv(args...)
	if strings.ContainsRune(argv[0], filepath.Separator) {
		var err error
		if argv[0], err = filepath.Abs(argv[0]); err != nil {
			return "", "", fmt.Errorf("%w: %w", ErrNoCompiler, err)
		}
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	// Pass only these variables. Others add include paths, change the output, or translate
	// the messages, which are parsed.
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(src), &out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = killDelay
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", "", ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return "", "", fmt.Errorf("%w: %w (install gcc or name another with --cc)", ErrNoCompiler, err)
	}
	return out.String(), errs.String(), err
}

// runIn executes the compiler over src, which includes headers of roots.
func (c *Compiler) runIn(ctx context.Context, r *roots, src string, args ...string) (stdout, stderr string, err error) {
	if err := r.supply(src); err != nil {
		return "", "", err
	}
	return c.run(ctx, r.dir(), src, args...)
}

// preprocess returns the output of cc -E -dD for one header.
func (c *Compiler) preprocess(ctx context.Context, roots *roots, in Input) (string, error) {
	args := append([]string{"-E", "-dD"}, roots.args()...)
	out, errs, err := c.runIn(ctx, roots, in.include(), args...)
	if err != nil {
		return "", compileError(in.Path, roots, errs, err)
	}
	return out, nil
}

// compile compiles a translation unit into an object file and returns the
// compiler's messages. An error without messages means that it could not run.
func (c *Compiler) compile(ctx context.Context, roots *roots, src, object string, args ...string) (messages string, err error) {
	args = append(args, "-c", "-o", object)
	_, errs, err := c.runIn(ctx, roots, src, append(args, roots.args()...)...)
	return errs, err
}

// include returns the lines that include a header and its prerequisites.
func (in *Input) include() string {
	text := ""
	for _, w := range in.With {
		text += includeLine(w)
	}
	return text + includeLine(in.Path)
}

func includeLine(header string) string { return "#include <" + header + ">\n" }

// compileError returns an error with the compiler's messages. It removes the include
// roots from the paths.
func compileError(header string, roots *roots, messages string, err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("%s: %w", header, err)
	}
	if !exit.Exited() {
		return fmt.Errorf("%s: compiler: %w", header, err)
	}
	ce := &CompileError{Header: header}
	messages = roots.strip(messages)
	for line := range strings.Lines(messages) {
		if strings.Contains(line, "error: ") && len(ce.Lines) < 10 {
			ce.Lines = append(ce.Lines, strings.TrimSpace(line))
		}
	}
	if ce.Lines == nil {
		if s := strings.TrimSpace(messages); s != "" {
			ce.Lines = strings.Split(s, "\n")
			ce.Lines = ce.Lines[:min(len(ce.Lines), 10)]
		}
	}
	return ce
}
