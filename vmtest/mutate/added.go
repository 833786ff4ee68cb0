// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Added are the lines that a series adds, by file.
type Added map[string]map[int]bool

// ParseAdded reads a diff without context. It leaves out files for which want is false.
func ParseAdded(diff []byte, want func(file string) bool) (Added, error) {
	all := Added{}
	var lines map[int]bool
	s := bufio.NewScanner(bytes.NewReader(diff))
	s.Buffer(nil, 1<<20)
	skip := 0 // lines of the current hunk that are still to come
	for s.Scan() {
		line := s.Text()
		switch {
		case skip > 0:
			if !strings.HasPrefix(line, `\`) {
				skip--
			}
		case strings.HasPrefix(line, "diff "):
			lines = nil
		case strings.HasPrefix(line, "+++ b/"):
			if file := strings.TrimPrefix(line, "+++ b/"); want(file) {
				lines = map[int]bool{}
				all[file] = lines
			}
		case strings.HasPrefix(line, "@@ "):
			removed, _, first, count, err := hunk(line)
			if err != nil {
				return nil, err
			}
			skip = removed + count
			if lines == nil {
				continue
			}
			for i := range count {
				lines[first+i] = true
			}
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read the diff: %w", err)
	}
	return all, nil
}

// hunk reads "@@ -10,2 +11,3 @@".
func hunk(line string) (removed, old, first, count int, err error) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return 0, 0, 0, 0, fmt.Errorf("read the diff: %q is not the header of a hunk", line)
	}
	pair := func(s string) (start, n int, err error) {
		a, b, both := strings.Cut(s[1:], ",")
		if start, err = strconv.Atoi(a); err != nil {
			return 0, 0, err
		}
		n = 1
		if both {
			n, err = strconv.Atoi(b)
		}
		return start, n, err
	}
	if old, removed, err = pair(fields[1]); err == nil {
		first, count, err = pair(fields[2])
	}
	if err != nil {
		return 0, 0, 0, 0, fmt.Errorf("read the diff: %q: %w", line, err)
	}
	return removed, old, first, count, nil
}
