// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"fmt"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// Subject is the subject of a patch mail: "[PATCH net-next v2 03/15] tun: do so".
type Subject struct {
	// Prefix is the text in the brackets before version and number: "PATCH net-next".
	// Empty means no brackets.
	Prefix string
	// Version is the N of "vN"; 0 means none.
	Version int
	// N is the patch's number of Total. Total 0 means none. The cover letter has N 0.
	N, Total int
	// Title is the rest, which is the first line of the commit message.
	Title string
}

var (
	versionWord = lazyregexp.New(`^[vV]([1-9]\d{0,3})$`)
	numberWord  = lazyregexp.New(`^(\d{1,4})/(\d{1,4})$`)
	replyStart  = lazyregexp.New(`(?i)^(re|aw|fwd?|sv)\s*:`)
)

// ParseSubject parses a decoded and unfolded subject. Of several brackets it uses the
// first with PATCH or RFC and drops the others, as git am does.
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

// String formats s as git format-patch does. N has as many digits as Total.
func (s Subject) String() string {
	return s.brackets() + s.Title
}

// brackets returns the text before the title.
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

// check rejects a subject that would read back differently.
func (s Subject) check() error {
	switch {
	case s.Title == "":
		return fail(0, ErrSubject, "empty")
	case !isASCII(s.Prefix) || strings.Contains(s.Prefix, "=?"):
		return fail(0, ErrSubject, "prefix %q: not ASCII", s.Prefix)
	case ParseSubject(s.String()) != s:
		return fail(0, ErrSubject, "%q would read back differently", s.String())
	case strings.HasPrefix(s.Title, ":") || replyStart.MatchString(s.Title):
		return fail(0, ErrSubject, "git am would drop the beginning of %q", s.Title)
	}
	return nil
}
