// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"strings"
	"unicode/utf8"

	"xpsgen/vmtest/lazyregexp"
)

// maxLine is the number of bytes that are read of a line. No tag is longer.
const maxLine = 4096

var (
	scissors = lazyregexp.New(`^\s*-+\s*(8<|>8|%<|>%)`)
	original = lazyregexp.New(`(?i)^\s*-{2,}\s*(Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine)\s*-{2,}`)
	// typography maps characters that programs substitute to plain ones.
	typography = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2007", " ", "\u2010", "-", "\u2011", "-",
		"\u200b", "", "\u2060", "", "\ufeff", "", "\u00ad", "", "\uff1a", ":")
)

// Tags finds the tags that the sender gives, and the lines that look like one. It skips
// quoted lines, which other people wrote. A line is refused if it is below the
// signature, in a patch within the mail, within a sentence, without an address, or not
// decodable.
func (m *Message) Tags() (tags []Tag, refused []Refused) {
	f := &finder{m: m, lines: strings.Split(m.Text, "\n")}
	for i := 0; i < len(f.lines); i++ {
		f.line(&i)
	}
	for _, l := range strings.Split(m.Aside, "\n") {
		if l = strings.TrimSpace(cut(l)); beginsTag(l) && !strings.HasPrefix(l, ">") {
			f.refuse(l, -1, "it is in an attachment or a forwarded mail")
		}
	}
	return f.tags, f.refused
}

type finder struct {
	m       *Message
	lines   []string
	tags    []Tag
	refused []Refused
	// Each says that the current line is in a kind of text that is not the sender's own
	// words.
	signature, patch, diff, quoted, pgp bool
}

func cut(s string) string {
	if len(s) > maxLine {
		s = s[:maxLine]
	}
	return s
}

func (f *finder) refuse(text string, at int, why string) {
	f.refused = append(f.refused, Refused{Text: strings.TrimSpace(plainText(cut(text))), Line: at + 1, Why: why})
}

// line reads the line at i and its continuation lines.
func (f *finder) line(i *int) {
	at := *i
	line := strings.TrimSuffix(cut(f.lines[at]), "\r")
	if strings.HasPrefix(strings.TrimLeft(line, " \t"), ">") {
		return
	}
	switch {
	case line == "-- " && at > 0:
		f.signature = true
		return
	case f.m.Diff && f.beginsDiff(at):
		f.patch, f.diff = true, true
		return
	case !strings.HasPrefix(strings.TrimLeft(line, " \t"), "-"):
	case scissors.MatchString(line):
		f.patch = true
		return
	case original.MatchString(line):
		f.quoted = true
		return
	case strings.HasPrefix(line, "-----BEGIN PGP SIGNED MESSAGE"):
		f.pgp = true
		return
	}
	if f.pgp {
		line = strings.TrimPrefix(line, "- ")
	}
	if f.diff && line != "" && strings.IndexByte(" +-@\\", line[0]) >= 0 {
		return
	}
	plain := plainText(line)
	whole := plain
	if at+1 < len(f.lines) && strings.HasPrefix(strings.TrimLeft(f.lines[at+1], " \t"), "<") {
		whole += " " + plainText(cut(f.lines[at+1]))
	}
	if !mayBeTag(plain) && !namesPerson(whole) && !strings.Contains(plain, "://") {
		return
	}
	key, value, ok := field(plain)
	switch {
	case ok && isTagName(key):
		f.tag(i, key, value)
	case ok && isLink(key):
		// b4 takes links since 0.14, from any sender.
		if strings.Contains(value, "://") && !f.quoted && !f.signature {
			f.refuse(line, at, "a link is not a review; add it by hand if it belongs to the patch")
		}
	case ok && isHeader(key):
	case ok && strings.Contains(key, "-") && namesPerson(whole):
		// b4 takes any word before an address.
		if !f.quoted && !f.signature {
			f.refuse(line, at, "kernel documentation does not name this tag")
		}
	case anywhere.MatchString(plain) || noColon.MatchString(plain):
		if !f.quoted {
			f.refuse(line, at, "a tag begins its line and has a colon")
		}
	}
}

// plainText returns a line without control characters and without characters that change
// the direction of text. It replaces the characters of typography.
func plainText(line string) string {
	if isPlain(line) {
		return line
	}
	line = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200e' || r == '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, noControl(line))
	return typography.Replace(line)
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// mayBeTag is a fast test, so that most lines need no regular expression.
func mayBeTag(line string) bool {
	for i := 0; i+2 < len(line); i++ {
		switch line[i] {
		case '-':
			if (line[i+1]|0x20) == 'b' && (line[i+2]|0x20) == 'y' {
				return true
			}
		case 'f', 'F':
			if len(line) >= i+6 && strings.EqualFold(line[i:i+5], "fixes") {
				return true
			}
		}
	}
	return false
}

// namesPerson reports whether a line may be a name, a colon and an address.
func namesPerson(line string) bool {
	colon := strings.Index(line, ":")
	return colon > 0 && colon < 64 && strings.Contains(line[colon:], "@")
}

func isLink(key string) bool {
	return strings.EqualFold(key, "Link") || strings.EqualFold(key, "Closes") || strings.EqualFold(key, "BugLink")
}

// isHeader reports whether key is a header of a mail. People paste headers into replies.
func isHeader(key string) bool {
	switch key = strings.ToLower(key); key {
	case "from", "to", "cc", "bcc", "subject", "date", "sent", "author", "message-id", "in-reply-to", "references",
		"reply-to", "e-mail", "change-id", "base-commit", "prerequisite-message-id":
		return true
	}
	return strings.HasPrefix(key, "x-") || strings.HasPrefix(key, "list-") || strings.HasPrefix(key, "mail-") || strings.HasPrefix(key, "return-")
}

// beginsDiff reports whether a patch's diff begins at a line.
func (f *finder) beginsDiff(at int) bool {
	l := f.lines[at]
	return strings.HasPrefix(l, "diff --git ") || strings.HasPrefix(l, "GIT binary patch") ||
		strings.HasPrefix(l, "---") && at+1 < len(f.lines) && strings.HasPrefix(f.lines[at+1], "+++ ")
}

// tag reads the tag at line i.
func (f *finder) tag(i *int, key, value string) {
	at := *i
	t, ok := newTag(key, value)
	if !ok {
		var last int
		if t, last, ok = f.wrapped(at, key, value); ok {
			*i = last
		}
	}
	text := key + ": " + value
	if ok {
		text = t.String()
	}
	t.Line, t.Quoted = at+1, f.quoted
	switch {
	case !ok && t.Key == "Fixes" && !hash.MatchString(value):
		// "Fixes: the bug for me" is a sentence.
	case f.signature:
		f.refuse(text, at, "it is below the signature")
	case f.patch, f.m.Diff && t.Key == "Signed-off-by":
		f.refuse(text, at, "it belongs to the patch in the mail")
	case !ok && f.quoted:
	case !ok && t.Key == "Fixes":
		f.refuse(text, at, `it is not of the form HASH ("title")`)
	case !ok:
		f.refuse(text, at, "it has no valid mail address")
	case strings.ContainsRune(text, utf8.RuneError):
		f.refuse(text, at, "it has bytes that are invalid in the mail's character set")
	case strings.HasPrefix(t.Key, "Nack") || strings.HasPrefix(t.Key, "Nak"):
		f.refuse(text, at, "it objects to the patch")
	default:
		if n := *i + 1; n < len(f.lines) && bracket.MatchString(f.lines[n]) && !strings.ContainsRune(f.lines[n], utf8.RuneError) {
			t.Note = strings.Join(strings.Fields(plainText(f.lines[n])), " ")
			*i = n
		}
		f.tags = append(f.tags, t)
	}
	f.second(at, value)
}

// wrapped reads a tag whose value continues in the next lines. It returns the last of
// them.
func (f *finder) wrapped(at int, key, value string) (t Tag, last int, ok bool) {
	t, _ = newTag(key, value)
	for n := 1; n <= 3 && at+n < len(f.lines); n++ {
		next := strings.TrimSpace(plainText(cut(f.lines[at+n])))
		if next == "" || next == "--" || next[0] == '>' || beginsTag(next) {
			break
		}
		space := " "
		if openEnd.MatchString(value) {
			space = ""
		}
		value = strings.TrimSpace(value + space + next)
		if whole, ok := newTag(key, value); ok {
			// An address in a following sentence does not belong to the tag.
			return whole, at + n, endsTag(whole, next)
		}
	}
	return t, at, false
}

// second reads the second tag of a line.
func (f *finder) second(at int, value string) {
	m := person.FindStringSubmatch(value)
	if m == nil {
		return
	}
	if m = second.FindStringSubmatch(m[3]); m == nil {
		return
	}
	sub := &finder{m: f.m, lines: make([]string, at+1), signature: f.signature, patch: f.patch, quoted: f.quoted}
	if key, rest, ok := field(m[1]); ok && isTagName(key) {
		n := at
		sub.tag(&n, key, rest)
	}
	f.tags, f.refused = append(f.tags, sub.tags...), append(f.refused, sub.refused...)
}

// endsTag reports whether a continued line ends with the tag.
func endsTag(t Tag, next string) bool {
	if t.Key == "Fixes" {
		return true
	}
	i := strings.Index(next, t.Person.Email)
	if i < 0 {
		// The address is wrapped, too.
		return strings.HasSuffix(next, ">") || !strings.ContainsAny(next, " \t")
	}
	rest := strings.TrimLeft(next[i+len(t.Person.Email):], "> \t")
	return rest == "" || strings.ContainsRune("#([,;.", rune(rest[0]))
}
