// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

var (
	// declaration matches a local variable declaration: words and stars, the name,
	// and then the end, a value, another name or an array.
	declaration = lazyregexp.New(`^\s+(?:(?:const|volatile|unsigned|signed|long|short|struct|union|enum|register)\s+)*` +
		`[A-Za-z_]\w*(?:\s+__\w+)?(?:\s+\**|\s*\*+\s*)(?:const\s+)?([A-Za-z_]\w*)(?:\[[^\]]*\])*(?:\s+__\w+(?:\([^)]*\))?)*\s*(?:;|=|,|:)`)
	// declaring matches macros that declare a variable.
	declaring = lazyregexp.New(`^\s+(?:DECLARE|DEFINE|LIST_HEAD|DEFINE_\w+|DECLARE_\w+|\w*LIST_HEAD)\w*\((\w+)`)
	notAType  = []string{"return", "goto", "else", "case", "if", "for", "while", "do", "switch", "break",
		"continue", "delete", "typedef", "sizeof", "static", "extern", "default"}
	opensData = lazyregexp.New(`^FIXTURE\w*\(|^\s*(?:typedef\s+)?(?:static\s+)?(?:const\s+)?(?:struct|union|enum)\b[^()]*\{\s*$|=\s*\{?\s*\{\s*$|^\s*(?:switch)\b|^\s*\{?\s*\.\w+\s*=\s*\{`)
	word      = lazyregexp.New(`[A-Za-z_]\w*`)
)

// localsFinding is a pair of declarations in the wrong order.
type localsFinding struct {
	line int
	text string
	// dependent says that the second needs the first. before says that the block was
	// out of order before the patch.
	dependent, before bool
}

// findLocals returns pairs of adjacent declarations in which the second is longer. At
// least one of the pair must be in touched.
func findLocals(text string, touched map[int]bool) (found []localsFinding) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t")
		if !strings.HasSuffix(line, "{") || opensData.MatchString(line) {
			continue
		}
		if line == "{" && i > 0 && strings.HasSuffix(strings.TrimSpace(lines[i-1]), "=") {
			continue
		}
		found = append(found, localsBlock(lines, i+1, touched)...)
	}
	return found
}

// localsBlock checks the declarations from line index i on.
func localsBlock(lines []string, i int, touched map[int]bool) (found []localsFinding) {
	prev, name := -1, ""
	oldPrev, oldWrong := 0, false
	defer func() {
		for j := range found {
			found[j].before = oldWrong
		}
	}()
	for i < len(lines) {
		this := declared(lines[i])
		if this == "" {
			return found
		}
		length := len(strings.TrimSpace(lines[i]))
		if !touched[i+1] {
			oldWrong = oldWrong || oldPrev > 0 && length > oldPrev
			oldPrev = length
		}
		if prev >= 0 && (touched[i+1] || touched[prev+1]) && length > len(strings.TrimSpace(lines[prev])) {
			found = append(found, localsFinding{line: i + 1,
				text:      strings.TrimSpace(lines[prev]) + "  " + strings.TrimSpace(lines[i]),
				dependent: uses(lines[i], name)})
		}
		prev, name = i, this
		// A value may span several lines; the length of the first line then means
		// nothing.
		if !strings.HasSuffix(strings.TrimSpace(stripComment(lines[i])), ";") {
			prev, oldPrev = -1, 0
		}
		for i < len(lines) && !strings.HasSuffix(strings.TrimSpace(stripComment(lines[i])), ";") {
			i++
		}
		i++
	}
	return found
}

func stripComment(line string) string {
	if i := strings.Index(line, "/*"); i >= 0 && strings.HasSuffix(strings.TrimSpace(line), "*/") {
		return line[:i]
	}
	return line
}

// declared returns the name that a line declares, or "".
func declared(line string) string {
	if m := declaring.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	first := word.FindString(line)
	if slices.Contains(notAType, first) {
		return ""
	}
	if m := declaration.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// uses reports whether the value in a declaration uses a variable.
func uses(line, name string) bool {
	_, value, ok := strings.Cut(line, "=")
	return ok && slices.Contains(word.FindAllString(value, -1), name)
}

// checkLocals requires reverse xmas tree order, the longest line first, of declarations
// that the patch adds. It only warns if the initializer needs the variable above: the
// fix is to assign the value below the declarations. It also only warns if the block was
// out of order before the patch.
func checkLocals(ctx context.Context, j *job, p *Patch) (Result, error) {
	code := Pass
	var log []string
	for _, f := range p.Files {
		if !hasSuffix(".c", ".h")(f.New) {
			continue
		}
		touched := map[int]bool{}
		for _, l := range f.Lines {
			if l.Op == '+' {
				touched[l.New] = true
			}
		}
		if len(touched) == 0 {
			continue
		}
		text, ok, err := j.repo.show(ctx, p.After, f.New)
		if err != nil {
			return Result{}, err
		}
		if !ok {
			continue
		}
		for _, l := range findLocals(text, touched) {
			hint := ""
			if l.dependent || l.before {
				hint = " (needs the variable above: assign it below)"
				if l.before {
					hint = " (the block was out of order before)"
				}
				if code == Pass {
					code = Warning
				}
			} else {
				code = Fail
			}
			log = append(log, fmt.Sprintf("%s:%d: %s%s", f.New, l.line, l.text, hint))
		}
	}
	if code == Pass {
		return pass("longest first"), nil
	}
	return Result{Code: code, Summary: fmt.Sprintf("%d out of order: %s", len(log), log[0])}.with(log...), nil
}
