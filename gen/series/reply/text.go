// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"

	"xpsgen/vmtest/lazyregexp"

	"github.com/emersion/go-message/textproto"
)

// maxDepth limits how deep parts may be nested.
const maxDepth = 20

// texts collects the text of a mail.
type texts struct {
	// plain and html are the parts that the sender wrote.
	plain, html []string
	// aside are attachments and forwarded mails.
	aside []string
	// charset is the character set of the first text; may be empty.
	charset string
}

// text returns the sender's text. HTML counts only if there is no plain text.
func (t *texts) text() string {
	s := strings.Join(t.plain, "\n")
	if strings.TrimSpace(s) == "" && len(t.html) > 0 {
		return strings.Join(t.html, "\n")
	}
	return s
}

// read adds the text of a mail or of a part. An error says why the text is missing or
// doubtful.
func (t *texts) read(h textproto.Header, body []byte, depth int) error {
	kind, params := contentType(h.Get("Content-Type"))
	attached := isAttachment(h.Get("Content-Disposition"))
	switch {
	case depth > maxDepth:
		return fmt.Errorf("%w: parts are nested more than %d deep", ErrMultipart, maxDepth)
	case strings.HasPrefix(kind, "multipart/"):
		if params["boundary"] == "" {
			return fmt.Errorf("%w: the header names no boundary", ErrMultipart)
		}
		return t.readParts(body, params["boundary"], depth)
	case kind == "message/rfc822":
		// A forwarded mail is another sender's.
		if inner, err := parse(body); err == nil {
			t.aside = append(t.aside, inner.Text)
		}
		return nil
	case !strings.HasPrefix(kind, "text/"):
		if depth == 0 {
			return fmt.Errorf("%w: the content type is %s", ErrNoText, kind)
		}
		return nil
	}
	if t.charset == "" {
		t.charset = params["charset"]
	}
	raw, err := undo(string(body), h.Get("Content-Transfer-Encoding"))
	if err != nil && attached {
		return nil
	}
	raw = strings.ReplaceAll(raw, "\r\n", "\n")
	text, cerr := decodeText(raw, params["charset"])
	err = errors.Join(err, cerr)
	switch {
	case attached || kind != "text/plain" && kind != "text/html":
		t.aside = append(t.aside, text)
		return nil
	case kind == "text/html":
		t.html = append(t.html, htmlText(text))
	case strings.EqualFold(params["format"], "flowed"):
		t.plain = append(t.plain, unflow(text, strings.EqualFold(params["delsp"], "yes")))
	default:
		t.plain = append(t.plain, text)
	}
	return err
}

// readParts reads the parts of a multipart body. It keeps the text of the other parts after
// an error, and returns the first error.
func (t *texts) readParts(body []byte, boundary string, depth int) error {
	// The library reads CRLF and LF, but not a mix of both.
	r := textproto.NewMultipartReader(bytes.NewReader(body), boundary)
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for n := 0; ; n++ {
		p, err := r.NextPart()
		if err != nil {
			// A truncated mail lacks the last boundary: its text counts.
			// The library does not wrap io.EOF.
			if n == 0 {
				keep(fmt.Errorf("%w: no part begins with the boundary %q", ErrMultipart, boundary))
			} else if !strings.HasSuffix(err.Error(), "EOF") {
				keep(fmt.Errorf("%w: part %d: %w", ErrMultipart, n+1, err))
			}
			break
		}
		data, err := io.ReadAll(p)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			keep(fmt.Errorf("%w: part %d: %w", ErrMultipart, n+1, err))
		}
		if err := t.read(p.Header, data, depth+1); err != nil {
			keep(fmt.Errorf("part %d: %w", n+1, err))
		}
	}
	if depth > 0 || first != nil && strings.TrimSpace(t.text()) == "" {
		return first
	}
	if len(t.plain)+len(t.html) == 0 {
		return fmt.Errorf("%w", ErrNoText)
	}
	// The lost part may have a tag.
	return first
}

var (
	charsetParam  = lazyregexp.New(`(?i)\bcharset\s*=\s*"?([^"\s;]+)`)
	boundaryParam = lazyregexp.New(`(?i)\bboundary\s*=\s*(?:"([^"]*)"|([^\s;]+))`)
	formatParam   = lazyregexp.New(`(?i)\bformat\s*=\s*"?(flowed)`)
	delspParam    = lazyregexp.New(`(?i)\bdelsp\s*=\s*"?(yes)`)
)

// contentType reads a Content-Type header. From an invalid header it takes only the
// parameters that this package uses.
func contentType(value string) (kind string, params map[string]string) {
	if strings.TrimSpace(value) == "" {
		return "text/plain", nil
	}
	kind, params, err := mime.ParseMediaType(value)
	if err == nil && strings.Contains(kind, "/") {
		return kind, params
	}
	kind, _, _ = strings.Cut(value, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if major, minor, ok := strings.Cut(kind, "/"); !ok || major == "" || minor == "" || strings.ContainsAny(kind, " \t") {
		kind = "text/plain"
	}
	params = map[string]string{}
	for name, re := range map[string]*lazyregexp.Regexp{"charset": charsetParam, "boundary": boundaryParam, "format": formatParam, "delsp": delspParam} {
		if m := re.FindStringSubmatch(value); m != nil {
			params[name] = strings.Join(m[1:], "")
		}
	}
	return kind, params
}

func isAttachment(disposition string) bool {
	kind, _, _ := strings.Cut(disposition, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "attachment")
}

// undo undoes a transfer encoding.
func undo(text, encoding string) (string, error) {
	switch strings.ToLower(strings.Trim(encoding, " \t\"';")) {
	case "quoted-printable":
		// The library stops at control characters.
		text = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(text, "?"))
		data, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text)))
		if err != nil {
			return string(data), fmt.Errorf("%w: quoted-printable: %w", ErrEncoding, err)
		}
		return string(data), nil
	case "base64":
		return undoBase64(text)
	case "x-uuencode", "uuencode", "x-uue", "uue":
		return text, fmt.Errorf("%w: %q is not supported", ErrEncoding, encoding)
	}
	// Python's library, which b4 uses, also treats an unknown encoding as none.
	return text, nil
}

// undoBase64 decodes lines of base64. Lists append their footer as plain text. It comes
// after the decoded text.
func undoBase64(text string) (string, error) {
	var packed strings.Builder
	var footer []string
	sc := bufio.NewScanner(strings.NewReader(text))
	sc.Buffer(nil, len(text)+1)
	for sc.Scan() {
		line := strings.Join(strings.Fields(sc.Text()), "")
		// Lines of base64 are whole groups of four letters, unless there is only one line.
		// So a line of another length after them is a footer, even if it is a single word.
		ended := strings.HasSuffix(packed.String(), "=") || packed.Len() > 0 && packed.Len()%4 == 0 && len(line)%4 != 0
		if len(footer) > 0 || line != "" && (ended || strings.Trim(line, base64Letters) != "" ||
			len(strings.Fields(sc.Text())) > 1) {
			footer = append(footer, sc.Text())
			continue
		}
		packed.WriteString(line)
	}
	s := packed.String()
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		// The padding may be missing.
		s = strings.TrimRight(s, "=")
		if data, err = base64.RawStdEncoding.DecodeString(s[:len(s)-len(s)%4+pad(len(s)%4)]); err == nil && len(s)%4 == 1 {
			err = errors.New("truncated")
		}
	}
	if err != nil {
		err = fmt.Errorf("%w: base64: %w", ErrEncoding, err)
	}
	if len(footer) == 0 {
		return string(data), err
	}
	if err == nil && len(data) == 0 {
		err = fmt.Errorf("%w: base64: invalid text %.40q", ErrEncoding, footer[0])
	}
	return string(data) + "\n" + strings.Join(footer, "\n"), err
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// pad is how many of the letters after the last complete group can be decoded.
func pad(n int) int {
	if n == 1 {
		return 0
	}
	return n
}
