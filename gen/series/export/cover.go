// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
)

// placeholder matches a placeholder for a measured figure in a cover letter. A number
// after the name is the width of the column.
var placeholder = regexp.MustCompile(`\{\{bench:([A-Za-z0-9_.+/-]+)(?:,([0-9]{1,2}))?\}\}`)

// Unfilled returns the placeholders of the cover letter that have no result.
func (h *Half) Unfilled() (names []string) {
	for _, m := range placeholder.FindAllStringSubmatch(h.Series.Cover, -1) {
		if _, ok := h.Results[m[1]]; !ok && !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// coverText returns the cover letter with its placeholders filled.
func (h *Half) coverText() string {
	text := h.Series.Cover
	if text == "" {
		text = "*** THE COVER LETTER IS MISSING ***"
	}
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		r, ok := h.Results[m[1]]
		if !ok {
			return "*** NOT MEASURED: " + m[1] + " ***"
		}
		width, _ := strconv.Atoi(m[2]) // none is 0
		return fmt.Sprintf("%*s", width, strings.Trim(r, "\n"))
	})
}

// threadID returns the Message-Id of the first mail of the thread.
func (h *Half) threadID() string {
	if h.hasCover() {
		return h.MessageID(0)
	}
	return h.MessageID(1)
}

// hasCover reports whether the thread has a cover letter. A single patch has one only
// if its author wrote it.
func (h *Half) hasCover() bool { return h.Series.Cover != "" || len(h.Base.Patches) > 1 }

// cover returns the mail of the cover letter.
func (h *Half) cover() ([]byte, error) {
	to, err := h.to()
	if err != nil {
		return nil, err
	}
	cc, err := h.cc(0)
	if err != nil {
		return nil, err
	}
	s := patch.Subject{Prefix: h.prefix(), Version: h.version(), N: 0, Total: len(h.Base.Patches), Title: h.Series.Title}
	brackets := strings.TrimSuffix(s.String(), s.Title)
	var b bytes.Buffer
	b.WriteString("From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n")
	b.WriteString(mail.EncodeAddress("From", h.sender()))
	fmt.Fprintf(&b, "Date: %s\n", h.Base.Patches[0].Date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	b.WriteString(mail.EncodeText("Subject", brackets, s.Title))
	fmt.Fprintf(&b, "Message-Id: <%s>\n", h.MessageID(0))
	if len(to) > 0 {
		b.WriteString(mail.EncodeAddresses("To", to))
	}
	if len(cc) > 0 {
		b.WriteString(mail.EncodeAddresses("Cc", cc))
	}
	b.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n")
	b.WriteString(h.coverBody())
	return portable(b.Bytes())
}

// version returns the version for the subjects. 0 means that they show none, as for v1.
func (h *Half) version() int {
	if h.Series.Version < 2 {
		return 0
	}
	return h.Series.Version
}

func (h *Half) coverBody() string {
	parts := append([]string{h.coverText()}, h.history()...)
	parts = append(parts, strings.TrimRight(h.shortlog(), "\n"), strings.TrimRight(h.Stat, "\n"))
	return strings.Join(append(parts, h.origin()...), "\n\n") + "\n"
}

// belowPatch returns the text below "---" of a single patch without cover letter: its own
// notes and what a cover letter would say of other threads, versions and the base.
func (h *Half) belowPatch(notes string) string {
	parts := append(h.history(), h.origin()...)
	if notes != "" {
		parts = slices.Insert(parts, 0, notes)
	}
	return strings.Join(parts, "\n\n")
}

// history returns paragraphs about other threads and earlier versions.
func (h *Half) history() []string {
	parts := h.related()
	if links := h.earlier(); links != "" {
		parts = append(parts, links)
	}
	for _, e := range h.Series.Changelog {
		if e.Text != "" && e.Version > 1 && e.Version <= h.Series.Version {
			parts = append(parts, fmt.Sprintf("Changes in v%d:\n%s", e.Version, e.Text))
		}
	}
	return parts
}

// origin returns paragraphs about the difference from the last version, and the base.
func (h *Half) origin() (parts []string) {
	if h.RangeDiff != "" {
		parts = append(parts, fmt.Sprintf("Range-diff against v%d:\n%s", h.Series.Version-1, strings.TrimRight(h.RangeDiff, "\n")))
	}
	return append(parts, h.baseLine())
}

// related returns paragraphs about the series that this one depends on, and about the ones
// posted with it that depend on this one.
func (h *Half) related() (parts []string) {
	for _, s := range h.Needs {
		what := fmt.Sprintf("This depends on the series %q", s.Title)
		i := slices.IndexFunc(h.Beside, func(o *Half) bool { return o.Series == s })
		switch {
		case i >= 0:
			parts = append(parts, fmt.Sprintf("%s, [%s], which is posted as well:\n%s", what, h.Beside[i].prefix(), where(s, h.Beside[i].threadID())))
		case len(s.Sent) > 0:
			last := s.Sent[len(s.Sent)-1]
			parts = append(parts, fmt.Sprintf("%s, v%d:\n%s", what, last.Version, where(s, last.MessageID)))
		default:
			parts = append(parts, what+", which is not posted yet.")
		}
	}
	for _, o := range h.Beside {
		if slices.Contains(o.Needs, h.Series) && len(o.Base.Patches) > 0 {
			parts = append(parts, fmt.Sprintf("The series %q, [%s], depends on this one and is posted as well:\n%s",
				o.Series.Title, o.prefix(), where(o.Series, o.threadID())))
		}
	}
	return parts
}

// earlier returns links to the earlier versions.
func (h *Half) earlier() string {
	var lines []string
	if l := h.Series.Attribution.Link; l != "" {
		text := h.Series.Attribution.LinkText
		if text == "" {
			text = "Link"
		}
		lines = append(lines, text+": "+l)
	}
	for _, p := range h.Series.Sent {
		if p.Version < h.Series.Version {
			lines = append(lines, fmt.Sprintf("Link to v%d: %s", p.Version, where(h.Series, p.MessageID)))
		}
	}
	return strings.Join(lines, "\n")
}

// baseLine names the base of the series. Tools read the line with base-commit. A base that
// is not a commit of a public tree must look different.
func (h *Half) baseLine() string {
	with := ""
	if len(h.Thread.Stands) > 0 {
		with = "with the patches of " + strings.Join(h.Thread.Stands, ", ") + ",\n"
	}
	if c := h.Thread.Commit; c != "" && with == "" {
		return "base-commit: " + c
	} else if c != "" {
		return "Based on the base-commit below " + with + "which are posted separately.\n\nbase-commit: " + c
	}
	return fmt.Sprintf("Based on %s,\n%swhich is not a commit of a public tree; the index lines name the exact blobs.", h.Thread.Origin, with)
}

// shortlog lists the patches as git shortlog does, by author.
func (h *Half) shortlog() string {
	var names []string
	titles := map[string][]string{}
	for _, p := range h.Base.Patches {
		a := h.author(p.Author)
		if !slices.Contains(names, a.Name) {
			names = append(names, a.Name)
		}
		titles[a.Name] = append(titles[a.Name], "  "+p.Subject.Title)
	}
	var parts []string
	for _, n := range names {
		parts = append(parts, fmt.Sprintf("%s (%d):\n%s", n, len(titles[n]), strings.Join(titles[n], "\n")))
	}
	return strings.Join(parts, "\n\n")
}
