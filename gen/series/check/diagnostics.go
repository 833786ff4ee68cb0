// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"path/filepath"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// diagnostics collects compiler messages. A warning in a header appears once per
// including file, but counts once.
type diagnostics struct {
	src              string
	seen             map[string]bool
	errors, warnings findings
	// order has the errors in the order in which they were reported. The first one is
	// most often the cause of the others.
	order []string
}

func newDiagnostics(src string) *diagnostics {
	return &diagnostics{src: src, seen: map[string]bool{}, errors: findings{}, warnings: findings{}}
}

var diagnostic = lazyregexp.New(`^([^\s:]+):(\d+)(?::(\d+))?: (?:fatal )?(error|warning): (.*)$`)

// read adds the diagnostics of a log.
func (d *diagnostics) read(log string) {
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\r\n")
		m := diagnostic.FindStringSubmatch(line)
		if m == nil || d.seen[line] {
			continue
		}
		d.seen[line] = true
		text := d.name(m[1]) + ": " + m[4] + ": " + m[5]
		if m[4] == "error" {
			d.failed(text)
		} else {
			d.warnings[text]++
		}
	}
}

// failed counts an error.
func (d *diagnostics) failed(text string) {
	if d.errors[text]++; d.errors[text] == 1 {
		d.order = append(d.order, text)
	}
}

// name returns the path of a file relative to the tree.
func (d *diagnostics) name(file string) string {
	if rel, err := filepath.Rel(d.src, file); err == nil && filepath.IsAbs(file) && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return strings.TrimPrefix(filepath.Clean(file), "../")
}
