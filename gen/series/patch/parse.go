// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"errors"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"xpsgen/gen/series/mail"
)

// known are headers that have their own field, or that Format writes or drops.
var known = map[string]bool{
	"from": true, "date": true, "subject": true, "mime-version": true,
	"content-type": true, "content-transfer-encoding": true, "content-length": true,
}

// Parse parses one patch mail. The error is an [*Error] or a [*mail.Error].
func Parse(data []byte) (*Patch, error) {
	m, err := mail.Parse(data)
	if err != nil {
		return nil, err
	}
	p := &Patch{}
	if err := p.readHeader(m); err != nil {
		return nil, err
	}
	if m.Flowed {
		return nil, fail(0, ErrFlowed, "the sender's program may have wrapped its lines")
	}
	message, notes, diff, diffLine := cut(m.Body)
	if m.Encoded {
		diffLine = 0
	} else {
		diffLine += m.BodyLine - 1
	}
	if err := p.readMessage(m, message); err != nil {
		return nil, err
	}
	if err := p.readNotes(m, notes); err != nil {
		return nil, err
	}
	if err := p.readDiff(diff, diffLine); err != nil {
		return nil, err
	}
	return p, nil
}

// readHeader parses author, date and subject.
func (p *Patch) readHeader(m *mail.Mail) (err error) {
	p.Commit, _, _ = strings.Cut(m.From_, " ")
	if strings.Trim(p.Commit, "0") == "" || !isHex(p.Commit) {
		p.Commit = ""
	}
	subject := m.Header.Get("Subject")
	if replyStart.MatchString(subject) {
		return fail(0, ErrReply, "%q", subject)
	}
	p.Subject = ParseSubject(subject)
	switch {
	case p.Subject.Title == "":
		return fail(0, ErrSubject, "missing")
	case p.Subject.Total > 0 && p.Subject.N == 0:
		return fail(0, ErrCover, "%q (give git am the patches, not the cover)", subject)
	}
	if p.Author, err = mail.ParseAddress(m.Header.Get("From")); err != nil {
		return fail(0, ErrAuthor, "%v", err)
	}
	if p.Date, err = parseDate(m.Header.Get("Date")); err != nil {
		return err
	}
	for _, f := range m.Header {
		if !known[strings.ToLower(f.Name)] {
			p.Header = append(p.Header, f)
		}
	}
	return nil
}

// parseDate parses a date and keeps the offset of its zone.
func parseDate(s string) (time.Time, error) {
	t, err := netmail.ParseDate(s)
	if err != nil {
		return time.Time{}, fail(0, ErrDate, "%q", s)
	}
	return withOffset(t), nil
}

func withOffset(t time.Time) time.Time {
	_, off := t.Zone()
	// Zones in mails have whole minutes.
	off -= off % 60
	if off == 0 {
		return t.UTC().Truncate(time.Second)
	}
	return t.In(time.FixedZone("", off)).Truncate(time.Second)
}

func isHex(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// cut splits a mail's text as git am does. diffLine is the line of text where the diff
// begins, from 1.
func cut(text string) (message, notes, diff string, diffLine int) {
	rest, line := text, 1
	for rest != "" {
		l, after, _ := strings.Cut(rest, "\n")
		if cutsMessage(l) {
			break
		}
		rest = after
		line++
	}
	message = text[:len(text)-len(rest)]
	below := rest
	if l, after, _ := strings.Cut(rest, "\n"); strings.HasPrefix(l, "---") && strings.TrimSpace(l[3:]) == "" {
		below = after
		line++
	}
	for rest = below; rest != ""; line++ {
		l, after, _ := strings.Cut(rest, "\n")
		if strings.HasPrefix(l, "diff -") || strings.HasPrefix(l, "Index: ") ||
			strings.HasPrefix(l, "--- ") && strings.HasPrefix(after, "+++ ") {
			break
		}
		rest = after
	}
	return message, below[:len(below)-len(rest)], rest, line
}

// readMessage parses the text that git commits.
func (p *Patch) readMessage(m *mail.Mail, text string) error {
	text, err := m.UTF8(text)
	if err != nil {
		return err
	}
	if strings.ContainsRune(text, 0) {
		return fail(m.BodyLine, ErrMessage, "contains a NUL byte")
	}
	for i, line := range strings.Split(text, "\n") {
		if mail.IsFromLine(line) {
			return fail(m.BodyLine+i, ErrManyMails, "another mail begins with %q", line)
		}
	}
	text = clean(text)
	if text, err = p.inBody(text); err != nil {
		return err
	}
	p.Body, p.Trailers = splitMessage(text)
	return nil
}

// inBody applies headers at the top of the text. A sender who forwards a patch names its
// author there.
func (p *Patch) inBody(text string) (rest string, err error) {
	for inBodyLine.MatchString(text) || strings.HasPrefix(text, "[PATCH] ") {
		line, after, _ := strings.Cut(text, "\n")
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if line[0] == '[' {
			key, value = "subject", line
		}
		switch strings.ToLower(key) {
		case "from":
			if p.Author, err = mail.ParseAddress(value); err != nil {
				return "", fail(0, ErrAuthor, "%v", err)
			}
		case "date":
			if p.Date, err = parseDate(value); err != nil {
				return "", err
			}
		case "subject":
			s := ParseSubject(value)
			if p.Subject.Title = s.Title; s.Title == "" {
				return "", fail(0, ErrSubject, "%q", value)
			}
		}
		text = after
	}
	return strings.TrimLeft(text, "\n"), nil
}

// readNotes splits the text between "---" and the diff.
func (p *Patch) readNotes(m *mail.Mail, text string) error {
	notes, stat := splitStat(text)
	notes, err := m.UTF8(notes)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(notes, "\n") {
		if mail.IsFromLine(line) {
			return fail(0, ErrManyMails, "another mail begins with %q", line)
		}
	}
	if strings.ContainsRune(notes, 0) {
		return fail(0, ErrMessage, "notes contain a NUL byte")
	}
	if !utf8.ValidString(stat) {
		return &mail.Error{Err: mail.ErrCharset, Msg: "the diffstat is not UTF-8"}
	}
	p.Notes, p.Stat = clean(notes), stat
	return nil
}

// readDiff parses the diff and the text after it.
func (p *Patch) readDiff(text string, line int) error {
	if strings.TrimSpace(text) == "" {
		return fail(0, ErrEmpty, "no diff")
	}
	_, tail, err := readDiff(text)
	var perr *Error
	if errors.As(err, &perr) && perr.Line > 0 {
		perr.Line += line - 1
		if line == 0 {
			perr.Line = 0
		}
	}
	if err != nil {
		return err
	}
	p.Diff = strings.TrimSuffix(text, tail)
	if !strings.HasSuffix(p.Diff, "\n") {
		p.Diff += "\n"
	}
	for i, l := range strings.Split(tail, "\n") {
		if mail.IsFromLine(l) {
			return fail(0, ErrManyMails, "another mail begins with %q", l)
		}
		if strings.HasPrefix(l, "diff --git ") || strings.HasPrefix(l, "@@ ") || strings.HasPrefix(l, "+") && i == 0 {
			return fail(0, ErrDamaged, "%.60q follows the last hunk", l)
		}
	}
	p.Tail = readTail(tail)
	return nil
}

// readTail keeps lines such as base-commit and change-id. It drops signatures and footers
// of lists.
func readTail(s string) string {
	var kept []string
	for _, l := range strings.Split(s, "\n") {
		if l == "-- " || l == "--" {
			break
		}
		key, _, ok := strings.Cut(l, ": ")
		if ok && (key == "base-commit" || key == "prerequisite-patch-id" || key == "change-id") {
			kept = append(kept, strings.TrimRight(l, " \t"))
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return strings.Join(kept, "\n") + "\n"
}
