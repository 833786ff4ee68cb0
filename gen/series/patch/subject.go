// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Subject is a patch mail's subject: "[PATCH net-next v2 03/15] tun: do so".
type Subject struct {
	// Prefix is what stands in the brackets before version and number:
	// "PATCH net-next". Empty means that there are no brackets.
	Prefix string
	// Version is the N of "vN"; 0 means that none is said.
	Version int
	// N of Total is the patch's place; Total 0 means that none is said. The
	// cover letter is 0.
	N, Total int
	// Title is the rest, the first line of the commit's message.
	Title string
}

var (
	versionWord = regexp.MustCompile(`^[vV]([1-9]\d{0,3})$`)
	numberWord  = regexp.MustCompile(`^(\d{1,4})/(\d{1,4})$`)
	replyStart  = regexp.MustCompile(`(?i)^(re|aw|fwd?|sv)\s*:`)
)

// ParseSubject reads a subject, decoded and unfolded. Of several brackets the
// first that says PATCH or RFC counts, the others are dropped, as git am does.
func ParseSubject(s string) Subject {
	var sub Subject
	rest := strings.Join(strings.Fields(s), " ")
	for strings.HasPrefix(rest, "[") {
		inner, after, ok := strings.Cut(rest[1:], "]")
		if !ok {
			break
		}
		if sub.Prefix == "" && isPatchPrefix(inner) {
			sub.readBrackets(inner)
		}
		rest = strings.TrimLeft(after, " ")
	}
	sub.Title = rest
	return sub
}

func isPatchPrefix(s string) bool {
	return strings.Contains(strings.ToUpper(s), "PATCH") || strings.Contains(strings.ToUpper(s), "RFC")
}

func (s *Subject) readBrackets(inner string) {
	var prefix []string
	for _, word := range strings.Fields(inner) {
		if m := versionWord.FindStringSubmatch(word); m != nil && s.Version == 0 && len(prefix) > 0 {
			s.Version, _ = strconv.Atoi(m[1])
			continue
		}
		if m := numberWord.FindStringSubmatch(word); m != nil && s.Total == 0 && len(prefix) > 0 {
			s.N, _ = strconv.Atoi(m[1])
			s.Total, _ = strconv.Atoi(m[2])
			continue
		}
		prefix = append(prefix, word)
	}
	s.Prefix = strings.Join(prefix, " ")
}

// String writes s as git format-patch does, the number as wide as the total.
func (s Subject) String() string {
	return s.brackets() + s.Title
}

// brackets is what stands before the title.
func (s Subject) brackets() string {
	if s.Prefix == "" {
		return ""
	}
	out := "[" + s.Prefix
	if s.Version > 0 {
		out += fmt.Sprintf(" v%d", s.Version)
	}
	if s.Total > 0 {
		out += fmt.Sprintf(" %0*d/%d", len(strconv.Itoa(s.Total)), s.N, s.Total)
	}
	return out + "] "
}

// check refuses a subject that would be read as another one.
func (s Subject) check() error {
	switch {
	case s.Title == "":
		return fail(0, ErrSubject, "it is empty")
	case !isASCII(s.Prefix) || strings.Contains(s.Prefix, "=?"):
		return fail(0, ErrSubject, "prefix %q: want ASCII", s.Prefix)
	case ParseSubject(s.String()) != s:
		return fail(0, ErrSubject, "%q would not come back as it is", s.String())
	case strings.HasPrefix(s.Title, ":") || replyStart.MatchString(s.Title):
		return fail(0, ErrSubject, "git am would cut off the beginning of %q", s.Title)
	}
	return nil
}
