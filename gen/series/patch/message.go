// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/vmtest/lazyregexp"
)

var (
	trailerLine = lazyregexp.New(`^([A-Za-z][A-Za-z0-9-]*): (\S.*)$`)
	inBodyLine  = lazyregexp.New(`^(?i:From|Subject|Date):\s`)
)

// cutsMessage reports whether git am would end the message at this line.
func cutsMessage(line string) bool {
	switch {
	case strings.HasPrefix(line, "diff -"), strings.HasPrefix(line, "Index: "):
		return true
	case strings.HasPrefix(line, "---"):
		rest := line[3:]
		return strings.TrimSpace(rest) == "" || rest[0] == ' ' && rest[1] != ' '
	}
	return false
}

// clean applies git's cleanup of messages. It removes spaces at line ends, repeated empty
// lines, and empty lines at both ends.
func clean(s string) string {
	var lines []string
	for _, l := range strings.Split(s, "\n") {
		l = strings.TrimRight(l, " \t\r\v\f")
		if l == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, l)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// cherryPicked begins the line of git cherry-pick -x. It has no key, but git treats it as
// a trailer.
const cherryPicked = "(cherry picked from commit "

// splitMessage splits off the trailers of a clean message without title.
func splitMessage(s string) (body string, trailers []Trailer) {
	start := 0
	if i := strings.LastIndex(s, "\n\n"); i >= 0 {
		start = i + 2
	}
	if s == "" {
		return "", nil
	}
	for _, line := range strings.Split(s[start:], "\n") {
		if m := trailerLine.FindStringSubmatch(line); m != nil {
			trailers = append(trailers, Trailer{m[1], m[2]})
			continue
		}
		switch n := len(trailers); {
		case strings.HasPrefix(line, cherryPicked):
			trailers = append(trailers, Trailer{Value: line})
		case n > 0 && strings.HasPrefix(line, "["), n > 0 && trailers[n-1].Key == "" && strings.HasPrefix(line, " "):
			trailers = append(trailers, Trailer{Value: line})
		case n > 0 && (line[0] == ' ' || line[0] == '\t'):
			trailers[n-1].Value += "\n" + line
		default:
			return s, nil
		}
	}
	return strings.TrimSuffix(s[:start], "\n\n"), trailers
}

// checkMessage rejects a message that git am would split differently.
func checkMessage(p *Patch) error {
	full := p.Message()
	_, rest, _ := strings.Cut(full, "\n\n")
	if len(p.Body) > 0 || len(p.Trailers) > 0 {
		if rest != clean(rest) {
			return fail(0, ErrMessage, "trailing spaces or surplus empty lines")
		}
	}
	if body, trailers := splitMessage(rest); body != p.Body || !equal(trailers, p.Trailers) {
		return fail(0, ErrMessage, "git am would change its trailers")
	}
	for i, line := range strings.Split(rest, "\n") {
		switch {
		case cutsMessage(line):
			return fail(0, ErrMessage, "git am would end it at the line %q (indent it)", line)
		case mail.IsFromLine(line):
			return fail(0, ErrMessage, "git am would begin another mail at the line %q (indent it)", line)
		case strings.ContainsAny(line, "\x00\r"):
			return fail(0, ErrMessage, "the line %q has control characters", line)
		case i == 0 && (inBodyLine.MatchString(line) || strings.HasPrefix(line, "[PATCH] ")),
			i == 0 && strings.HasPrefix(line, ">") && mail.IsFromLine(line[1:]):
			return fail(0, ErrMessage, "git am would read its first line, %q, as a header (put another line first)", line)
		}
	}
	return nil
}

func equal(a, b []Trailer) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
