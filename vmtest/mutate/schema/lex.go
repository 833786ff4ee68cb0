// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

import "strings"

// kind is the kind of a token.
type kind uint8

const (
	ident kind = iota
	number
	text // a string or a character
	punct
	directive // a whole preprocessor directive
)

// token is a piece of C. Comments and white space are not tokens.
type token struct {
	kind kind
	text string
	// start and end are offsets in the source.
	start, end int
	// line counts from 1.
	line int
}

// puncts are the operators of more than one character, longest first.
var puncts = []string{
	"<<=", ">>=", "...",
	"->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||",
	"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##",
}

// lex splits src into tokens. It accepts any input: an unterminated comment or
// string ends with the source.
func lex(src string) []token {
	var out []token
	line, lineStart := 1, true // lineStart: only white space so far on this line
	for i := 0; i < len(src); {
		c := src[i]
		start, startLine := i, line
		switch {
		case c == '\n':
			line++
			i++
			lineStart = true
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || strings.HasPrefix(src[i:], "\\\n"):
			i++
			continue
		case strings.HasPrefix(src[i:], "//"):
			i = skipLine(src, i)
			continue
		case strings.HasPrefix(src[i:], "/*"):
			n := strings.Index(src[i+2:], "*/")
			if n < 0 {
				return out
			}
			line += strings.Count(src[i:i+2+n], "\n")
			i += n + 4
			continue
		case c == '#' && lineStart:
			i = skipDirective(src, i)
			line += strings.Count(src[start:i], "\n")
			out = append(out, token{directive, src[start:i], start, i, startLine})
			continue
		case c == '"' || c == '\'':
			i = skipQuoted(src, i)
			line += strings.Count(src[start:i], "\n")
			out = append(out, token{text, src[start:i], start, i, startLine})
		case isLetter(c):
			for i < len(src) && (isLetter(src[i]) || isDigit(src[i])) {
				i++
			}
			out = append(out, token{ident, src[start:i], start, i, startLine})
		case isDigit(c):
			for i < len(src) && (isLetter(src[i]) || isDigit(src[i]) || src[i] == '.') {
				i++
			}
			out = append(out, token{number, src[start:i], start, i, startLine})
		default:
			i++
			for _, p := range puncts {
				if strings.HasPrefix(src[start:], p) {
					i = start + len(p)
					break
				}
			}
			out = append(out, token{punct, src[start:i], start, i, startLine})
		}
		lineStart = false
	}
	return out
}

func skipLine(src string, i int) int {
	n := strings.IndexByte(src[i:], '\n')
	if n < 0 {
		return len(src)
	}
	return i + n
}

// skipDirective returns the end of the directive at i, which may continue after
// a backslash or within a comment.
func skipDirective(src string, i int) int {
	for i < len(src) && src[i] != '\n' {
		switch {
		case strings.HasPrefix(src[i:], "\\\n"):
			i += 2
		case strings.HasPrefix(src[i:], "/*"):
			n := strings.Index(src[i+2:], "*/")
			if n < 0 {
				return len(src)
			}
			i += n + 4
		case src[i] == '"':
			i = skipQuoted(src, i)
		default:
			i++
		}
	}
	return i
}

func skipQuoted(src string, i int) int {
	q := src[i]
	for i++; i < len(src) && src[i] != q && src[i] != '\n'; i++ {
		if src[i] == '\\' && i+1 < len(src) {
			i++
		}
	}
	return min(i+1, len(src))
}

func isLetter(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
