// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
)

// Target is a maintainer's public tree, and the rules of those who take
// patches for it. Name is required.
type Target struct {
	// Name is the tag in a subject: "net-next".
	Name string `toml:"name"`
	// URL and Branch say where it is; Branch empty means its HEAD.
	URL    string `toml:"url"`
	Branch string `toml:"branch"`
	// List is the mailing list that every patch goes to.
	List string `toml:"list"`
	// Archive is the address below which a mail is found by its Message-Id.
	Archive string `toml:"archive"`
	// Fixes says that the tree takes fixes only.
	Fixes bool `toml:"fixes"`
	// Window is a page that says whether the tree is open. It is closed for
	// features while Linus's merge window is open. Empty means that it never
	// closes.
	Window string `toml:"window"`
	// MaxPatches is the maximum length of a series, and of the patches of one
	// person that are pending; 0 means no limit.
	MaxPatches int `toml:"max-patches"`
	// IntervalHours is the least time between two versions; 0 means none.
	IntervalHours int `toml:"interval-hours"`
	// LineLength is the maximum line length for checkpatch; 0 means its own
	// default.
	LineLength int `toml:"line-length"`
	// Rules names sets of checks that run in addition to those for every tree.
	Rules []string `toml:"rules"`
}

// RuleNetdev names the checks for the conventions of networking code.
const RuleNetdev = "netdev"

var rules = []string{RuleNetdev}

// Recipients of a series, as "Name <address>" or a bare address.
type Recipients struct {
	To []string `toml:"to"`
	Cc []string `toml:"cc"`
}

// Attribution says who suggested a change or helped with it. All of it may be
// empty.
type Attribution struct {
	// SuggestedBy is the person who had the idea, as "Name <address>".
	SuggestedBy []string `toml:"suggested-by"`
	// Link is the address where the idea was first posted. LinkText is its text
	// in a cover letter.
	Link     string `toml:"link"`
	LinkText string `toml:"link-text"`
	// AssistedBy are tools that helped, as the trailer Assisted-by of the
	// kernel's Documentation/process/coding-assistants.rst names them.
	AssistedBy []string `toml:"assisted-by"`
}

func findTarget(list []Target, name string) *Target {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// check looks for contradictions and gaps.
func (f *file) check(path string, pos positions) error {
	fail := func(key string, nth int, err error) error {
		return &Error{File: path, Line: pos.line(key, nth), Msg: err.Error()}
	}
	if key, err := f.Project.check(); err != nil {
		return fail(key, 0, err)
	}
	if len(f.Bases) == 0 {
		return fail("base", 0, errors.New("no [[base]]"))
	}
	for _, check := range []func() (string, int, error){f.checkTargets, f.checkBases, f.checkSeries, f.checkPeople} {
		if key, nth, err := check(); err != nil {
			return fail(key, nth, err)
		}
	}
	return nil
}

// checkTargets returns the wrong key, and the index nth of its table in the file.
func (f *file) checkTargets() (key string, nth int, err error) {
	seen := map[string]bool{}
	for i, t := range f.Targets {
		switch {
		case !isName(t.Name):
			return "target.name", i, fmt.Errorf("target %q: %s", t.Name, nameRule)
		case seen[t.Name]:
			return "target.name", i, fmt.Errorf("target %q is defined twice", t.Name)
		case strings.HasPrefix(t.URL, "-"):
			return "target.url", i, fmt.Errorf("target %q: url %q: must not begin with -", t.Name, t.URL)
		case strings.HasPrefix(t.Branch, "-"):
			return "target.branch", i, fmt.Errorf("target %q: branch %q: must not begin with -", t.Name, t.Branch)
		case t.MaxPatches < 0 || t.IntervalHours < 0 || t.LineLength < 0:
			return "target.name", i, fmt.Errorf("target %q: want numbers of 0 or more", t.Name)
		case t.Archive != "" && !strings.HasPrefix(t.Archive, "https://"):
			return "target.archive", i, fmt.Errorf("target %q: archive %q: want https://", t.Name, t.Archive)
		case t.Window != "" && !strings.HasPrefix(t.Window, "https://"):
			return "target.window", i, fmt.Errorf("target %q: window %q: want https://", t.Name, t.Window)
		}
		if t.List != "" {
			if _, err := mail.ParseAddress(t.List); err != nil {
				return "target.list", i, fmt.Errorf("target %q: %q is not a mail address", t.Name, t.List)
			}
		}
		for _, r := range t.Rules {
			if !slices.Contains(rules, r) {
				return "target.rules", i, fmt.Errorf("target %q: no rules %q (there is %s)", t.Name, r, strings.Join(rules, ", "))
			}
		}
		seen[t.Name] = true
	}
	return "", 0, nil
}

// checkPeople looks at addresses and links.
func (f *file) checkPeople() (key string, nth int, err error) {
	if key, err := checkPeople(f.Recipients, f.Attribution); err != nil {
		return key, 0, err
	}
	for i := range f.Series {
		s := &f.Series[i]
		if key, err := checkPeople(s.Recipients, s.Attribution); err != nil {
			return "series." + key, i, fmt.Errorf("series %q: %w", s.Key, err)
		}
	}
	return "", 0, nil
}

func checkPeople(r Recipients, a Attribution) (key string, err error) {
	for _, l := range []struct {
		key  string
		list []string
	}{
		{"recipients.to", r.To}, {"recipients.cc", r.Cc}, {"attribution.suggested-by", a.SuggestedBy},
	} {
		for _, address := range l.list {
			if _, err := mail.ParseAddress(address); err != nil {
				return l.key, fmt.Errorf("%q is not a mail address", address)
			}
		}
	}
	if a.Link != "" && !strings.HasPrefix(a.Link, "https://") {
		return "attribution.link", fmt.Errorf("link %q: want https://", a.Link)
	}
	for _, tool := range a.AssistedBy {
		if strings.TrimSpace(tool) == "" || strings.ContainsAny(tool, "\r\n") {
			return "attribution.assisted-by", errors.New("assisted-by: want one line per entry")
		}
	}
	return "", nil
}
