// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// lineWidth is where git breaks a header, encodedWidth where it breaks
	// one that has encoded words, as RFC 2047 demands.
	lineWidth    = 78
	encodedWidth = 76
	// wordStart and wordEnd enclose an encoded word.
	wordStart = "=?UTF-8?q?"
	wordEnd   = "?="
)

// needsEncoding reports whether a header's value must be encoded.
func needsEncoding(s string) bool {
	return !isASCII(s) || strings.Contains(s, "=?")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// EncodeText formats a header whose value is text, with the final newline. It folds
// long values between words and encodes text that is not ASCII. plain precedes the
// value unencoded, such as the brackets of a subject.
func EncodeText(name, plain, value string) string {
	start := name + ": " + plain
	if needsEncoding(value) {
		return start + encodeWords(value, len(start), false) + "\n"
	}
	return start + wrap(value, len(start)) + "\n"
}

// EncodeAddress writes a header whose value is one address.
func EncodeAddress(name string, a Address) string {
	return name + ": " + a.encode(len(name)+2) + "\n"
}

// EncodeAddresses writes a header whose value is a list of addresses, one a
// line.
func EncodeAddresses(name string, list []Address) string {
	var b strings.Builder
	b.WriteString(name + ": ")
	for i, a := range list {
		at := len(name) + 2
		if i > 0 {
			b.WriteString(",\n    ")
			at = 4
		}
		b.WriteString(a.encode(at))
	}
	return b.String() + "\n"
}

// encode formats a for a line that has at columns already.
func (a Address) encode(at int) string {
	if a.Name == "" {
		return a.Email
	}
	width := lineWidth
	var s string
	switch {
	case needsEncoding(a.Name):
		s, width = encodeWords(a.Name, at, true), encodedWidth
	case strings.ContainsAny(a.Name, `()<>[]:;@\,."`):
		s = wrap(quote(a.Name), at)
	default:
		s = wrap(a.Name, at)
	}
	used := at + len(s)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		used = len(s) - i - 1
	}
	if used+len(" <"+a.Email+">") > width {
		s += "\n"
	}
	return s + " <" + a.Email + ">"
}

// quote puts a name into quotes, as RFC 822 requires for special characters.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// wrap breaks s between words to keep lines within lineWidth. The first line has at columns
// already.
func wrap(s string, at int) string {
	var b strings.Builder
	for i, word := range strings.Split(s, " ") {
		space := min(i, 1)
		switch {
		case at+space+len(word) > lineWidth:
			b.WriteString("\n ")
			at = 1
		case i > 0:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// encodeWords formats s as encoded words. Within a phrase, such as a name, fewer
// characters may be left unencoded.
func encodeWords(s string, at int, phrase bool) string {
	var b strings.Builder
	b.WriteString(wordStart)
	at += len(wordStart)
	for _, r := range s {
		piece := string(r)
		if !standsForItself(r, phrase) {
			piece = ""
			for _, c := range []byte(string(r)) {
				piece += fmt.Sprintf("=%02X", c)
			}
		}
		if at+len(piece)+len(wordEnd) > encodedWidth {
			b.WriteString(wordEnd + "\n " + wordStart)
			at = 1 + len(wordStart)
		}
		b.WriteString(piece)
		at += len(piece)
	}
	return b.String() + wordEnd
}

func standsForItself(r rune, phrase bool) bool {
	switch {
	case r <= ' ' || r > '~' || r == '=' || r == '?' || r == '_':
		return false
	case !phrase:
		return true
	}
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!*+-/", r)
}
