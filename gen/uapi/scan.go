// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"strconv"
	"strings"
)

// macro is an object-like or function-like macro as the preprocessor saw it.
type macro struct {
	name     string
	body     string
	function bool
	params   string // of a function-like macro
	builtin  bool   // the compiler's own
	file     string // as the compiler calls it
	pos      Pos
}

// enumerator is a member of an enum as written in the source.
type enumerator struct {
	name string
	expr string
	pos  Pos

	// The enum it belongs to: its number, tag and place.
	enum  int
	tag   string
	start Pos
}

// scanned has the definitions in the output of cc -E -dD.
type scanned struct {
	// macros holds the final definitions, by name.
	macros map[string]*macro
	// order lists the names of macros as first defined.
	order []string
	// enumerators in the order of the text.
	enumerators []enumerator
	// files are all that was read, as the compiler calls them.
	files map[string]bool
	// declared are tags of definitions, typedefs and enumerators, each with
	// its file.
	declared map[string]string
	// typedefs maps each typedef to the file that declares it first. C allows repeating
	// one.
	typedefs map[string]string
}

// scanner walks over preprocessed text.
type scanner struct {
	out   scanned
	pos   Pos
	state enumState
	tag   string
	start Pos
	enums int
	depth int
	cur   enumerator
	toks  []string
	file  string
	decl  declScanner
}

type enumState int

const (
	outside  enumState = iota
	sawEnum            // after the word enum
	wantName           // in the braces, before an enumerator
	inExpr             // after the name of an enumerator
)

// scan reads the output of cc -E -dD. rel turns the name in a line marker into
// the path of a header, or "" for lines that are of no interest.
func scan(text string, rel func(string) string) (*scanned, error) {
	s := &scanner{out: scanned{
		macros: make(map[string]*macro), files: make(map[string]bool), declared: make(map[string]string),
		typedefs: make(map[string]string),
	}}
	for n := 1; text != ""; n++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if !strings.HasPrefix(line, "#") {
			s.text(line)
			s.pos.Line++
			continue
		}
		switch word, rest, _ := strings.Cut(line[1:], " "); word {
		case "define":
			if err := s.define(rest); err != nil {
				return nil, fmt.Errorf("preprocessed line %d: %w", n, err)
			}
			s.pos.Line++
		case "undef":
			delete(s.out.macros, strings.TrimSpace(rest))
			s.pos.Line++
		case "", "line":
			if err := s.marker(rest, rel); err != nil {
				return nil, fmt.Errorf("preprocessed line %d: %w", n, err)
			}
		default: // #pragma, #ident
			s.pos.Line++
		}
	}
	if s.state != outside {
		return nil, fmt.Errorf("enum %s at %s does not end", s.tag, s.start)
	}
	return &s.out, nil
}

// marker reads the rest of # LINE "FILE" FLAGS.
func (s *scanner) marker(rest string, rel func(string) string) error {
	num, file, ok := strings.Cut(rest, " ")
	if !ok {
		return fmt.Errorf("line marker %q without a file", rest)
	}
	line, err := strconv.Atoi(num)
	if err != nil {
		return fmt.Errorf("line marker %q: %w", rest, err)
	}
	quoted, err := strconv.QuotedPrefix(file)
	if err != nil {
		return fmt.Errorf("line marker %q: %w", rest, err)
	}
	name, err := strconv.Unquote(quoted)
	if err != nil {
		return fmt.Errorf("line marker %q: %w", rest, err)
	}
	s.pos = Pos{File: rel(name), Line: line}
	if s.file = name; !strings.HasPrefix(name, "<") {
		s.out.files[name] = true
	}
	return nil
}

// define reads the text after #define: NAME, NAME BODY or NAME(ARGS) BODY.
func (s *scanner) define(rest string) error {
	n := identLen(rest)
	if n == 0 {
		return fmt.Errorf("#define %q has no name", rest)
	}
	m := &macro{name: rest[:n], pos: s.pos, builtin: strings.HasPrefix(s.file, "<"), file: s.file}
	rest = rest[n:]
	if strings.HasPrefix(rest, "(") {
		m.function = true
		m.params, rest, _ = strings.Cut(rest, ")")
	}
	m.body = strings.TrimSpace(rest)
	s.out.order = append(s.out.order, m.name)
	s.out.macros[m.name] = m
	return nil
}

// text reads a line of C: the names that it declares, and enumerators.
func (s *scanner) text(line string) {
	for line != "" {
		tok := nextToken(line)
		line = line[len(tok):]
		if isSpace(tok[0]) {
			continue
		}
		if name := s.decl.token(tok); name != "" {
			s.out.declared[name] = s.file
			if _, repeated := s.out.typedefs[name]; tok != "{" && !repeated {
				s.out.typedefs[name] = s.file
			}
		}
		s.token(tok)
	}
}

func (s *scanner) token(tok string) {
	switch s.state {
	case outside:
		if tok == "enum" {
			s.state, s.tag, s.start, s.depth = sawEnum, "", s.pos, 0
		}
	case sawEnum:
		s.afterEnum(tok)
	case wantName:
		switch {
		case tok == "}":
			s.state = outside
		case identLen(tok) == len(tok):
			s.cur = enumerator{name: tok, pos: s.pos, enum: s.enums, tag: s.tag, start: s.start}
			s.toks = s.toks[:0]
			s.state = inExpr
		}
	case inExpr:
		s.expr(tok)
	}
}

// afterEnum reads what can be between the word enum and its brace: a tag and attributes.
// Anything else means that no enum is defined here.
func (s *scanner) afterEnum(tok string) {
	switch {
	case tok == "(":
		s.depth++
	case tok == ")":
		if s.depth--; s.depth < 0 {
			s.state = outside
		}
	case s.depth > 0 || tok == "__attribute__" || tok == "__attribute":
	case tok == "{":
		s.state = wantName
		s.enums++
	case identLen(tok) == len(tok) && s.tag == "":
		s.tag = tok
	default:
		s.state = outside
	}
}

func (s *scanner) expr(tok string) {
	switch tok {
	case "(":
		s.depth++
	case ")":
		s.depth--
	case ",", "}":
		if s.depth > 0 {
			break
		}
		s.cur.expr = strings.TrimPrefix(strings.Join(s.toks, " "), "= ")
		s.out.enumerators = append(s.out.enumerators, s.cur)
		s.out.declared[s.cur.name] = s.file
		s.state = wantName
		if tok == "}" {
			s.state = outside
		}
		return
	}
	s.toks = append(s.toks, tok)
}

// nextToken returns the first token of line, which is not empty. A run of spaces is a
// token. A string or a character literal is one token.
func nextToken(line string) string {
	switch c := line[0]; {
	case isSpace(c):
		n := 1
		for n < len(line) && isSpace(line[n]) {
			n++
		}
		return line[:n]
	case identLen(line) > 0:
		return line[:identLen(line)]
	case c >= '0' && c <= '9':
		n := 1
		for n < len(line) && (isIdent(line[n]) || line[n] == '.') {
			n++
		}
		return line[:n]
	case c == '"' || c == '\'':
		for n := 1; n < len(line); n++ {
			switch line[n] {
			case '\\':
				n++
			case c:
				return line[:n+1]
			}
		}
		return line
	case strings.HasPrefix(line, "<<") || strings.HasPrefix(line, ">>"):
		return line[:2]
	}
	return line[:1]
}

// identLen returns the length of the identifier that s begins with, or 0.
func identLen(s string) int {
	if s == "" || !isIdent(s[0]) || s[0] >= '0' && s[0] <= '9' {
		return 0
	}
	n := 1
	for n < len(s) && isIdent(s[n]) {
		n++
	}
	return n
}

func isIdent(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }
