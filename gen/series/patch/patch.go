// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"strings"
	"time"

	"xpsgen/gen/series/mail"
)

// Patch is one patch, taken apart. The zero value of everything but Author,
// Date, Subject.Title and Diff is fine.
type Patch struct {
	// Commit is the commit that the From line names; empty means zeros, which
	// is what the canonical form has.
	Commit string
	// Author is who wrote the change.
	Author mail.Address
	// Date is when, with the zone it was said in.
	Date time.Time
	// Subject is the mail's subject.
	Subject Subject
	// Header are headers beyond those of git format-patch, in order: To, Cc,
	// Message-Id. Canonical files have none.
	Header mail.Header
	// Body is the message without subject and trailers, without empty lines
	// at its ends.
	Body string
	// Trailers are the message's last paragraph, if it consists of nothing
	// else.
	Trailers []Trailer
	// Notes stand below "---": for readers of the mail, not for the commit.
	Notes string
	// Stat is the diffstat, as git wrote it, with its final newline.
	Stat string
	// Diff is the diff, from its first line on.
	Diff string
	// Tail is what follows the diff: a "base-commit:" line. A signature is
	// dropped.
	Tail string
}

// Trailer is a line such as "Fixes: 123456789abc ("title")". Two kinds of lines
// have no Key: "[name: text]", by which maintainers comment on a trailer, and
// "(cherry picked from commit HASH)".
type Trailer struct {
	Key, Value string
}

// String is t as it stands in a message.
func (t Trailer) String() string {
	if t.Key == "" {
		return t.Value
	}
	return t.Key + ": " + t.Value
}

// Message is what git commits: title, body, trailers, without a newline at the
// end.
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

// Values returns the values of all trailers called key, in whatever case.
func (p *Patch) Values(key string) []string {
	var values []string
	for _, t := range p.Trailers {
		if strings.EqualFold(t.Key, key) {
			values = append(values, t.Value)
		}
	}
	return values
}

// AddTrailer appends a trailer, unless the message has it already. It reports
// whether it was added.
func (p *Patch) AddTrailer(t Trailer) bool {
	for _, have := range p.Trailers {
		if strings.EqualFold(have.Key, t.Key) && have.Value == t.Value {
			return false
		}
	}
	p.Trailers = append(p.Trailers, t)
	return true
}
