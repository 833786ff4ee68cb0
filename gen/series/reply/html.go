// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"html"
	"strings"
)

// breaks are the HTML elements that begin a line.
var breaks = map[string]bool{
	"br": true, "p": true, "div": true, "tr": true, "li": true, "ul": true, "ol": true, "pre": true, "table": true,
	"blockquote": true, "hr": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
}

// maxMarkup is how long an element's markup may be, in bytes.
const maxMarkup = 1 << 16

// htmlText converts HTML to plain text. It puts elements that may hold a tag on separate
// lines, and marks quotes with "> ".
func htmlText(s string) string {
	h := &htmlReader{}
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			h.write(s)
			break
		}
		h.write(s[:i])
		s = h.tag(s[i:])
	}
	h.flush()
	return h.out.String()
}

type htmlReader struct {
	out   strings.Builder
	line  strings.Builder
	quote int
	pre   int
	// skip is the element to skip. It may be empty.
	skip string
}

// write adds text.
func (h *htmlReader) write(s string) {
	if h.skip != "" || s == "" {
		return
	}
	s = html.UnescapeString(s)
	if h.pre == 0 {
		h.line.WriteString(strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == '\t' {
				return ' '
			}
			return r
		}, s))
		return
	}
	for i, l := range strings.Split(s, "\n") {
		if i > 0 {
			h.flush()
		}
		h.line.WriteString(l)
	}
}

// flush ends a line.
func (h *htmlReader) flush() {
	l := h.line.String()
	h.line.Reset()
	if h.pre == 0 {
		l = strings.Join(strings.Fields(l), " ")
	}
	h.out.WriteString(strings.Repeat("> ", h.quote) + l + "\n")
}

// tag reads the markup at the beginning of s and returns the rest.
func (h *htmlReader) tag(s string) (rest string) {
	if strings.HasPrefix(s, "<!--") {
		if _, after, ok := strings.Cut(s, "-->"); ok {
			return after
		}
		return ""
	}
	end, quote, limit := -1, byte(0), min(len(s), maxMarkup)
	for i := 1; i < limit && end < 0; i++ {
		switch c := s[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case (c == '"' || c == '\'') && s[i-1] == '=':
			quote = c
		case c == '>':
			end = i
		}
	}
	if end < 0 {
		// This is text, not markup.
		h.write(s[:limit])
		return s[limit:]
	}
	inner, rest := s[1:end], s[end+1:]
	name := strings.ToLower(strings.TrimPrefix(inner, "/"))
	if i := strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r == '/' }); i >= 0 {
		name = name[:i]
	}
	closing := strings.HasPrefix(inner, "/")
	switch {
	case h.skip != "":
		if closing && name == h.skip {
			h.skip = ""
		}
		return rest
	case strings.Contains(name, "@"):
		// An address with unescaped brackets.
		h.write("<" + inner + ">")
		return rest
	case name == "style" || name == "script" || name == "head" || name == "title":
		if !closing {
			h.skip = name
		}
		return rest
	}
	if !breaks[name] {
		return rest
	}
	h.flush()
	step := 1
	if closing {
		step = -1
	}
	switch name {
	case "blockquote":
		h.quote = min(max(h.quote+step, 0), 50)
	case "pre":
		h.pre = max(h.pre+step, 0)
	}
	return rest
}
