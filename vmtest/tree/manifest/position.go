// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"bytes"
	"strings"
)

// positions finds the line of a key in a TOML file. The TOML library reports the line
// of a syntax error, but not of a decoded or unknown key. It recognises only [table],
// [[table]] and key = value. Other forms have no line.
type positions map[string][]position

type position struct {
	line  int
	value string
}

func scanPositions(data []byte) positions {
	pos := positions{}
	table := ""
	for i, raw := range bytes.Split(data, []byte("\n")) {
		line := strings.TrimSpace(string(raw))
		if strings.HasPrefix(line, "[") {
			if end := strings.IndexByte(line, ']'); end > 0 {
				table = strings.TrimSpace(strings.TrimLeft(line[:end], "["))
				pos[table] = append(pos[table], position{line: i + 1})
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.Trim(strings.TrimSpace(key), `"'`)
		if !ok || key == "" || strings.HasPrefix(key, "#") {
			continue
		}
		if table != "" {
			key = table + "." + key
		}
		pos[key] = append(pos[key], position{line: i + 1, value: strings.Trim(strings.TrimSpace(value), `"'`)})
	}
	return pos
}

// line returns the line of the nth occurrence of key, or else of the last one.
// Without any it returns the line of the table that key should be in, or 0.
func (p positions) line(key string, nth int) int {
	for key != "" {
		if at := p[key]; len(at) > 0 {
			return at[min(nth, len(at)-1)].line
		}
		dot := strings.LastIndexByte(key, '.')
		key = key[:max(dot, 0)]
	}
	return 0
}

// value returns the line on which key has the given value, or 0.
func (p positions) value(key, value string) int {
	for _, at := range p[key] {
		if at.value == value {
			return at.line
		}
	}
	return 0
}
