// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
	"xpsgen/gen/series/reply"
)

// place is the subject of a mail: a patch of a series, or with no key all of its
// patches. foreign means a patch of another author.
type place struct {
	series  *Series
	key     string
	foreign bool
}

// creditIndex knows which Message-ID is which patch.
type creditIndex struct {
	change *Change
	byID   map[string]place
	// posted are the mails that were sent.
	posted  map[string]bool
	parents map[string][]string
	sent    map[*Posting][]*Patch
}

// addPostings adds the Message-IDs of sent mails.
func (x *creditIndex) addPostings() error {
	x.posted, x.sent = map[string]bool{}, map[*Posting][]*Patch{}
	for _, s := range x.change.All() {
		for _, p := range s.Sent {
			if err := p.Verify(); err != nil {
				return err
			}
			thread := place{series: s}
			if len(p.Patches) == 1 {
				thread.key = p.Patches[0].Key
			}
			x.byID[p.MessageID], x.posted[p.MessageID] = thread, true
			list, err := p.Load()
			if err != nil {
				return err
			}
			x.sent[p] = list
			for _, sent := range list {
				if id := messageID(sent.Header); id != "" {
					x.byID[id], x.posted[id] = place{series: s, key: sent.Key}, true
				}
			}
		}
	}
	return nil
}

// addMail takes the references of a mail to its thread, and its own place
// if it is a patch. It reports whether the mail is new: a copy that went to
// another list is not.
func (x *creditIndex) addMail(m *reply.Message) bool {
	if m.ID == "" {
		return true
	}
	if _, again := x.parents[m.ID]; again {
		return false
	}
	x.parents[m.ID] = m.Parents
	if _, known := x.byID[m.ID]; known || m.IsReply() {
		return true
	}
	if at, ok := x.bySubject(m.Subject); ok {
		x.byID[m.ID], x.posted[m.ID] = at, true
	} else if m.Diff {
		x.byID[m.ID] = place{foreign: true}
	}
	return true
}

// bySubject finds the patch with a title among the postings and the present patches.
func (x *creditIndex) bySubject(subject string) (place, bool) {
	title := patch.ParseSubject(subject).Title
	if title == "" {
		return place{}, false
	}
	for _, s := range x.change.All() {
		if title == s.Title {
			return place{series: s}, true
		}
		if b := s.Submit(); b != nil {
			for _, p := range b.Patches {
				if p.Subject.Title == title {
					return place{series: s, key: p.Key}, true
				}
			}
		}
		for _, posting := range s.Sent {
			for _, p := range x.sent[posting] {
				if p.Subject.Title == title {
					return place{series: s, key: p.Key}, true
				}
			}
		}
	}
	return place{}, false
}

// find returns the subject of a reply: the nearest mail of its thread that is
// known, or else the mail with that subject.
func (x *creditIndex) find(m *reply.Message) (place, bool) {
	seen := map[string]bool{m.ID: true}
	var walk func(ids []string) (place, bool)
	walk = func(ids []string) (place, bool) {
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			if at, ok := x.byID[id]; ok {
				return at, true
			}
			if at, ok := walk(x.parents[id]); ok {
				return at, true
			}
		}
		return place{}, false
	}
	if at, ok := walk(m.Parents); ok {
		return at, true
	}
	return x.bySubject(m.Topic())
}

// lastSent is the last sent version of a patch.
func (x *creditIndex) lastSent(s *Series, key string) (*Patch, int) {
	if len(s.Sent) == 0 {
		return nil, 0
	}
	last := s.Sent[len(s.Sent)-1]
	for _, p := range x.sent[last] {
		if p.Key == key {
			return p, last.Version
		}
	}
	return nil, last.Version
}

func messageID(h mail.Header) string {
	return strings.Trim(strings.TrimSpace(h.Get("Message-Id")), "<>")
}
