// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import (
	"bytes"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"
)

// Mail is one message.
type Mail struct {
	// From_ is the line that an mbox puts before a mail, without "From ";
	// empty if there is none.
	From_ string
	// Header are the headers in order, unfolded and decoded.
	Header Header
	// Body is the text, with the transfer encoding undone and LF line ends,
	// in the character set Charset.
	Body string
	// Charset is the character set of Body in lower case; empty if the mail
	// does not say.
	Charset string
	// Flowed is set if the sender's program may have wrapped the lines
	// (format=flowed).
	Flowed bool
	// CRLF is set if the lines ended in CR LF. Body then has LF.
	CRLF bool
	// Encoded is set if there was a transfer encoding to undo: lines of Body
	// are then not lines of the mail.
	Encoded bool
	// BodyLine is the line of the mail on which Body begins, from 1.
	BodyLine int
}

// Field is one header.
type Field struct {
	Name, Value string
}

// Header is a list of headers in order. A name may be there more than once.
type Header []Field

// Get returns the value of the first header called name, in any case, or "".
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Parse reads one mail, with or without the From line of an mbox. The error is an [*Error].
func Parse(data []byte) (*Mail, error) {
	m := &Mail{}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		m.CRLF = true
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	}
	text := string(data)
	line := 1
	if rest, ok := strings.CutPrefix(text, "From "); ok {
		m.From_, text, _ = strings.Cut(rest, "\n")
		line++
	}
	text, err := m.readHeader(text, &line)
	if err != nil {
		return nil, err
	}
	m.BodyLine = line
	if err := m.readBody(text); err != nil {
		return nil, err
	}
	return m, nil
}

// readHeader reads the headers and returns the text after the empty line.
func (m *Mail) readHeader(text string, line *int) (rest string, err error) {
	dec := &mime.WordDecoder{}
	var raw []Field
	for {
		if text == "" {
			break // a mail without a body
		}
		var l string
		l, text, _ = strings.Cut(text, "\n")
		*line++
		if l == "" {
			break
		}
		if l[0] == ' ' || l[0] == '\t' {
			if len(raw) == 0 {
				return "", &Error{Line: *line - 1, Err: ErrNotMail, Msg: "it begins with a continued line"}
			}
			raw[len(raw)-1].Value += " " + strings.Trim(l, " \t")
			continue
		}
		name, value, ok := strings.Cut(l, ":")
		if !ok || !isFieldName(name) {
			return "", &Error{Line: *line - 1, Err: ErrNotMail, Msg: fmt.Sprintf("%.40q is not a header", l)}
		}
		raw = append(raw, Field{Name: name, Value: strings.Trim(value, " \t")})
	}
	if len(raw) == 0 {
		return "", &Error{Line: *line, Err: ErrNotMail, Msg: "no header"}
	}
	for _, f := range raw {
		if v, err := dec.DecodeHeader(f.Value); err == nil {
			f.Value = v
		}
		if !utf8.ValidString(f.Value) {
			return "", &Error{Err: ErrCharset, Msg: "header " + f.Name + " is not UTF-8"}
		}
		// An encoded word may hide a line end, which would end the header.
		f.Value = strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == 0 {
				return ' '
			}
			return r
		}, f.Value)
		m.Header = append(m.Header, f)
	}
	return text, nil
}

func isFieldName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

// readBody undoes the transfer encoding.
func (m *Mail) readBody(text string) error {
	kind, params := contentType(m.Header.Get("Content-Type"))
	if strings.HasPrefix(kind, "multipart/") {
		return &Error{Line: m.BodyLine, Err: ErrMultipart, Msg: "send the patch as plain text"}
	}
	return m.readText(text, params, m.Header.Get("Content-Transfer-Encoding"))
}

// contentType parses a Content-Type. It returns text/plain if the type is missing or
// invalid.
func contentType(value string) (kind string, params map[string]string) {
	if value == "" {
		return "text/plain", nil
	}
	kind, params, err := mime.ParseMediaType(value)
	if err != nil && kind == "" {
		return "text/plain", nil
	}
	return kind, params
}

func (m *Mail) readText(text string, params map[string]string, encoding string) error {
	m.Charset = strings.ToLower(params["charset"])
	m.Flowed = strings.EqualFold(params["format"], "flowed")
	text, encoded, err := decode(text, encoding)
	if err != nil {
		return &Error{Line: m.BodyLine, Err: ErrEncoding, Msg: err.Error()}
	}
	m.Encoded = m.Encoded || encoded
	if encoded && strings.Contains(text, "\r\n") && strings.Count(text, "\r\n") == strings.Count(text, "\n") {
		m.CRLF = true
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	m.Body = text
	return nil
}

// UTF8 converts a part of Body to UTF-8. The error wraps [ErrCharset].
func (m *Mail) UTF8(text string) (string, error) {
	switch m.Charset {
	case "iso-8859-1", "latin1":
		runes := make([]rune, 0, len(text))
		for i := range len(text) {
			runes = append(runes, rune(text[i]))
		}
		return string(runes), nil
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if utf8.ValidString(text) {
			return text, nil
		}
		return "", &Error{Err: ErrCharset, Msg: "the text is not UTF-8"}
	}
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return "", &Error{Err: ErrCharset, Msg: fmt.Sprintf("%q; send it as UTF-8", m.Charset)}
		}
	}
	return text, nil
}
