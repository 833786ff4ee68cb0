// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
	"xpsgen/gen/series/reply"
	"xpsgen/vmtest/cache"
)

// CreditState is the result for a tag or a mail.
type CreditState string

const (
	// CreditAdded means that the patch has the tag now and had it not before.
	CreditAdded CreditState = "added"
	// CreditPresent means that the patch had the tag.
	CreditPresent CreditState = "present"
	// CreditRefused means that a line looks like a tag and was not used.
	CreditRefused CreditState = "refused"
	// CreditUnread means that a mail could not be read.
	CreditUnread CreditState = "unreadable"
)

// Credit is one tag that a mail gave, or a mail that cannot be read, and what
// became of it.
type Credit struct {
	State CreditState
	// Trailer is what was given; of a refused line that is not a trailer, only
	// Value is set. Note is the line in brackets after it; may be empty.
	Trailer patch.Trailer
	Note    string
	// By is whom the mail is from.
	By mail.Address
	// MessageID is the mail's. File is where it was. Mail is its number there, from
	// 1.
	MessageID, File string
	Mail            int
	// Series, Base and Key say to which patch it belongs; Key is empty if
	// none was found.
	Series, Base, Key string
	// Why is the reason why it was not added, or the problem to look at.
	Why string
}

// Failed reports whether the row needs attention: a tag was not used, or a mail was not
// read.
func (c Credit) Failed() bool { return c.State == CreditRefused || c.State == CreditUnread }

// String is c as a line for people.
func (c Credit) String() string {
	s := fmt.Sprintf("%-12s", c.State)
	if c.Key != "" {
		s += c.Series + "/" + c.Key + ": "
	}
	s += c.Trailer.String()
	why := c.Why
	if c.State == CreditRefused {
		why += fmt.Sprintf("; %s: mail %d", c.File, c.Mail)
	}
	switch {
	case c.State == CreditUnread:
		return fmt.Sprintf("%-12s%s", c.State, why)
	case why != "":
		s += " (" + why + ")"
	}
	return s
}

// CreditOptions say which replies to read.
type CreditOptions struct {
	// Sources are the replies.
	Sources []reply.Source
	// Anyone takes tags that are not their sender's own.
	Anyone bool
	// DryRun writes nothing.
	DryRun bool
}

// CreditReport lists the results of all replies.
type CreditReport struct {
	// Rows are the tags and the mails that could not be read.
	Rows []Credit
	// Mails is how many mails were read. Foreign is how many tags are for patches of
	// others that are among these mails.
	Mails, Foreign int
}

// Failed returns the number of rows that need attention.
func (r *CreditReport) Failed() (n int) {
	for _, c := range r.Rows {
		if c.Failed() {
			n++
		}
	}
	return n
}

// Added is how many trailers the patches got.
func (r *CreditReport) Added() (n int) {
	for _, c := range r.Rows {
		if c.State == CreditAdded {
			n++
		}
	}
	return n
}

// Credit puts the tags that replies give onto the patches of the bases that
// are submitted. In-Reply-To and References tie a reply to its patch, through
// the thread; if they do not, the subject does. A reply to a cover letter is
// for all patches. A mail that cannot be read is a row and stops nothing.
func (c *Change) Credit(opt CreditOptions) (*CreditReport, error) {
	x := &creditIndex{change: c, byID: map[string]place{}, parents: map[string][]string{}}
	if err := x.addPostings(); err != nil {
		return nil, err
	}
	r := &CreditReport{}
	var mails []*reply.Message
	for _, src := range opt.Sources {
		list, unread := reply.Read(src)
		for _, u := range unread {
			r.Rows = append(r.Rows, Credit{State: CreditUnread, MessageID: u.ID, File: u.Source, Mail: u.N, Why: u.String()})
		}
		for _, m := range list {
			if x.addMail(m) {
				mails = append(mails, m)
			}
		}
		r.Mails += len(list)
	}
	changed := map[*Patch]bool{}
	for _, m := range mails {
		if !m.IsReply() || x.posted[m.ID] {
			continue
		}
		tags, refused := m.Tags()
		if len(tags)+len(refused) == 0 {
			continue
		}
		at, found := x.find(m)
		if at.foreign {
			r.Foreign += len(tags)
			continue
		}
		for _, t := range tags {
			r.Rows = append(r.Rows, x.credit(m, t, at, found, opt.Anyone, changed)...)
		}
		for _, t := range refused {
			row := newCredit(m)
			row.Trailer.Value, row.Why = t.Text, t.Why
			r.Rows = append(r.Rows, row)
		}
	}
	return r, writeCredits(changed, opt.DryRun)
}

// newCredit is a row about a mail, refused until something better is known.
func newCredit(m *reply.Message) Credit {
	return Credit{State: CreditRefused, By: m.From, MessageID: m.ID, File: m.Source, Mail: m.N}
}

// writeCredits formats all, then writes all.
func writeCredits(changed map[*Patch]bool, dry bool) error {
	files := map[string][]byte{}
	for p := range changed {
		data, err := p.Format()
		if err != nil {
			return &FileError{File: p.Path, Err: err}
		}
		files[p.Path] = data
	}
	if dry {
		return nil
	}
	for path, data := range files {
		if err := cache.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("add tags to the patches: %w", err)
		}
	}
	return nil
}

// credit puts a tag where it belongs. A tag for a whole series becomes a row
// for each patch.
func (x *creditIndex) credit(m *reply.Message, t reply.Tag, at place, found, anyone bool, changed map[*Patch]bool) []Credit {
	c := newCredit(m)
	c.Trailer, c.Note = patch.Trailer{Key: t.Key, Value: t.Value}, t.Note
	own := t.From(m.From)
	if t.Quoted && !own {
		return nil
	}
	if !found {
		c.Why = fmt.Sprintf("%q is about none of the patches", m.Subject)
		return []Credit{c}
	}
	c.Series = at.series.Key
	b := at.series.Submit()
	if b == nil {
		c.Why = at.series.Key + " has no base that is submitted"
		return []Credit{c}
	}
	c.Base, c.Key = b.Name, at.key
	keys := []string{at.key}
	if at.key == "" {
		keys = nil
		for _, p := range b.Patches {
			keys = append(keys, p.Key)
		}
	}
	var list []Credit
	for _, key := range keys {
		one := c
		one.Key = key
		x.creditOne(&one, t, at.series, b, own || anyone, changed)
		list = append(list, one)
	}
	if !own && !anyone && len(list) > 1 && !slices.ContainsFunc(list, func(c Credit) bool { return c.State != CreditRefused }) {
		// One row says it.
		list[0].Key = ""
		list = list[:1]
	}
	return list
}

func (x *creditIndex) creditOne(c *Credit, t reply.Tag, s *Series, b *Base, may bool, changed map[*Patch]bool) {
	p := b.Patch(c.Key)
	if p == nil {
		c.Why = "the patch is gone"
		return
	}
	sent, version := x.lastSent(s, c.Key)
	switch {
	case hasTag(p.Patch, t):
		c.State, c.Why = CreditPresent, "the patch has it"
		return
	case sent != nil && hasTag(sent.Patch, t) && !may:
		c.State, c.Why = CreditPresent, fmt.Sprintf("a quote of v%d", version)
		return
	case !may:
		c.Why = fmt.Sprintf("it is not %s's own; --anyone accepts it", c.By)
		return
	}
	c.State = CreditAdded
	p.Trailers = append(p.Trailers, c.Trailer)
	if c.Note != "" {
		p.Trailers = append(p.Trailers, patch.Trailer{Value: c.Note})
	}
	changed[p] = true
	if sent != nil && sent.Diff != p.Diff {
		c.Why = fmt.Sprintf("the patch has changed since v%d: does it still hold?", version)
	}
}

// hasTag reports whether a patch has a tag: of the same kind, by the same
// person or of the same commit.
func hasTag(p *patch.Patch, t reply.Tag) bool {
	for _, have := range p.Values(t.Key) {
		a, err := mail.ParseAddress(have)
		switch {
		case t.Person.Email != "" && err == nil && strings.EqualFold(a.Email, t.Person.Email):
			return true
		case t.Person.Email == "" && strings.EqualFold(have, t.Value):
			return true
		}
	}
	return false
}
