// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"bytes"
	"context"
	"time"

	"xpsgen/vmtest/vm"
)

// decodeTimeout bounds the kernel's script, which runs addr2line per frame.
const decodeTimeout = time.Minute

// decodeSplats turns addresses into file:line with the kernel's own script. A
// splat that cannot be decoded stays as the console had it: it must not hide
// what it is about.
func decodeSplats(ctx context.Context, a *Artifacts, splats []vm.Splat) []Splat {
	if len(splats) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, decodeTimeout)
	defer cancel()
	out := make([]Splat, 0, len(splats))
	for _, s := range splats {
		text, err := decode(ctx, a.Kernel.SourceDir, a.Kernel.Vmlinux, s.Lines)
		if err != nil {
			text = append(s.Lines, "(not decoded: "+err.Error()+")")
		}
		out = append(out, Splat{Pattern: s.Pattern, Text: text, Frames: s.Frames})
	}
	return out
}

// countResults counts the result lines of subtests in a piece of KTAP, for
// progress only. A line cut in two by the transport may be missed.
func countResults(b []byte) int {
	n := 0
	for line := range bytes.Lines(b) {
		if len(line) == 0 || line[0] != ' ' {
			continue
		}
		line = bytes.TrimLeft(line, " ")
		if bytes.HasPrefix(line, []byte("ok ")) || bytes.HasPrefix(line, []byte("not ok ")) {
			n++
		}
	}
	return n
}
