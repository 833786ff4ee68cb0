// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package mail reads and writes the mails that patches travel in: one message
// of plain text. It is strict, so that no patch changes on the way; package
// reply reads what people send. Headers are written as git format-patch writes
// them, byte by byte.
//
// A mail that cannot be read is an [*Error] with its line; what it wraps
// ([ErrNotMail], [ErrEncoding], [ErrCharset], [ErrMultipart]) says which kind
// of trouble it is.
package mail

import (
	"errors"
	"fmt"
)

var (
	// ErrNotMail: there are no headers where a mail begins.
	ErrNotMail = errors.New("not a mail")
	// ErrEncoding: the transfer encoding is unknown, or the text is not
	// encoded as it says.
	ErrEncoding = errors.New("transfer encoding")
	// ErrCharset: the text is in a character set that is not read here, or
	// not in the one that it says.
	ErrCharset = errors.New("character set")
	// ErrMultipart: the mail has several parts.
	ErrMultipart = errors.New("multipart mail")
)

// Error is a mail that cannot be read or written.
type Error struct {
	// Line is where in the mail, from 1; 0 if not known.
	Line int
	// Err is the kind of trouble.
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
