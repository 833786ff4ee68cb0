// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
)

// Tree is a maintainer's public tree.
type Tree struct {
	// Name is the tag in a subject: "net-next".
	Name string `toml:"name"`
	// URL and Branch say where it is; Branch empty means its HEAD.
	URL    string `toml:"url"`
	Branch string `toml:"branch"`
}

// Recipients of a series, as "Name <address>" or a bare address.
type Recipients struct {
	To []string `toml:"to"`
	Cc []string `toml:"cc"`
}

// Attribution says whom a change goes back to. All of it may be empty.
type Attribution struct {
	// SuggestedBy is who had the idea, as "Name <address>".
	SuggestedBy []string `toml:"suggested-by"`
	// Link leads to where it was first said.
	Link string `toml:"link"`
	// AssistedBy are tools that helped, as the trailer Assisted-by of the
	// kernel's Documentation/process/coding-assistants.rst names them.
	AssistedBy []string `toml:"assisted-by"`
}

// checkSending looks at what only matters to mails. It returns the key that
// is wrong, and the how manieth of its kind.
func (s *Series) checkSending() (key string, nth int, err error) {
	seen := map[string]bool{}
	for i, t := range s.Trees {
		switch {
		case !isName(t.Name):
			return "tree.name", i, fmt.Errorf("tree %q: want a plain name, such as net-next", t.Name)
		case seen[t.Name]:
			return "tree.name", i, fmt.Errorf("tree %q is there twice", t.Name)
		case t.URL == "" || strings.HasPrefix(t.URL, "-"):
			return "tree.url", i, fmt.Errorf("tree %q: url %q", t.Name, t.URL)
		case strings.HasPrefix(t.Branch, "-"):
			return "tree.branch", i, fmt.Errorf("tree %q: branch %q", t.Name, t.Branch)
		}
		seen[t.Name] = true
	}
	for _, l := range []struct {
		key  string
		list []string
	}{
		{"recipients.to", s.Recipients.To}, {"recipients.cc", s.Recipients.Cc},
		{"attribution.suggested-by", s.Attribution.SuggestedBy},
	} {
		for _, a := range l.list {
			if _, err := mail.ParseAddress(a); err != nil {
				return l.key, 0, fmt.Errorf("%q is no mail address", a)
			}
		}
	}
	if l := s.Attribution.Link; l != "" && !strings.HasPrefix(l, "https://") {
		return "attribution.link", 0, fmt.Errorf("link %q: want https://", l)
	}
	for _, a := range s.Attribution.AssistedBy {
		if strings.TrimSpace(a) == "" || strings.ContainsAny(a, "\r\n") {
			return "attribution.assisted-by", 0, errors.New("assisted-by: want one line each")
		}
	}
	return "", 0, nil
}

// isCommit reports whether s is a full commit name.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
