// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/gen/series/check"
	"xpsgen/gen/series/mail"
)

// Half is a series on a base that becomes one thread of mails.
type Half struct {
	// Thread is the series on the base, with its commits.
	Series *series.Series
	Base   *series.Base
	Thread *check.Thread
	// Copies are the additional recipients of each patch.
	Copies [][]check.Recipient
	// Stat is the diffstat of the series. RangeDiff is its git range-diff against the
	// version before. Either may be empty.
	Stat, RangeDiff string
	// Results fill the placeholders of the cover letter.
	Results map[string]string
	// Signer signs off each patch; nil leaves the sign-off to a later export.
	Signer *mail.Address
	// Judged is the state that [Write] stores next to the mails. xpsgen series sent reads
	// it before it archives them. Nil if the thread was not judged.
	Judged *Status
	// Needs are the series that this one depends on. Beside are the threads
	// that are posted with this one.
	Needs  []*series.Series
	Beside []*Half
}

// Name returns the name of the thread's directory.
func (h *Half) Name() string { return h.Series.Key + "-" + h.Base.Name }

// RFC reports whether the series only asks for comments.
func (h *Half) RFC() bool { return strings.HasPrefix(strings.ToUpper(h.Series.Prefix)+" ", "RFC ") }

// prefix returns the text in the brackets before version and number. "RFC" comes before
// "PATCH", as with git format-patch --rfc.
func (h *Half) prefix() string {
	if h.RFC() {
		return strings.TrimSpace("RFC PATCH " + strings.TrimSpace(h.Series.Prefix[len("RFC"):]))
	}
	return strings.TrimSpace("PATCH " + h.Series.Prefix)
}

// sender returns the sender of the mails: the signer, or else the author of the first
// patch.
func (h *Half) sender() mail.Address {
	if h.Signer != nil {
		return *h.Signer
	}
	if len(h.Base.Patches) > 0 {
		return h.Base.Patches[0].Author
	}
	return mail.Address{}
}

// MessageID returns the Message-Id of mail n without brackets; mail 0 is the cover letter.
// It depends on the patches, cover.md, the version and the sender. It does not depend on
// the links in the cover letter, which name the Message-Ids of other threads.
func (h *Half) MessageID(n int) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s %d %q %q\n", h.Series.Key, h.Base.Name, h.Series.Version, h.Series.Prefix, h.Series.Title)
	fmt.Fprintf(sum, "%q %q\n", h.sender().Email, h.Series.Cover)
	for _, p := range h.Base.Patches {
		fmt.Fprintf(sum, "%d %s", len(p.Raw), p.Raw)
	}
	date := "0"
	if len(h.Base.Patches) > 0 {
		date = h.Base.Patches[0].Date.UTC().Format("20060102150405")
	}
	return fmt.Sprintf("%s.%s-%d-%s", date, hex.EncodeToString(sum.Sum(nil)[:8]), n, h.sender().Email)
}

// where returns the address of a mail in the archive of the series' target. If the target
// names no archive, it returns the Message-Id.
func where(s *series.Series, id string) string {
	if s.Target == nil || s.Target.Archive == "" {
		return "<" + id + ">"
	}
	return strings.TrimSuffix(s.Target.Archive, "/") + "/" + id + "/"
}

// to returns the recipients of every mail of the thread: those of the manifest, or
// otherwise the target's list. It may be empty.
func (h *Half) to() (list []mail.Address, err error) {
	names := h.Series.Recipients.To
	if t := h.Series.Target; len(names) == 0 && t != nil && t.List != "" {
		names = []string{t.List}
	}
	return parseAll(names)
}

func parseAll(names []string) (list []mail.Address, err error) {
	for _, n := range names {
		a, err := mail.ParseAddress(n)
		if err != nil {
			return nil, err
		}
		list = add(list, a)
	}
	return list, nil
}

// add adds an address if it is missing.
func add(list []mail.Address, a mail.Address) []mail.Address {
	if slices.ContainsFunc(list, func(b mail.Address) bool { return strings.EqualFold(a.Email, b.Email) }) {
		return list
	}
	return append(list, a)
}

// concerned lists the trailers that name persons who get a copy.
var concerned = []string{"Suggested-by", "Reported-by", "Co-developed-by", "Reviewed-by", "Acked-by", "Tested-by"}

// cc returns who gets a copy of patch n, from 1. The cover letter, 0, goes to everybody who
// gets a copy of any patch.
func (h *Half) cc(n int) (list []mail.Address, err error) {
	if list, err = parseAll(h.Series.Recipients.Cc); err != nil {
		return nil, err
	}
	for i, p := range h.Base.Patches {
		if n != 0 && n != i+1 {
			continue
		}
		if i < len(h.Copies) {
			for _, r := range h.Copies[i] {
				a, err := mail.ParseAddress(r.Address)
				if err != nil {
					return nil, err
				}
				list = add(list, a)
			}
		}
		for _, key := range concerned {
			for _, v := range p.Values(key) {
				if a, err := mail.ParseAddress(v); err == nil {
					list = add(list, a)
				}
			}
		}
	}
	to, err := h.to()
	if err != nil {
		return nil, err
	}
	sender := h.sender()
	return slices.DeleteFunc(list, func(a mail.Address) bool {
		return strings.EqualFold(a.Email, sender.Email) ||
			slices.ContainsFunc(to, func(b mail.Address) bool { return strings.EqualFold(a.Email, b.Email) })
	}), nil
}
