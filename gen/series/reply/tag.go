// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/vmtest/lazyregexp"
)

// Tag is a line such as "Reviewed-by: Name <address>" in a reply.
type Tag struct {
	// Key is the name with one capital: "Reviewed-by".
	Key string
	// Value is the text after the colon, with single spaces: a person, or a commit for
	// "Fixes". A comment after "#" or in parentheses belongs to it.
	Value string
	// Note is the line in square brackets that follows a tag; may be empty.
	Note string
	// Person is whom Value names; zero for "Fixes".
	Person mail.Address
	// Line is the line of the message's text, from 1.
	Line int
	// Quoted is set if the line is below "Original Message". Some programs quote there
	// without marks, so the tag may be somebody else's.
	Quoted bool
}

// String formats t as in a commit message.
func (t Tag) String() string {
	s := t.Key + ": " + t.Value
	if t.Note != "" {
		s += " " + t.Note
	}
	return s
}

// From reports whether the tag is the sender's own: it names the same address or the same
// person. Like b4, it treats a+b@c like a@c, and an address at a host like one at the
// host's domain. A tag without a person is always the sender's own.
func (t Tag) From(sender mail.Address) bool {
	if t.Person.Email == "" {
		return true
	}
	return sameEmail(t.Person.Email, sender.Email) || sameName(t.Person.Name, sender.Name)
}

func sameEmail(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if a == b {
		return true
	}
	alocal, adomain, aok := strings.Cut(a, "@")
	blocal, bdomain, bok := strings.Cut(b, "@")
	alocal, _, _ = strings.Cut(alocal, "+")
	blocal, _, _ = strings.Cut(blocal, "+")
	if !aok || !bok || alocal != blocal || alocal == "" {
		return false
	}
	if adomain == bdomain {
		return true
	}
	dots := strings.Count(adomain, ".") - strings.Count(bdomain, ".")
	return dots == 1 && strings.HasSuffix(adomain, "."+bdomain) || dots == -1 && strings.HasSuffix(bdomain, "."+adomain)
}

// sameName compares two names. "Last, First" equals "First Last".
func sameName(a, b string) bool {
	a, b = plainName(a), plainName(b)
	return a != "" && strings.EqualFold(a, b)
}

func plainName(s string) string {
	s = strings.Join(strings.Fields(strings.Trim(s, `"' `)), " ")
	if last, first, ok := strings.Cut(s, ","); ok && !strings.Contains(first, ",") {
		s = strings.TrimSpace(first) + " " + strings.TrimSpace(last)
	}
	return strings.TrimSpace(s)
}

// Refused is a line that looks like a tag but cannot be used.
type Refused struct {
	// Text is the line. Line is its number in the message's text, from 1; 0
	// if it is in an attachment.
	Text string
	Line int
	// Why is the reason.
	Why string
}

var (
	// beginning matches a line that begins like a tag.
	beginning = lazyregexp.New(`^\s*([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)\s*:(?:\s+|$|\b|[<"])`)
	byName    = lazyregexp.New(`(?i)^[a-z][a-z0-9]*(?:-[a-z0-9]+)*-by$`)
	// anywhere finds a possible tag within a line.
	anywhere = lazyregexp.New(`(?i)\b[a-z]+(?:-[a-z]+)*-by\s*:`)
	// noColon matches a tag without a colon, or with another character instead.
	noColon = lazyregexp.New(`(?i)^\W*(?:[a-z]+-(?:and-)?)+by\b[^:@]*@`)
	person  = lazyregexp.New(`^(.*?)\s*<\s*([^<>\s"]+@[^<>\s"@]+\.[^<>\s"@.]+)\s*>(.*)$`)
	bare    = lazyregexp.New(`^()([^<>\s"(),;:]+@[^<>\s"(),;:@]+\.[^<>\s"(),;:@.]+?)([.,;]*(?:\s.*)?)$`)
	mailto  = lazyregexp.New(`(?i)<mailto:[^<>\s]*>|\[?mailto:`)
	commit  = lazyregexp.New(`^[0-9a-f]{6,40}\b`)
	hash    = lazyregexp.New(`\b[0-9a-f]{8,40}\b`)
	second  = lazyregexp.New(`(?i)^[\s,;/&+]*(?:and\s+)?([a-z]+(?:-[a-z]+)*-by\s*:.*)$`)
	bracket = lazyregexp.New(`^\s*\[[^\]]+\]\s*$`)
	openEnd = lazyregexp.New(`<[^<>]*$`)
)

// field splits a line that begins like a tag.
func field(line string) (key, value string, ok bool) {
	m := beginning.FindStringSubmatchIndex(line)
	if m == nil {
		return "", "", false
	}
	key = line[m[2]:m[3]]
	value = strings.TrimSpace(line[strings.IndexByte(line, ':')+1:])
	return key, value, true
}

// isTagName reports whether a tag can have this name: it ends in "-by", or is "Fixes".
func isTagName(key string) bool {
	return byName.MatchString(key) || strings.EqualFold(key, "Fixes")
}

func beginsTag(line string) bool {
	key, _, ok := field(line)
	return ok && isTagName(key)
}

// isWholeTag reports whether a line is a tag with its address.
func isWholeTag(line string) bool {
	key, value, ok := field(line)
	if !ok || !isTagName(key) {
		return false
	}
	_, ok = newTag(key, value)
	return ok && !anywhere.MatchString(value)
}

// newTag reads a tag from its name and its value. The text after the address
// counts if it is marked as a comment.
func newTag(key, value string) (Tag, bool) {
	// Kernel trailers have one capital letter.
	t := Tag{Key: strings.ToUpper(key[:1]) + strings.ToLower(key[1:])}
	value = strings.Join(strings.Fields(mailto.ReplaceAllString(value, "")), " ")
	if t.Key == "Fixes" {
		t.Value = value
		return t, commit.MatchString(value) && strings.Count(value, "(") == strings.Count(value, ")")
	}
	m := person.FindStringSubmatch(value)
	if m == nil {
		m = bare.FindStringSubmatch(value)
	}
	if m == nil || strings.Contains(m[1], "@") && strings.Contains(m[1], "-by:") {
		return t, false
	}
	t.Person = mail.Address{Name: plainQuotes(m[1]), Email: m[2]}
	t.Value = m[2]
	if m[1] != "" {
		t.Value = m[1] + " <" + m[2] + ">"
	} else if strings.HasPrefix(value, "<") {
		t.Value = "<" + m[2] + ">"
	}
	if rest := strings.TrimSpace(m[3]); rest != "" && strings.ContainsRune("#([", rune(rest[0])) {
		t.Value += " " + rest
	}
	return t, true
}

// plainQuotes returns a name without the quotes of RFC 5322.
func plainQuotes(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.ReplaceAll(s[1:len(s)-1], `\`, "")
	}
	return strings.TrimSpace(s)
}
