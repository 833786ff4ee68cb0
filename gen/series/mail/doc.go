// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package mail reads and writes mails with patches: one message of plain text. It is
// strict, so that no patch changes on the way. Package reply reads the mails that people
// send. Headers are byte for byte the output of git format-patch.
//
// A mail that cannot be read causes an [*Error] with its line. It wraps [ErrNotMail],
// [ErrEncoding], [ErrCharset] or [ErrMultipart].
package mail

import (
	"errors"
	"fmt"
)

var (
	// ErrNotMail: the text does not begin with headers.
	ErrNotMail = errors.New("not a mail")
	// ErrEncoding: the transfer encoding is unknown, or the text is invalid in it.
	ErrEncoding = errors.New("transfer encoding")
	// ErrCharset: the character set is not supported, or the text is invalid in it.
	ErrCharset = errors.New("character set")
	// ErrMultipart: the mail has several parts.
	ErrMultipart = errors.New("multipart mail")
)

// Error describes a mail that cannot be read or written.
type Error struct {
	// Line is where in the mail, from 1; 0 if not known.
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
