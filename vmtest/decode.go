// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/proc"
)

// decode runs the tree's own scripts/decode_stacktrace.sh over lines of a
// console.
func decode(ctx context.Context, tree, vmlinux string, lines []string) ([]string, error) {
	cmd := &proc.Cmd{
		Args:  []string{filepath.Join(tree, "scripts", "decode_stacktrace.sh"), vmlinux, tree},
		Dir:   tree,
		Stdin: strings.NewReader(strings.Join(lines, "\n") + "\n"),
	}
	out, err := cmd.Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("decode the stack trace: %w", err)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n"), nil
}

// qemuVersion is the first line of what QEMU says of itself.
func qemuVersion(ctx context.Context, qemu string) (string, error) {
	out, err := (&proc.Cmd{Args: []string{qemu, "--version"}}).Output(ctx)
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", qemu, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first, nil
}
