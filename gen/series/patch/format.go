// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"xpsgen/gen/series/mail"
)

const (
	// zeroCommit replaces the commit, so that a rebase does not change the file.
	zeroCommit = "0000000000000000000000000000000000000000"
	// fromDate is the fixed date in git's From line.
	fromDate = "Mon Sep 17 00:00:00 2001"
	// dateForm is git's date format in mails.
	dateForm = "Mon, 2 Jan 2006 15:04:05 -0700"
	// mimeHeader declares a UTF-8 mail.
	mimeHeader = "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
)

// Format writes p as git format-patch does. It rejects what git am would not read back
// unchanged, with an [*Error] or a [*mail.Error].
func (p *Patch) Format() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	commit := p.Commit
	if commit == "" {
		commit = zeroCommit
	}
	fmt.Fprintf(&b, "From %s %s\n", commit, fromDate)
	b.WriteString(mail.EncodeAddress("From", p.Author))
	fmt.Fprintf(&b, "Date: %s\n", p.Date.Format(dateForm))
	b.WriteString(mail.EncodeText("Subject", p.Subject.brackets(), p.Subject.Title))
	if !isASCII(p.Message()) || !isASCII(p.Notes) {
		b.WriteString(mimeHeader)
	}
	if err := p.writeHeader(&b); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	if _, rest, ok := strings.Cut(p.Message(), "\n\n"); ok {
		b.WriteString(rest + "\n")
	}
	b.WriteString("---\n")
	if p.Notes != "" {
		b.WriteString(p.Notes + "\n\n")
	}
	if p.Stat != "" {
		b.WriteString(p.Stat)
	}
	b.WriteString("\n" + p.Diff)
	if p.Tail != "" {
		b.WriteString("\n" + p.Tail)
	}
	return b.Bytes(), nil
}

// writeHeader writes the headers that git format-patch does not.
func (p *Patch) writeHeader(b *bytes.Buffer) error {
	for _, f := range p.Header {
		switch strings.ToLower(f.Name) {
		case "to", "cc", "reply-to":
			list, err := mail.ParseAddresses(f.Value)
			if err != nil {
				return fail(0, ErrMessage, "header %s: %v", f.Name, err)
			}
			b.WriteString(mail.EncodeAddresses(f.Name, list))
		case "message-id", "in-reply-to", "references":
			// Message ids are single words of any length, so write one per line.
			b.WriteString(f.Name + ": " + strings.Join(strings.Fields(f.Value), "\n ") + "\n")
		default:
			b.WriteString(mail.EncodeText(f.Name, "", f.Value))
		}
	}
	return nil
}

// check rejects what git am would not read back unchanged.
func (p *Patch) check() error {
	if err := p.Subject.check(); err != nil {
		return err
	}
	for what, s := range map[string]string{"message": p.Message(), "notes": p.Notes, "author": p.Author.String(), "diffstat": p.Stat} {
		if !utf8.ValidString(s) {
			return &mail.Error{Err: mail.ErrCharset, Msg: what + " is not UTF-8"}
		}
	}
	if a, err := mail.ParseAddress(p.Author.String()); err != nil || a != p.Author || strings.ContainsAny(p.Author.Name, "\r\n\x00<>") {
		return fail(0, ErrAuthor, "%q", p.Author.String())
	}
	// git am replaces a shorter or longer name by the address.
	if n := len(p.Author.Name); n < 3 || n > 60 || strings.Contains(p.Author.Name, "@") {
		return fail(0, ErrAuthor, "%q: git am requires a name of 3 to 60 bytes without @", p.Author.String())
	}
	if !isASCII(p.Author.Name) && strings.ContainsAny(p.Author.Name, "\"\\") {
		return fail(0, ErrAuthor, "%q: git am would drop the quotes", p.Author.String())
	}
	if y := p.Date.Year(); p.Date.IsZero() || y < 1970 || y > 9999 || !withOffset(p.Date).Equal(p.Date) {
		return fail(0, ErrDate, "%s", p.Date)
	}
	if err := checkMessage(p); err != nil {
		return err
	}
	if err := p.checkNotes(); err != nil {
		return err
	}
	if _, tail, err := readDiff(p.Diff); err != nil {
		return err
	} else if tail != "" {
		return fail(0, ErrDamaged, "%.60q follows the last hunk", tail)
	}
	if p.Tail != readTail(p.Tail) {
		return fail(0, ErrMessage, "%.60q after the diff would be dropped", p.Tail)
	}
	return nil
}

// checkNotes rejects notes that git am would take for something else.
func (p *Patch) checkNotes() error {
	if p.Notes != clean(p.Notes) {
		return fail(0, ErrMessage, "notes have trailing spaces or surplus empty lines")
	}
	below := p.Notes + "\n\n" + p.Stat
	if p.Notes == "" {
		below = p.Stat
	}
	_, notes, diff, _ := cut("---\n" + below + "\n")
	if n, s := splitStat(notes); diff != "" || clean(n) != p.Notes || s != p.Stat {
		return fail(0, ErrMessage, "notes look like a diffstat or a diff (indent those lines)")
	}
	for _, line := range strings.Split(p.Notes, "\n") {
		if mail.IsFromLine(line) || strings.ContainsAny(line, "\x00\r") {
			return fail(0, ErrMessage, "git am would begin another mail at the line %q (indent it)", line)
		}
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
