// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package reply reads the replies that people send to patches and finds the
// tags in them: Reviewed-by, Acked-by, Tested-by and the like. It knows nothing
// of a series: the caller decides which patch a [Message] answers and whether a
// [Tag] belongs to its sender ([Tag.From]).
//
// Mail programs break the rules, so the reader is lenient: it repairs what is safe to
// repair. What it cannot read never stops the other mails. Such a mail becomes an [Unread].
// A line that looks like a tag but is not used becomes a [Refused].
//
// The rules follow b4 am. The test TestCreditBesideB4 of package series lists
// the differences, each with its reason.
package reply

import (
	"errors"
	"fmt"
)

var (
	// ErrNoMail means that a source holds no mail at all.
	ErrNoMail = errors.New("no mail")
	// ErrHeader means that the text does not begin with mail headers.
	ErrHeader = errors.New("not a mail: it has no From, Subject or Message-ID header")
	// ErrNoText means that no part of a mail is text.
	ErrNoText = errors.New("no text part")
	// ErrEncoding means that a body is not encoded as its header says.
	ErrEncoding = errors.New("transfer encoding")
	// ErrCharset means that the text cannot be decoded with the character set that the mail
	// names.
	ErrCharset = errors.New("character set")
	// ErrMultipart means that the parts cannot be separated.
	ErrMultipart = errors.New("multipart")
)

// Unread is a mail, or a source, that cannot be read.
type Unread struct {
	// Source is the file. N is the mail in it, from 1; 0 if Err is about the
	// whole source.
	Source string
	N      int
	// ID and Subject identify the mail, if known. They may be empty.
	ID, Subject string
	// Err is the reason. It wraps one of the errors above.
	Err error
}

// String formats u as one line for the terminal.
func (u Unread) String() string {
	where := u.Source
	if u.N > 0 {
		where += fmt.Sprintf(": mail %d", u.N)
	}
	if u.Subject != "" {
		where += fmt.Sprintf(" (%.60q)", u.Subject)
	}
	return plainText(where + ": " + u.Err.Error())
}
