// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"strings"
	"time"

	"xpsgen/gen/series/mail"
)

// Patch is one parsed patch. Author, Date, Subject.Title and Diff are required.
type Patch struct {
	// Commit is the commit in the From line. Empty means zeros, as in the canonical form.
	Commit string
	// Author is the author of the change.
	Author mail.Address
	// Date is the author date with its zone.
	Date time.Time
	// Subject is the mail's subject.
	Subject Subject
	// Header has the headers beyond those of git format-patch, in order: To, Cc,
	// Message-Id. Canonical files have none.
	Header mail.Header
	// Body is the message without subject, trailers, and empty lines at its ends.
	Body string
	// Trailers are the last paragraph of the message, if all its lines are trailers.
	Trailers []Trailer
	// Notes are the text below "---": for readers of the mail, not for the commit.
	Notes string
	// Stat is git's diffstat with its final newline.
	Stat string
	// Diff is the diff.
	Diff string
	// Tail are git's lines after the diff, such as "base-commit:". The signature is
	// dropped.
	Tail string
}

// Trailer is a line such as "Fixes: 123456789abc ("title")". Key is empty in two cases:
//   - "[name: text]", a maintainer's comment on a trailer
//   - "(cherry picked from commit HASH)"
type Trailer struct {
	Key, Value string
}

// String returns t as a line of the message.
func (t Trailer) String() string {
	if t.Key == "" {
		return t.Value
	}
	return t.Key + ": " + t.Value
}

// Message returns the message that git commits: title, body and trailers, without a final
// newline.
func (p *Patch) Message() string {
	parts := []string{p.Subject.Title}
	if p.Body != "" {
		parts = append(parts, p.Body)
	}
	if len(p.Trailers) > 0 {
		parts = append(parts, trailerText(p.Trailers))
	}
	return strings.Join(parts, "\n\n")
}

func trailerText(list []Trailer) string {
	lines := make([]string, len(list))
	for i, t := range list {
		lines[i] = t.String()
	}
	return strings.Join(lines, "\n")
}

// Values returns the values of all trailers with this key, ignoring case.
func (p *Patch) Values(key string) []string {
	var values []string
	for _, t := range p.Trailers {
		if strings.EqualFold(t.Key, key) {
			values = append(values, t.Value)
		}
	}
	return values
}

// AddTrailer appends a trailer, unless the message already has it. It reports whether it did.
func (p *Patch) AddTrailer(t Trailer) bool {
	for _, have := range p.Trailers {
		if strings.EqualFold(have.Key, t.Key) && have.Value == t.Value {
			return false
		}
	}
	p.Trailers = append(p.Trailers, t)
	return true
}
