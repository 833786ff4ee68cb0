// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
	"xpsgen/gen/series/reply"
)

// place says what a mail is about: one patch of a series, or all patches if key is empty.
// foreign means a patch of another author.
type place struct {
	series  *Series
	key     string
	foreign bool
}

// creditIndex maps Message-IDs to patches.
type creditIndex struct {
	change *Change
	byID   map[string]place
	// posted has the Message-IDs of the series' own mails.
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

// addMail records the parents of a mail and, if the mail is a patch, its place. It returns
// false for a copy of a mail, for example from another list.
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

// bySubject finds the patch or the series with a title, among the current patches and the
// sent ones.
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

// find returns the place of a reply. It is the place of the nearest known mail in its
// thread, or else the place of the patch with the same subject.
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

// lastSent returns the patch as of the last sent version, nil if that version lacks it, and
// the number of that version.
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
