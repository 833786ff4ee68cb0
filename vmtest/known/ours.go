// SPDX-License-Identifier: GPL-2.0-only OR MIT

package known

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/vm"
)

// Ours are the functions that a series adds or changes.
type Ours map[string]bool

// function matches the line of a definition or declaration that has the name, in the
// kernel's style. It begins in the first column.
var function = lazyregexp.New(`^[A-Za-z_][\w\s*]*?\b(\w+)\(`)

// ReadOurs reads the functions from a diff of C files with whole functions as context, as
// git diff --function-context writes it.
func ReadOurs(diff []byte) (Ours, error) {
	ours := Ours{}
	in := false // in a hunk
	// head is the function whose head was read last. It is current from its brace on.
	head, current := "", ""
	changed := false // the head
	s := bufio.NewScanner(bytes.NewReader(diff))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := s.Text()
		switch {
		case strings.HasPrefix(line, "diff "):
			in, head, current = false, "", ""
			continue
		case strings.HasPrefix(line, "@@ "):
			in, head, current = true, "", ""
			continue
		case !in || line == "":
			continue
		}
		text, edited := line[1:], line[0] == '+' || line[0] == '-'
		if m := function.FindStringSubmatch(text); m != nil {
			head, current, changed = m[1], "", false
		}
		changed = changed || edited
		if head != "" && (text == "{" || strings.HasSuffix(text, "}") && current == "") {
			current = head
			edited = changed
		}
		if edited && current != "" {
			ours[current] = true
		}
		if strings.HasSuffix(text, "}") && text[0] != ' ' && text[0] != '\t' {
			head, current = "", ""
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("functions of the series: %w", err)
	}
	return ours, nil
}

// In returns the functions of the series that are in a splat's traces.
func (o Ours) In(s *vm.Splat) []string {
	var found []string
	for _, f := range slices.Concat(identify(s).Functions, s.Functions) {
		if o[f] && !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return found
}
