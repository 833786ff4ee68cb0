// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package export writes the mails of a series: for each project a thread with a
// cover letter, as one mbox and as numbered files, ready for git send-email or
// b4. It sends nothing. The same input gives the same bytes.
//
// The cover letters of two threads of one change link to each other. Therefore the
// package computes Message-Ids from the content of the mails.
//
// [Half.State] returns the state of a thread, and what is missing before it can be sent.
package export
