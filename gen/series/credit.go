// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
	"xpsgen/vmtest/cache"
)

// creditLine is a trailer by which a reader of a patch vouches for it, as a
// line of its own in a mail.
var creditLine = regexp.MustCompile(`^(?i)(Reviewed-by|Acked-by|Tested-by):\s*(\S.*)$`)

// Credit is one trailer that a mail gave, and what became of it.
type Credit struct {
	// Trailer is what was given, By whom the mail is from.
	Trailer patch.Trailer
	By      mail.Address
	// MessageID is the mail's, File the mbox it was in.
	MessageID, File string
	// Project, Base and Key say to which patch it belongs; Key is empty if
	// none was found.
	Project, Base, Key string
	// Added is set if the patch has it now and had it not.
	Added bool
	// Why says why it was not added, or what to look at.
	Why string
}

// String is c as a line for people.
func (c Credit) String() string {
	state := "skipped"
	if c.Added {
		state = "added"
	}
	s := fmt.Sprintf("%-8s%s", state, c.Trailer)
	if c.Key != "" {
		s = fmt.Sprintf("%-8s%s %s: %s", state, c.Base, c.Key, c.Trailer)
	}
	if c.Why != "" {
		s += " (" + c.Why + ")"
	}
	return s
}

// CreditOptions say which replies to read.
type CreditOptions struct {
	// Mboxes are the replies, a whole mbox each, by the name of its file.
	Mboxes map[string][]byte
	// Anyone takes trailers that are not their sender's own.
	Anyone bool
	// DryRun writes nothing.
	DryRun bool
}

// Credit puts the trailers that replies give onto the patches of the bases
// that are submitted. A reply is tied to its patch by In-Reply-To and
// References, through the thread, or else by its subject; one to a cover
// letter is to all patches. Nothing is written if a mail cannot be read.
func (c *Change) Credit(opt CreditOptions) ([]Credit, error) {
	x := &creditIndex{change: c, byID: map[string]place{}, parents: map[string][]string{}}
	if err := x.addPostings(); err != nil {
		return nil, err
	}
	var replies []reply
	names := make([]string, 0, len(opt.Mboxes))
	for name := range opt.Mboxes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for i, data := range mail.SplitMbox(opt.Mboxes[name]) {
			m, err := mail.Parse(data)
			if err != nil {
				return nil, &FileError{File: name, Err: fmt.Errorf("mail %d: %w", i+1, err)}
			}
			replies = append(replies, reply{m, name})
			x.addMail(m)
		}
	}
	var credits []Credit
	changed := map[*Patch]bool{}
	for _, r := range replies {
		found, err := r.credits()
		if err != nil {
			return nil, err
		}
		for _, cr := range found {
			credits = append(credits, x.apply(r, cr, opt.Anyone, changed)...)
		}
	}
	return credits, writeCredits(changed, opt.DryRun)
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
			return fmt.Errorf("credit: %w", err)
		}
	}
	return nil
}

type reply struct {
	*mail.Mail
	file string
}

// credits reads the trailers that a mail gives by itself: quoted ones are
// somebody else's, and below "-- " is no text.
func (r reply) credits() ([]Credit, error) {
	if !isReply(r.Header) {
		return nil, nil
	}
	text, err := r.UTF8(r.Body)
	if err != nil {
		return nil, &FileError{File: r.file, Err: fmt.Errorf("<%s>: %w", messageID(r.Header), err)}
	}
	by, _ := mail.ParseAddress(r.Header.Get("From"))
	var list []Credit
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, " \t\r\n")
		if l == "--" {
			break
		}
		m := creditLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		// The way kernel trailers are written: one capital.
		key := strings.ToUpper(m[1][:1]) + strings.ToLower(m[1][1:])
		t := patch.Trailer{Key: key, Value: strings.Join(strings.Fields(m[2]), " ")}
		list = append(list, Credit{Trailer: t, By: by, MessageID: messageID(r.Header), File: r.file})
	}
	return list, nil
}

var replyPrefix = regexp.MustCompile(`^(?i)((re|aw|sv)\s*:\s*)+`)

// isReply tells a reply from a patch, which may well be sent in reply to
// something. Some programs drop the "Re:".
func isReply(h mail.Header) bool {
	subject := h.Get("Subject")
	return replyPrefix.MatchString(subject) || h.Get("In-Reply-To") != "" && patch.ParseSubject(subject).Prefix == ""
}

func messageID(h mail.Header) string {
	return strings.Trim(strings.TrimSpace(h.Get("Message-Id")), "<>")
}

// place is what a mail is about: a patch of a series, or with no key all.
type place struct {
	series *Series
	key    string
}

// creditIndex knows which Message-Id is which patch.
type creditIndex struct {
	change  *Change
	byID    map[string]place
	parents map[string][]string
}

// addPostings takes the Message-Ids of what was sent.
func (x *creditIndex) addPostings() error {
	for _, s := range x.change.All() {
		for _, p := range s.Sent {
			if err := p.Verify(); err != nil {
				return err
			}
			thread := place{series: s}
			if len(p.Patches) == 1 {
				thread.key = p.Patches[0].Key
			}
			x.byID[p.MessageID] = thread
			list, err := p.Load()
			if err != nil {
				return err
			}
			for _, sent := range list {
				if id := messageID(sent.Header); id != "" {
					x.byID[id] = place{s, sent.Key}
				}
			}
		}
	}
	return nil
}

// addMail takes what a mail says of its place in the thread, and its own, if
// it is one of our patches.
func (x *creditIndex) addMail(m *mail.Mail) {
	id := messageID(m.Header)
	if id == "" {
		return
	}
	for _, name := range []string{"In-Reply-To", "References"} {
		ids := strings.Fields(m.Header.Get(name))
		slices.Reverse(ids)
		for _, ref := range ids {
			x.parents[id] = append(x.parents[id], strings.Trim(ref, "<>,"))
		}
	}
	subject := m.Header.Get("Subject")
	if _, known := x.byID[id]; known || isReply(m.Header) {
		return
	}
	if at, ok := x.bySubject(subject); ok {
		x.byID[id] = at
	}
}

// bySubject finds the patch with a title, of the postings or as it is now.
func (x *creditIndex) bySubject(subject string) (place, bool) {
	sub := patch.ParseSubject(replyPrefix.ReplaceAllString(strings.Join(strings.Fields(subject), " "), ""))
	for _, s := range x.change.All() {
		if sub.Title == s.Title {
			return place{series: s}, true
		}
		if b := s.Submit(); b != nil {
			for _, p := range b.Patches {
				if p.Subject.Title == sub.Title {
					return place{s, p.Key}, true
				}
			}
		}
		for _, posting := range s.Sent {
			list, err := posting.Load()
			if err != nil {
				continue // said by addPostings
			}
			for _, p := range list {
				if p.Subject.Title == sub.Title {
					return place{s, p.Key}, true
				}
			}
		}
	}
	return place{}, false
}

// find says what a reply is about.
func (x *creditIndex) find(r reply) (place, bool) {
	seen := map[string]bool{}
	queue := []string{messageID(r.Header)}
	if queue[0] == "" {
		for _, name := range []string{"In-Reply-To", "References"} {
			queue = append(queue, strings.Fields(strings.ReplaceAll(strings.ReplaceAll(r.Header.Get(name), "<", ""), ">", ""))...)
		}
	}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		if at, ok := x.byID[id]; ok {
			return at, true
		}
		queue = append(queue, x.parents[id]...)
	}
	return x.bySubject(r.Header.Get("Subject"))
}

// apply puts a credit where it belongs. A credit for a whole series becomes
// one for each patch.
func (x *creditIndex) apply(r reply, c Credit, anyone bool, changed map[*Patch]bool) []Credit {
	who, err := mail.ParseAddress(c.Trailer.Value)
	if err != nil {
		c.Why = "it names no mail address"
		return []Credit{c}
	}
	at, ok := x.find(r)
	if !ok {
		c.Why = fmt.Sprintf("%q is about no patch of ours", r.Header.Get("Subject"))
		return []Credit{c}
	}
	c.Project = at.series.Project
	b := at.series.Submit()
	if b == nil {
		c.Why = at.series.Project + " has no base that is submitted"
		return []Credit{c}
	}
	c.Base, c.Key = b.Name, at.key
	if !anyone && !strings.EqualFold(who.Email, c.By.Email) && !strings.EqualFold(who.Name, c.By.Name) {
		c.Why = fmt.Sprintf("it is not %s's own; --anyone takes it", c.By)
		return []Credit{c}
	}
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
		x.applyOne(&one, at.series, b, who, changed)
		list = append(list, one)
	}
	return list
}

func (x *creditIndex) applyOne(c *Credit, s *Series, b *Base, who mail.Address, changed map[*Patch]bool) {
	p := b.Patch(c.Key)
	if p == nil {
		c.Why = "the patch is gone"
		return
	}
	for _, have := range p.Values(c.Trailer.Key) {
		if a, err := mail.ParseAddress(have); err == nil && strings.EqualFold(a.Email, who.Email) {
			c.Why = "the patch has it"
			return
		}
	}
	c.Added = p.AddTrailer(c.Trailer)
	changed[p] = true
	if len(s.Sent) == 0 {
		return
	}
	last := s.Sent[len(s.Sent)-1]
	list, err := last.Load()
	if err != nil {
		return // said by addPostings
	}
	for _, sent := range list {
		if sent.Key == c.Key && sent.Diff != p.Diff {
			c.Why = fmt.Sprintf("the patch has changed since v%d: does it still hold?", last.Version)
		}
	}
}
