// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

// decodeTimeout bounds the kernel's script, which runs addr2line per frame.
const decodeTimeout = time.Minute

// decodeSplats turns addresses into file:line with the kernel's own script. A
// splat that cannot be decoded is kept as printed.
func decodeSplats(ctx context.Context, a *prepare.Artifacts, splats []vm.Splat) []verdict.Splat {
	if len(splats) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, decodeTimeout)
	defer cancel()
	out := make([]verdict.Splat, 0, len(splats))
	for _, s := range splats {
		text, err := decode(ctx, a.Kernel, s.Lines)
		if err != nil {
			text = append(s.Lines, "(not decoded: "+err.Error()+")")
		}
		out = append(out, verdict.Splat{Pattern: s.Pattern, Text: text, Frames: s.Frames})
	}
	return out
}

// decode runs the kernel's own decode_stacktrace.sh over lines of a console.
func decode(ctx context.Context, k *build.KernelResult, lines []string) ([]string, error) {
	cmd := &proc.Cmd{
		Args:  []string{filepath.Join(k.Scripts, "decode_stacktrace.sh"), k.Vmlinux, k.SourceDir},
		Dir:   k.Dir,
		Stdin: strings.NewReader(strings.Join(lines, "\n") + "\n"),
	}
	out, err := cmd.Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("decode the stack trace: %w", err)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n"), nil
}
