// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/gen/series/check"
	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
)

// Message is one mail.
type Message struct {
	// File is the name of the file that has only this mail. ID is its Message-Id without
	// brackets.
	File, ID string
	// Data is the mail.
	Data []byte
	// Cover says that it is the cover letter.
	Cover bool
}

// Messages returns the mails of the thread, the cover letter first.
func (h *Half) Messages() (list []Message, err error) {
	if len(h.Base.Patches) == 0 {
		return nil, fmt.Errorf("%s: the series has no patches", h.Name())
	}
	if h.hasCover() {
		data, err := h.cover()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name(), err)
		}
		list = append(list, Message{File: "0000-cover-letter.patch", ID: h.MessageID(0), Data: data, Cover: true})
	}
	for i := range h.Base.Patches {
		m, err := h.message(i + 1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Base.Patches[i].Path, err)
		}
		list = append(list, m)
	}
	return list, nil
}

// message makes the mail of patch n, counted from 1.
func (h *Half) message(n int) (m Message, err error) {
	p := *h.Base.Patches[n-1].Patch
	to, err := h.to()
	if err != nil {
		return m, err
	}
	cc, err := h.cc(n)
	if err != nil {
		return m, err
	}
	p.Subject.Prefix, p.Subject.Version = h.prefix(), h.version()
	p.Subject.N, p.Subject.Total = n, len(h.Base.Patches)
	if len(h.Base.Patches) == 1 && !h.hasCover() {
		p.Subject.N, p.Subject.Total = 0, 0
	}
	p.Header = mail.Header{{Name: "Message-Id", Value: "<" + h.MessageID(n) + ">"}}
	if h.hasCover() {
		id := "<" + h.MessageID(0) + ">"
		p.Header = append(p.Header, mail.Field{Name: "In-Reply-To", Value: id}, mail.Field{Name: "References", Value: id})
	} else {
		p.Notes = h.belowPatch(p.Notes)
	}
	if len(to) > 0 {
		p.Header = append(p.Header, mail.Field{Name: "To", Value: joinAddresses(to)})
	}
	if len(cc) > 0 {
		p.Header = append(p.Header, mail.Field{Name: "Cc", Value: joinAddresses(cc)})
	}
	p.Trailers = slices.Clone(p.Trailers)
	for _, a := range h.Series.Attribution.AssistedBy {
		p.AddTrailer(patch.Trailer{Key: "Assisted-by", Value: a})
	}
	h.sign(&p)
	m = Message{File: fmt.Sprintf("%04d-%s.patch", n, fileName(p.Subject.Title)), ID: h.MessageID(n)}
	if m.Data, err = p.Format(); err != nil {
		return m, err
	}
	m.Data, err = portable(m.Data)
	return m, err
}

// author returns the author of a patch in the mails. The signer replaces the placeholder of
// the workbench.
func (h *Half) author(a mail.Address) mail.Address {
	if h.Signer != nil && check.Placeholder(a.Email) {
		return *h.Signer
	}
	return a
}

// sign adds the signer's Signed-off-by, and replaces a placeholder as author.
func (h *Half) sign(p *patch.Patch) {
	if h.Signer == nil {
		return
	}
	p.Author = h.author(p.Author)
	p.AddTrailer(patch.Trailer{Key: "Signed-off-by", Value: h.Signer.String()})
}

// fileName converts a title to a file name, as git format-patch does.
func fileName(title string) string {
	var b strings.Builder
	gap := false
	for _, r := range title {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_'
		switch {
		case ok && gap && b.Len() > 0:
			b.WriteByte('-')
			fallthrough
		case ok:
			b.WriteRune(r)
			gap = false
		default:
			gap = true
		}
		if b.Len() >= 52 {
			break
		}
	}
	return strings.TrimRight(b.String(), ".-")
}

// joinAddresses returns the value of a header. It quotes names with special characters.
func joinAddresses(list []mail.Address) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.String()
		if strings.ContainsAny(a.Name, `,;:"()<>@.\`) {
			parts[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + a.Email + `>`
		}
	}
	return strings.Join(parts, ", ")
}
