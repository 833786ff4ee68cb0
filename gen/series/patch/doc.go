// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package patch reads and writes one patch in the mail format of git format-patch.
//
// [Parse] splits a mail as git am does. The message ends at a line "---", or where a diff
// begins. The text between "---" and the diffstat are notes for readers. The end of the
// diff follows from its hunk headers.
//
// [Patch.Format] writes the canonical form, which is byte for byte the output of
//
//	git format-patch --zero-commit --no-signature --full-index -N
//
// It rejects what git am would not read back unchanged. Parse also accepts mails in
// quoted-printable or base64, with CRLF, or with additional headers. Format turns them
// into the canonical form.
//
// Input that is not a usable patch causes an [*Error] or a [*mail.Error], with the line if
// it is known.
package patch

import (
	"errors"
	"fmt"
)

var (
	// ErrCover: the mail is a cover letter.
	ErrCover = errors.New("cover letter, not a patch")
	// ErrReply: the mail is a reply to a patch.
	ErrReply = errors.New("reply, not a patch")
	// ErrEmpty: the mail has no diff.
	ErrEmpty = errors.New("empty patch")
	// ErrBinary: the diff has a binary file.
	ErrBinary = errors.New("binary file in the diff")
	// ErrDamaged: the diff was truncated, wrapped or edited.
	ErrDamaged = errors.New("damaged diff")
	// ErrManyMails: the file has more than one mail.
	ErrManyMails = errors.New("more than one mail")
	// ErrFlowed: the sender's mail program may have wrapped lines.
	ErrFlowed = errors.New("format=flowed")
	// ErrSubject, ErrAuthor and ErrDate: the header is missing or unusable.
	ErrSubject = errors.New("subject")
	ErrAuthor  = errors.New("author")
	ErrDate    = errors.New("date")
	// ErrMessage: git am would change the message.
	ErrMessage = errors.New("message")
)

// Error says why a mail is not a usable patch.
type Error struct {
	// Line is the line in the mail, from 1; 0 if unknown.
	Line int
	// Err is the kind of error, one of the sentinels.
	Err error
	// Msg has the details; may be empty.
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
