// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package patch reads and writes one patch as git format-patch mails it.
//
// [Parse] takes a mail apart the way git am does: the message ends at the
// first line that is "---" or begins a diff, what stands between "---" and the
// diffstat are notes to the reader, and the diff ends where its hunks say.
// [Patch.Format] writes the canonical form, that of
//
//	git format-patch --zero-commit --no-signature --full-index -N
//
// byte by byte, and refuses what would not come out of git am as it went in.
// Mails in quoted-printable or base64, with CRLF or with other headers are
// read, and come out canonical.
//
// What is no patch, or would do harm as one, is an [*Error] with its line,
// which wraps one of this package's or of package mail's sentinels.
package patch

import (
	"errors"
	"fmt"
)

var (
	// ErrCover: it is a series' cover letter.
	ErrCover = errors.New("a cover letter is no patch")
	// ErrReply: it is a reply to a patch.
	ErrReply = errors.New("a reply is no patch")
	// ErrEmpty: there is no diff.
	ErrEmpty = errors.New("empty patch")
	// ErrBinary: the diff has a binary file.
	ErrBinary = errors.New("binary file in the diff")
	// ErrDamaged: the diff is not as it was made: cut off, wrapped, edited.
	ErrDamaged = errors.New("damaged diff")
	// ErrManyMails: there is more than one mail in the file.
	ErrManyMails = errors.New("more than one mail")
	// ErrFlowed: the sender's program may have wrapped lines.
	ErrFlowed = errors.New("format=flowed")
	// ErrSubject, ErrAuthor and ErrDate: the header is missing or unusable.
	ErrSubject = errors.New("subject")
	ErrAuthor  = errors.New("author")
	ErrDate    = errors.New("date")
	// ErrMessage: the message would not survive git am.
	ErrMessage = errors.New("message")
)

// Error is a mail that is no good as a patch.
type Error struct {
	// Line is where in the mail, from 1; 0 if not known.
	Line int
	// Err is the kind of trouble.
	Err error
	// Msg says what exactly; may be empty.
	Msg string
}

func (e *Error) Error() string {
	msg := e.Err.Error()
	if e.Msg != "" {
		msg += ": " + e.Msg
	}
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, msg)
	}
	return msg
}

func (e *Error) Unwrap() error { return e.Err }

func fail(line int, kind error, format string, args ...any) error {
	return &Error{Line: line, Err: kind, Msg: fmt.Sprintf(format, args...)}
}
