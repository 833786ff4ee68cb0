// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/proc"
)

// decoder is the kernel's own script, in every tree.
const decoder = "scripts/decode_stacktrace.sh"

// Decode has the decoder of the kernel tree at dir name files and lines in
// text, a splat of the kernel that vmlinux is of. What the decoder says on the
// way is part of the error, if there is one; text itself is then still what
// there is to show.
func Decode(ctx context.Context, dir, vmlinux, text string) (string, error) {
	script := filepath.Join(dir, decoder)
	for _, f := range []string{script, vmlinux} {
		if _, err := os.Stat(f); err != nil {
			return "", fmt.Errorf("decode stack trace: %w", err)
		}
	}
	var out bytes.Buffer
	c := proc.Cmd{
		Args:  []string{"bash", script, vmlinux, dir},
		Dir:   filepath.Dir(vmlinux),
		Stdin: strings.NewReader(text), Stdout: &out,
	}
	if err := c.Run(ctx); err != nil {
		return "", fmt.Errorf("decode stack trace: %w", err)
	}
	return out.String(), nil
}
