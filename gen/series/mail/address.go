// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import (
	"fmt"
	"strings"
)

// Address is a person, or a list.
type Address struct {
	// Name is in plain UTF-8, without quotes; may be empty.
	Name string
	// Email is the bare address.
	Email string
}

// String formats a as in a trailer: "Name <address>", nothing encoded.
func (a Address) String() string {
	if a.Name == "" {
		return a.Email
	}
	return a.Name + " <" + a.Email + ">"
}

// ParseAddress reads one address from a header that is decoded, or from a
// trailer: "Name <address>" or a bare address.
func ParseAddress(s string) (Address, error) {
	var a Address
	s = strings.TrimSpace(s)
	switch i := strings.LastIndexByte(s, '<'); {
	case i >= 0:
		email, rest, ok := strings.Cut(s[i+1:], ">")
		if !ok {
			return Address{}, fmt.Errorf("%q is not a mail address: > is missing", s)
		}
		// Text in brackets after it, or "# v6.1", is a comment.
		_ = rest
		a = Address{Name: unquote(strings.TrimSpace(s[:i])), Email: strings.TrimSpace(email)}
	case strings.HasSuffix(s, ")") && strings.Contains(s, " ("):
		email, name, _ := strings.Cut(s, " (")
		a = Address{Name: unquote(strings.TrimSuffix(name, ")")), Email: strings.TrimSpace(email)}
	default:
		a.Email = s
	}
	at := strings.LastIndexByte(a.Email, '@')
	if at <= 0 || at == len(a.Email)-1 || strings.ContainsAny(a.Email, " \t\r\n<>\",;:()") {
		return Address{}, fmt.Errorf("%q is not a mail address", s)
	}
	return a, nil
}

// ParseAddresses reads a list of addresses from a decoded header.
func ParseAddresses(s string) ([]Address, error) {
	var list []Address
	for _, part := range splitAddresses(s) {
		a, err := ParseAddress(part)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// splitAddresses splits at commas that are not within quotes or brackets.
func splitAddresses(s string) []string {
	var parts []string
	start, quoted, angle := 0, false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	parts = append(parts, s[min(start, len(s)):])
	kept := parts[:0]
	for _, p := range parts {
		if strings.TrimSpace(p) != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

// unquote removes the quotes of RFC 822, and reduces runs of spaces to one.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		var b strings.Builder
		for i := 1; i < len(s)-1; i++ {
			if s[i] == '\\' && i+1 < len(s)-1 {
				i++
			}
			b.WriteByte(s[i])
		}
		s = b.String()
	}
	return strings.Join(strings.Fields(s), " ")
}

// placeholderDomain is the end of addresses that do not exist (RFC 2606).
const placeholderDomain = ".invalid"

// Placeholder reports whether an address cannot belong to a person: its domain is reserved,
// or has no dot. The workbench uses one until a person takes responsibility.
func Placeholder(address string) bool {
	address = strings.ToLower(address)
	_, domain, ok := strings.Cut(address, "@")
	return !ok || strings.HasSuffix(domain, placeholderDomain) || domain == "example.com" ||
		strings.HasSuffix(domain, ".example") || domain == "localhost" || !strings.Contains(domain, ".")
}
