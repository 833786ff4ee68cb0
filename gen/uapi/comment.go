// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"slices"
	"strings"
)

// comment is a C comment in a header.
type comment struct {
	first, last int // lines
	beside      bool
	text        []string
}

// source has the lines and the comments of a header.
type source struct {
	lines    []string
	code     []bool // by line, from 1: something other than comment and space
	comments []comment
}

// spdxLine matches the licence line of a header.
var spdxLine = pattern(`SPDX-License-Identifier:[ \t]*([^*\n]*[^*\n \t])`)

// license returns the SPDX expression of a header's text, or "".
func license(text string) string {
	if m := spdxLine().FindStringSubmatch(text[:min(len(text), 1024)]); m != nil {
		return m[1]
	}
	return ""
}

// readSource finds comments and code in the text of a header.
func readSource(text string) *source {
	s := &source{lines: strings.Split(text, "\n")}
	s.code = make([]bool, len(s.lines)+2)
	line := 1
	for i := 0; i < len(text); {
		switch {
		case text[i] == '\n':
			line++
			i++
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			n := len(text) - i
			if end >= 0 {
				n = end + 4
			}
			s.comment(text[i:i+n], line)
			line += strings.Count(text[i:i+n], "\n")
			i += n
		case strings.HasPrefix(text[i:], "//"):
			n := strings.IndexByte(text[i:], '\n')
			if n < 0 {
				n = len(text) - i
			}
			s.comment(text[i:i+n], line)
			i += n
		case isSpace(text[i]):
			i++
		default:
			s.code[line] = true
			i += max(1, literalLen(text[i:]))
		}
	}
	return s
}

// literalLen returns the length of the string or character literal that s begins with, or
// 0. If the literal does not end on its line, it returns 1.
func literalLen(s string) int {
	if s[0] != '"' && s[0] != '\'' {
		return 0
	}
	for n := 1; n < len(s) && s[n] != '\n'; n++ {
		if s[n] == '\\' && n+1 < len(s) && s[n+1] != '\n' {
			n++
		} else if s[n] == s[0] {
			return n + 1
		}
	}
	return 1
}

func (s *source) comment(raw string, line int) {
	s.comments = append(s.comments, comment{
		first: line, last: line + strings.Count(raw, "\n"),
		beside: s.code[line], text: cleanComment(raw),
	})
}

// cleanComment removes the marks of a comment and the lines that only draw a box.
func cleanComment(raw string) []string {
	raw = strings.TrimSuffix(strings.TrimPrefix(raw, "/*"), "*/")
	raw = strings.TrimPrefix(raw, "//")
	var out []string
	for i, l := range strings.Split(raw, "\n") {
		l = strings.TrimSpace(strings.ReplaceAll(l, "\t", " "))
		if i > 0 {
			l = strings.TrimPrefix(l, "*")
			l = strings.TrimPrefix(l, " ")
		} else {
			l = strings.TrimLeft(l, "* <")
		}
		l = strings.TrimRight(strings.ToValidUTF8(l, "?"), " *")
		out = append(out, l)
	}
	for len(out) > 0 && out[0] == "" {
		out = out[1:]
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// before returns the comments that stand alone right above line.
func (s *source) before(line int) []string {
	var out []string
	for i := len(s.comments) - 1; i >= 0; i-- {
		c := s.comments[i]
		if c.last >= line {
			continue
		}
		if c.last != line-1 || c.beside || s.code[c.last] {
			break
		}
		if len(c.text) > 0 && !strings.HasPrefix(c.text[0], "SPDX-") {
			out = slices.Concat(c.text, out)
		}
		line = c.first
	}
	return out
}

// beside returns the comment that begins on line after some code.
func (s *source) beside(line int) []string {
	i, _ := slices.BinarySearchFunc(s.comments, line, func(c comment, l int) int { return c.first - l })
	for ; i < len(s.comments) && s.comments[i].first == line; i++ {
		if s.comments[i].beside {
			return s.comments[i].text
		}
	}
	return nil
}

// end returns the last line of the directive that begins on line.
func (s *source) end(line int) int {
	for line >= 1 && line < len(s.lines) && strings.HasSuffix(s.lines[line-1], "\\") {
		line++
	}
	return line
}

// adjoins reports whether only comments, without empty lines, are between two lines.
func (s *source) adjoins(from, to int) bool {
	for l := from + 1; l < to; l++ {
		if l > len(s.lines) || s.code[l] || strings.TrimSpace(s.lines[l-1]) == "" {
			return false
		}
	}
	return to > from
}

// locate corrects the line of a name by up to 4 lines. Preprocessors count the lines of a
// macro with several lines differently.
func (s *source) locate(name string, line int) int {
	for _, d := range []int{0, -1, 1, -2, 2, -3, 3, -4, 4} {
		if l := line + d; l >= 1 && l <= len(s.lines) && hasWord(s.lines[l-1], name) {
			return l
		}
	}
	return line
}

// hasWord reports whether line has name as a whole identifier.
func hasWord(line, name string) bool {
	for at := 0; ; {
		i := strings.Index(line[at:], name)
		if i < 0 {
			return false
		}
		i += at
		end := i + len(name)
		if (i == 0 || !isIdent(line[i-1])) && (end == len(line) || !isIdent(line[end])) {
			return true
		}
		at = i + 1
	}
}
