// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"fmt"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

var (
	statLine  = lazyregexp.New(`^ \S.* \|\s+(\d+|Bin\b)`)
	statTotal = lazyregexp.New(`^ (\d+) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?$`)
	statMode  = lazyregexp.New(`^ (create|delete) mode \d{6} |^ mode change \d{6} => \d{6}|^ (rename|copy|rewrite) .*\(\d+%\)$`)
)

// splitStat splits the diffstat off the text below "---".
func splitStat(text string) (notes, stat string) {
	trimmed := strings.TrimRight(text, "\n")
	lines := strings.Split(trimmed, "\n")
	start := len(lines)
	for start > 0 && statMode.MatchString(lines[start-1]) {
		start--
	}
	if start == 0 || !statTotal.MatchString(lines[start-1]) {
		return text, ""
	}
	start--
	for start > 0 && statLine.MatchString(lines[start-1]) {
		start--
	}
	return strings.Join(lines[:start], "\n"), strings.Join(lines[start:], "\n") + "\n"
}

// CheckStat compares the totals of the diffstat with the diff. They differ if somebody
// edited the patch file. A patch without a diffstat passes.
func (p *Patch) CheckStat() error {
	if p.Stat == "" {
		return nil
	}
	files, err := p.Files()
	if err != nil {
		return err
	}
	var have [3]int
	have[0] = len(files)
	for _, f := range files {
		have[1] += f.Added
		have[2] += f.Removed
	}
	for _, l := range strings.Split(p.Stat, "\n") {
		m := statTotal.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		for i := range have {
			said, _ := strconv.Atoi(m[i+1])
			if said != have[i] {
				return fail(0, ErrDamaged, "the diffstat says %s, the diff has %s",
					strings.TrimSpace(l), fmt.Sprintf("%d files, %d insertions, %d deletions", have[0], have[1], have[2]))
			}
		}
	}
	return nil
}
