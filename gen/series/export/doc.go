// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package export makes mails of a series: for each project a thread with a
// cover letter, as one mbox and as numbered files, ready for git send-email or
// b4. It sends nothing. The same input gives the same bytes.
//
// Two threads of one change name each other in their covers. So that both can,
// Message-Ids are computed here from the content of the mails.
//
// [Half.State] tells how far a thread is from being sent, and what is missing.
package export
