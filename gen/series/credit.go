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
	// CreditAdded means that this run added the tag to the patch.
	CreditAdded CreditState = "added"
	// CreditPresent means that the patch had the tag.
	CreditPresent CreditState = "present"
	// CreditRefused means that a line looks like a tag and was not used.
	CreditRefused CreditState = "refused"
	// CreditUnread means that a mail could not be read.
	CreditUnread CreditState = "unreadable"
)

// Credit is the result for one tag of a mail, or for a mail that cannot be read.
type Credit struct {
	State CreditState
	// Trailer is the tag. A refused line that is not a trailer is in its Value, without a
	// Key. Note is the line in brackets after the tag; may be empty.
	Trailer patch.Trailer
	Note    string
	// By is the sender of the mail.
	By mail.Address
	// MessageID is the mail's. File is the file that has the mail. Mail is its number in
	// the file, from 1.
	MessageID, File string
	Mail            int
	// Series, Base and Key say to which patch it belongs; Key is empty if
	// none was found.
	Series, Base, Key string
	// Why says why the tag was not added, or what to check; may be empty.
	Why string
}

// Failed reports whether the row needs attention: a tag was refused, or a mail could not be
// read.
func (c Credit) Failed() bool { return c.State == CreditRefused || c.State == CreditUnread }

// String formats c as one line for the terminal.
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

// CreditOptions are the options of [Change.Credit].
type CreditOptions struct {
	// Sources are the replies.
	Sources []reply.Source
	// Anyone accepts tags that name somebody other than the sender of the mail.
	Anyone bool
	// DryRun writes nothing.
	DryRun bool
}

// CreditReport lists the results of all replies.
type CreditReport struct {
	// Rows are the tags and the mails that could not be read.
	Rows []Credit
	// Mails is the number of mails that were read. Foreign is the number of tags for
	// patches of other authors, whose mails are among these.
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

// Added returns the number of tags that the patches got.
func (r *CreditReport) Added() (n int) {
	for _, c := range r.Rows {
		if c.State == CreditAdded {
			n++
		}
	}
	return n
}

// Credit adds the tags in replies to the patches of the bases with the role submit. It
// finds the patch of a reply through In-Reply-To and References, or else by the subject. A
// reply to a cover letter is for all patches. A mail that cannot be read becomes a row and
// does not stop the run.
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

// newCredit returns a row about a mail. Its state is refused until the caller changes it.
func newCredit(m *reply.Message) Credit {
	return Credit{State: CreditRefused, By: m.From, MessageID: m.ID, File: m.Source, Mail: m.N}
}

// writeCredits formats all patches before it writes the first file. With dry it only
// formats.
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

// credit adds a tag to its patch, or to each patch if the tag is for the whole series. It
// returns a row per patch.
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
		// All rows have the same reason, so one row is enough.
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

// hasTag reports whether a patch has a tag with the same key and person. A tag without a
// person, such as Fixes, must have the same value.
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
