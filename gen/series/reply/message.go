// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"bufio"
	"bytes"
	"fmt"
	"mime"
	netmail "net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message/textproto"

	"xpsgen/gen/series/mail"
	"xpsgen/vmtest/lazyregexp"
)

// Message is one mail.
type Message struct {
	// Source is the file. N is the mail in it, from 1.
	Source string
	N      int
	// ID is the Message-ID without angle brackets; may be empty.
	ID string
	// Parents are the Message-IDs of the mails that this one answers, the nearest first:
	// those of In-Reply-To, then those of References from the last to the first.
	Parents []string
	// From is the sender.
	From mail.Address
	// Subject is decoded and on one line.
	Subject string
	// Text is the text that the sender wrote, in UTF-8 with LF line ends. Lines of
	// format=flowed are joined. Bytes that are invalid in the mail's character set are
	// U+FFFD.
	Text string
	// Aside is text that somebody else may have written: attachments and forwarded mails.
	Aside string
	// Diff is set if Text holds a patch, Stat if it holds a diffstat.
	Diff, Stat bool
}

var (
	replyPrefix = lazyregexp.New(`^(?i)((re|aw|sv|vs|antw|wg|fwd?)(\[\d+\])?\s*:\s*)+`)
	// otherReply matches "XX: [PATCH", a reply prefix of any language.
	otherReply = lazyregexp.New(`^\pL{2,3}\s*[:：]\s*\[`)
	angled     = lazyregexp.New(`<([^<>\s]+)>`)
	diffStart  = lazyregexp.New(`(?m)^(---.*\n\+\+\+ |GIT binary patch|diff --git \w/\S+ \w/\S+)`)
	statLine   = lazyregexp.New(`(?m)^\s*\d+ files? changed, \d+ (insertion|deletion)`)
)

// IsReply reports whether m is a reply. Some programs drop the "Re:", so a mail with
// neither a diff nor a diffstat is a reply as well.
func (m *Message) IsReply() bool {
	if replyPrefix.MatchString(m.Subject) || otherReply.MatchString(m.Subject) {
		return true
	}
	return !m.Diff && !m.Stat
}

// Topic returns the subject without reply prefixes, such as "Re:".
func (m *Message) Topic() string {
	s := replyPrefix.ReplaceAllString(m.Subject, "")
	if otherReply.MatchString(s) {
		s = s[strings.IndexByte(s, '['):]
	}
	return strings.TrimSpace(s)
}

// parse reads one mail. After an error, the message still has the parts that could be read.
func parse(data []byte) (*Message, error) {
	m := &Message{}
	head, body := splitHeader(data)
	h, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	if !h.Has("From") && !h.Has("Subject") && !h.Has("Message-Id") {
		return m, ErrHeader
	}
	t := &texts{}
	err = t.read(h, body, 0)
	m.Subject = strings.Join(strings.Fields(decodeHeader(h.Get("Subject"), t.charset)), " ")
	m.From = sender(h.Get("From"), t.charset)
	if ids := messageIDs(h.Get("Message-Id")); len(ids) > 0 {
		m.ID = ids[0]
	}
	m.Parents = messageIDs(h.Get("In-Reply-To"))
	refs := messageIDs(h.Get("References"))
	slices.Reverse(refs)
	for _, id := range refs {
		if !slices.Contains(m.Parents, id) {
			m.Parents = append(m.Parents, id)
		}
	}
	m.Text, m.Aside = t.text(), strings.Join(t.aside, "\n")
	m.Diff = strings.Contains(m.Text, "\n+++ ") || strings.Contains(m.Text, "diff --git ") || strings.Contains(m.Text, "GIT binary patch")
	m.Diff = m.Diff && diffStart.MatchString(m.Text)
	m.Stat = strings.Contains(m.Text, " changed, ") && statLine.MatchString(m.Text)
	return m, err
}

// splitHeader splits a mail where its headers end: at the empty line, or at the first line
// that is not a header. head has CR LF line ends and an empty line at its end, as package
// textproto requires.
func splitHeader(data []byte) (head, body []byte) {
	var b bytes.Buffer
	at := 0
	for at < len(data) {
		line, after := cutLine(data, at)
		switch {
		case len(bytes.TrimRight(line, " \t\r")) == 0:
			b.WriteString("\r\n")
			return b.Bytes(), data[after:]
		case headerLine.Match(line):
			b.Write(line)
			b.WriteString("\r\n")
		case line[0] == ' ' || line[0] == '\t':
			if b.Len() > 0 {
				b.Write(line)
				b.WriteString("\r\n")
			}
		case bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")):
			// The From line of an mbox. Some programs write several.
		default:
			b.WriteString("\r\n")
			return b.Bytes(), data[at:]
		}
		at = after
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// messageIDs reads the ids of a header. Some programs write text around them,
// others leave out the brackets.
func messageIDs(value string) (ids []string) {
	for _, m := range angled.FindAllStringSubmatch(value, -1) {
		ids = append(ids, m[1])
	}
	if len(ids) == 0 {
		for _, word := range strings.Fields(value) {
			if word = strings.Trim(word, "<>,;\""); strings.Contains(word, "@") {
				ids = append(ids, word)
			}
		}
	}
	return ids
}

// decodeHeader undoes encoded words and folding. It decodes other bytes as the body's
// character set, or else as windows-1252.
func decodeHeader(value, charset string) string {
	value = rawText(value, charset)
	dec := mime.WordDecoder{CharsetReader: charsetReader}
	if s, err := dec.DecodeHeader(value); err == nil {
		value = s
	}
	return noControl(value)
}

// noControl replaces control characters by spaces, because a terminal would interpret
// them.
func noControl(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// rawText converts a header with bytes outside of ASCII to UTF-8.
func rawText(value, charset string) string {
	if utf8.ValidString(value) {
		return value
	}
	for _, name := range []string{charset, "windows-1252"} {
		if enc := charsetOf(name); enc != nil {
			if s, err := enc.NewDecoder().String(value); err == nil && !strings.ContainsRune(s, utf8.RuneError) {
				return s
			}
		}
	}
	return strings.ToValidUTF8(value, string(utf8.RuneError))
}

// sender returns the first address of a From header. Without a valid address it returns the
// text of the header as name.
func sender(value, charset string) mail.Address {
	raw := rawText(value, charset)
	p := netmail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charsetReader}}
	if list, err := p.ParseList(raw); err == nil && len(list) > 0 {
		return mail.Address{Name: strings.Join(strings.Fields(noControl(list[0].Name)), " "), Email: noControl(list[0].Address)}
	}
	a, err := mail.ParseAddress(decodeHeader(value, charset))
	if err != nil {
		return mail.Address{Name: strings.TrimSpace(decodeHeader(value, charset))}
	}
	return a
}
