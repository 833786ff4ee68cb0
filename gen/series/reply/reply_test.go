// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"xpsgen/gen/series/mail"
)

const (
	head = "From: Rita Viewer <rita@example.org>\nSubject: Re: [PATCH] net: do\nMessage-ID: <1@example.org>\n"
	rev  = "Reviewed-by: Rita Viewer <rita@example.org>"
)

// read reads one mail. It returns the tags, the refused lines with "!" before them, and the
// unread mails with "?".
func read(t *testing.T, data string) string {
	t.Helper()
	list, unread := Read(Source{"x", []byte(data)})
	var lines []string
	for _, m := range list {
		tags, refused := m.Tags()
		for _, tag := range tags {
			lines = append(lines, tag.String())
		}
		for _, r := range refused {
			lines = append(lines, "!"+r.Text+"|"+r.Why)
		}
	}
	for _, u := range unread {
		lines = append(lines, "?"+u.Err.Error())
	}
	return strings.Join(lines, "\n")
}

// TestText finds tags in text.
func TestText(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"plain":                      {rev, rev},
		"indented":                   {"  " + rev + "\n\tAcked-by: A <a@b.c>", rev + "\nAcked-by: A <a@b.c>"},
		"quoted":                     {"> " + rev + "\n >" + rev + "\n>>" + rev, ""},
		"folded":                     {"Reviewed-by: Rita Viewer\n<rita@example.org>\n\nx", rev},
		"folded and indented":        {"  Reviewed-by: Rita\n  Viewer <rita@example.org>", rev},
		"folded in the address":      {"Reviewed-by: Rita Viewer <rita@\nexample.org>", rev},
		"folded after the colon":     {"Reviewed-by:\n Rita Viewer <rita@example.org>", rev},
		"folded, then quoted":        {"Reviewed-by: Rita Viewer\n> <rita@example.org>", "!Reviewed-by: Rita Viewer|it has no valid mail address"},
		"not folded but prose":       {"Reviewed-by: who\nAsk Rita <rita@example.org> about it.", "!Reviewed-by: who|it has no valid mail address"},
		"no address":                 {"Reviewed-by: me\n\n-- \n", "!Reviewed-by: me|it has no valid mail address"},
		"no domain":                  {"Reviewed-by: A <root@localhost>", "!Reviewed-by: A <root@localhost>|it has no valid mail address"},
		"bare address":               {"Acked-by: a@b.c", "Acked-by: a@b.c"},
		"bare address, full stop":    {"Acked-by: a@b.c.", "Acked-by: a@b.c"},
		"address in brackets":        {"Acked-by: <a@b.c>", "Acked-by: <a@b.c>"},
		"no space":                   {"Acked-by:A<a@b.c>", "Acked-by: A <a@b.c>"},
		"space before the colon":     {"Acked-by : A <a@b.c>", "Acked-by: A <a@b.c>"},
		"no-break":                   {"Reviewed\u2011by:\u00a0A <a@b.c>\u200b", "Reviewed-by: A <a@b.c>"},
		"case":                       {"REVIEWED-AND-TESTED-BY: A <a@b.c>", "Reviewed-and-tested-by: A <a@b.c>"},
		"comment":                    {"Tested-by: A <a@b.c> # on arm64\nTested-by: A <a@b.c> (on x86)", "Tested-by: A <a@b.c> # on arm64\nTested-by: A <a@b.c> (on x86)"},
		"comment in brackets":        {"Acked-by: A <a@b.c>\n[the net part]\nAcked-by: B <b@b.c>", "Acked-by: A <a@b.c> [the net part]\nAcked-by: B <b@b.c>"},
		"prose after":                {"Acked-by: A <a@b.c> thanks!", "Acked-by: A <a@b.c>"},
		"two on a line":              {"Acked-by: A <a@b.c>, Tested-by: A <a@b.c>", "Acked-by: A <a@b.c>\nTested-by: A <a@b.c>"},
		"mailto":                     {"Acked-by: A <a@b.c<mailto:a@b.c>>", "Acked-by: A <a@b.c>"},
		"quotes":                     {`Acked-by: "B, A" <a@b.c>`, `Acked-by: "B, A" <a@b.c>`},
		"in a sentence":              {"You have my Acked-by: A <a@b.c>", "!You have my Acked-by: A <a@b.c>|a tag begins its line and has a colon"},
		"bullet":                     {"* Acked-by: A <a@b.c>", "!* Acked-by: A <a@b.c>|a tag begins its line and has a colon"},
		"no colon":                   {"Acked-by A <a@b.c>", "!Acked-by A <a@b.c>|a tag begins its line and has a colon"},
		"prose about tags":           {"I collect Reviewed-by tags.\nby-the-way: x\nThis was fixed-by accident.", ""},
		"signature":                  {"x\n-- \n" + rev, "!" + rev + "|it is below the signature"},
		"dashes":                     {"x\n--\n" + rev, rev},
		"objection":                  {"Nacked-by: A <a@b.c>", "!Nacked-by: A <a@b.c>|it objects to the patch"},
		"other name":                 {"Thanks-to: A <a@b.c>\nContact: A <a@b.c>\nReply-To: A <a@b.c>", "!Thanks-to: A <a@b.c>|kernel documentation does not name this tag"},
		"link":                       {"Link: https://lore.kernel.org/r/x\nCloses: what?", "!Link: https://lore.kernel.org/r/x|a link is not a review; add it by hand if it belongs to the patch"},
		"fixes":                      {"Fixes: 123456789abc (\"net: do\")\nFixes: the bug", "Fixes: 123456789abc (\"net: do\")"},
		"fixes, folded":              {"Fixes: 123456789abc (\"net: do\nit all\")", "Fixes: 123456789abc (\"net: do it all\")"},
		"fixes, other form":          {"Fixes: commit 123456789abc", "!Fixes: commit 123456789abc|it is not of the form HASH (\"title\")"},
		"patch below scissors":       {"x\n-- >8 --\n" + rev, "!" + rev + "|it belongs to the patch in the mail"},
		"sign-off of a patch":        {"Signed-off-by: A <a@b.c>\n---\ndiff --git a/x b/x\n Reviewed-by: in the file\n+Acked-by: A <a@b.c>", "!Signed-off-by: A <a@b.c>|it belongs to the patch in the mail"},
		"original message, own":      {"-----Original Message-----\n" + rev, rev},
		"a mark where a byte was":    {"Acked-by: J\xf6rg <a@b.c>", "!Acked-by: J\ufffdrg <a@b.c>|it has bytes that are invalid in the mail's character set"},
		"PGP":                        {"-----BEGIN PGP SIGNED MESSAGE-----\n\n- " + rev + "\n-----BEGIN PGP SIGNATURE-----", rev},
		"long line":                  {strings.Repeat("x", 1<<20) + rev, ""},
		"UTF-8 in the address":       {"Acked-by: Ä <ä@ö.example>", "Acked-by: Ä <ä@ö.example>"},
		"patch's trailer with a tab": {"Tested-by:\tA <a@b.c>", "Tested-by: A <a@b.c>"},
	} {
		if got := read(t, head+"\n"+tc.text+"\n"); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tc.want)
		}
		crlf := strings.ReplaceAll(head+"\n"+tc.text+"\n", "\n", "\r\n")
		if got := read(t, crlf); got != tc.want {
			t.Errorf("%s, CRLF: got\n%s\nwant\n%s", name, got, tc.want)
		}
	}
}

// nest returns a body with parts that are nested depth levels deep.
func nest(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%02d\n\n--b%02d\n", i, i)
	}
	return b.String()
}

// TestBodies finds a tag in every form of a body.
func TestBodies(t *testing.T) {
	const html = "<html><head><style>a{x:y}</style></head><body><!-- -- > --><p>Hi,<br/>Reviewed-by: Rita&nbsp;Viewer &lt;<a href=\"mailto:rita@example.org?x=>\">rita@example.org</a>&gt;</p><blockquote>Acked-by: A &lt;a@b.c&gt;</blockquote></body></html>"
	for name, tc := range map[string]struct{ mail, want string }{
		"flowed":                          {"Content-Type: text/plain; format=flowed\n\nReviewed-by: Rita \nViewer <rita@example.org>\n", rev},
		"flowed, delsp":                   {"Content-Type: text/plain; format=flowed; delsp=yes\n\nReviewed-by: Rita Viewer <rita@ \nexample.org>\n", rev},
		"flowed, stuffed":                 {"Content-Type: text/plain; format=flowed\n\n Reviewed-by: Rita  \n Viewer <rita@example.org>\n", rev},
		"flowed, quoted":                  {"Content-Type: text/plain; format=flowed\n\n> Reviewed-by: Rita \n> Viewer <rita@example.org>\n> x \n" + rev + "\n", rev},
		"flowed, space at every line":     {"Content-Type: text/plain; format=flowed\n\nFine. \n" + rev + " \nTested-by: A <a@b.c> \nThanks \n-- \nR.\n", rev + "\nTested-by: A <a@b.c>"},
		"flowed, two on a line":           {"Content-Type: text/plain; format=flowed\n\nAcked-by: A \n<a@b.c>, Tested-by: A \n<a@b.c>\n", "Acked-by: A <a@b.c>\nTested-by: A <a@b.c>"},
		"base64":                          {"Content-Transfer-Encoding: base64\n\nUmV2aWV3ZWQtYnk6IFJpdGEgVmlld2VyIDxyaXRh\nQGV4YW1wbGUub3JnPgo=\n", rev},
		"base64, indented":                {"Content-Transfer-Encoding: BASE64\n\n UmV2aWV3ZWQtYnk6IFJpdGEgVmlld2VyIDxyaXRh\n QGV4YW1wbGUub3JnPgo=\n", rev},
		"base64 and a footer":             {"Content-Transfer-Encoding: base64\n\nUmV2aWV3ZWQtYnk6IFJpdGEgVmlld2VyIDxyaXRh\nQGV4YW1wbGUub3JnPgo=\n_____\nlinux mailing list\n", rev},
		"base64 and a word":               {"Content-Transfer-Encoding: base64\n\nUmV2aWV3ZWQtYnk6IFJpdGEgVmlld2VyIDxyaXRh\nQGV4YW1wbGUub3JnPgoK\nnetdev\n", rev},
		"base64 without padding":          {"Content-Transfer-Encoding: base64\n\nUmV2aWV3ZWQtYnk6IFJpdGEgVmlld2VyIDxyaXRhQGV4YW1wbGUub3JnPgo\n", rev},
		"base64 damaged":                  {"Content-Transfer-Encoding: base64\n\nUmV2*\n", "?transfer encoding: base64: invalid text \"UmV2*\""},
		"quoted-printable":                {"Content-Transfer-Encoding: quoted-printable\n\nReviewed-by: Rita=20Viewer <rita@exam=\nple.org>\na=b \x0c =Z\n", rev},
		"unknown encoding":                {"Content-Transfer-Encoding: x-none\n\n" + rev + "\n", rev},
		"uuencode":                        {"Content-Transfer-Encoding: x-uuencode\n\nbegin\n", "?transfer encoding: \"x-uuencode\" is not supported"},
		"html":                            {"Content-Type: text/html\n\n" + html, rev},
		"html, address not escaped":       {"Content-Type: text/html\n\n<p>Reviewed-by: Rita Viewer <rita@example.org></p>", rev},
		"html, pre":                       {"Content-Type: text/html\n\n<pre>x\n" + strings.ReplaceAll(strings.ReplaceAll(rev, "<", "&lt;"), ">", "&gt;") + "\n</pre>", rev},
		"html and text":                   {"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n" + html + "\n--b\n\nAcked-by: A <a@b.c>\n--b--\n", "Acked-by: A <a@b.c>"},
		"html and no text":                {"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n" + html + "\n--b\n\n \n--b--\n", rev},
		"nested":                          {"Content-Type: multipart/signed; boundary=\"A\"\n\n--A\nContent-Type: multipart/mixed; boundary=\"AA\"\n\n--AA\n\n" + rev + "\n--AA--\n\n--A\nContent-Type: application/pgp-signature\n\nx\n--A--\n", rev},
		"nested too deep":                 {nest(30), "?" + strings.Repeat("part 1: ", 21) + "multipart: parts are nested more than 20 deep"},
		"no boundary":                     {"Content-Type: multipart/mixed\n\n" + rev + "\n", "?multipart: the header names no boundary"},
		"boundary nowhere":                {"Content-Type: multipart/mixed; boundary=b\n\n" + rev + "\n", "?multipart: no part begins with the boundary \"b\""},
		"truncated":                       {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + rev + "\n", rev},
		"two texts":                       {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b\n\n" + rev + "\n--b--\n", rev},
		"an image":                        {"Content-Type: image/png\n\n\xff\n", "?no text part: the content type is image/png"},
		"only images":                     {"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nx\n--b--\n", "?no text part"},
		"attachment":                      {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b\nContent-Disposition: attachment; filename=x\n\n" + rev + "\n--b--\n", "!" + rev + "|it is in an attachment or a forwarded mail"},
		"forwarded":                       {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b\nContent-Type: message/rfc822\n\nFrom: a@b.c\n\n" + rev + "\n--b--\n", "!" + rev + "|it is in an attachment or a forwarded mail"},
		"one part damaged":                {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + rev + "\n--b\nContent-Transfer-Encoding: uuencode\n\nx\n--b--\n", rev + "\n?part 2: transfer encoding: \"uuencode\" is not supported"},
		"windows-1252":                    {"Content-Type: text/plain; charset=windows-1252\n\nAcked-by: J\xf6rg \x96 <a@b.c>\n", "Acked-by: Jörg – <a@b.c>"},
		"windows-1252, odd quotes":        {"Content-Type: text/plain; charset='Windows-1252'\n\nAcked-by: J\xf6rg <a@b.c>\n", "Acked-by: Jörg <a@b.c>"},
		"iso-8859-15":                     {"Content-Type: text/plain; charset=ISO-8859-15\n\nAcked-by: \xa4 <a@b.c>\n", "Acked-by: € <a@b.c>"},
		"gb2312":                          {"Content-Type: text/plain; charset=gb2312\n\nAcked-by: \xcd\xf5 <a@b.c>\n", "Acked-by: 王 <a@b.c>"},
		"gb18030":                         {"Content-Type: text/plain; charset=\"GB18030\"\n\nAcked-by: \xcd\xf5 <a@b.c>\n", "Acked-by: 王 <a@b.c>"},
		"iso-2022-jp":                     {"Content-Type: text/plain; charset=ISO-2022-JP\n\nAcked-by: \x1b$B;3\x1b(B <a@b.c>\n", "Acked-by: 山 <a@b.c>"},
		"cp850":                           {"Content-Type: text/plain; charset=cp850\n\nAcked-by: J\x94rg <a@b.c>\n", "Acked-by: Jörg <a@b.c>"},
		"utf-16":                          {"Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\nQQBjAGsAZQBkAC0AYgB5ADoAIABhAEAAYgAuAGMACgA=\n", "Acked-by: a@b.c"},
		"unknown, ASCII":                  {"Content-Type: text/plain; charset=x-y\n\n" + rev + "\n", rev},
		"unknown, UTF-8":                  {"Content-Type: text/plain; charset=x-y\n\nAcked-by: J\u00f6rg <a@b.c>\n", "Acked-by: Jörg <a@b.c>"},
		"unknown, other bytes":            {"Content-Type: text/plain; charset=x-y\n\n\xf6\n" + rev + "\n", rev},
		"content type that is none":       {"Content-Type: text\n\n" + rev + "\n", rev},
		"content type, broken":            {"Content-Type: text/plain; charset=windows-1252; x y z=;;\n\nAcked-by: J\xf6rg <a@b.c>\n", "Acked-by: Jörg <a@b.c>"},
		"multipart, broken parameters":    {"Content-Type: multipart/mixed; boundary=b; x y=;;\n\n--b\n\n" + rev + "\n--b--\n", rev},
		"no empty line after the headers": {"X: y\nHi Ben,\n\n" + rev + "\n", rev},
	} {
		if got := read(t, head+tc.mail); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tc.want)
		}
		if strings.Contains(tc.mail, "utf-16") {
			continue
		}
		if got := read(t, strings.ReplaceAll(head+tc.mail, "\n", "\r\n")); got != tc.want {
			t.Errorf("%s, CRLF: got\n%s\nwant\n%s", name, got, tc.want)
		}
	}
}

func TestHeader(t *testing.T) {
	for name, tc := range map[string]struct {
		mail, subject string
		from          mail.Address
		id, parents   string
	}{
		"encoded words":       {"From: =?windows-1252?q?J=F6rg_=96_=DC?= <j@b.c>\nSubject: =?utf-8?q?Re:_?=\n =?utf-8?b?w7w=?=\n", "Re: ü", mail.Address{Name: "Jörg – Ü", Email: "j@b.c"}, "", ""},
		"raw Latin-1":         {"From: J\xf6rg <j@b.c>\nContent-Type: text/plain; charset=UTF-8\n", "", mail.Address{Name: "Jörg", Email: "j@b.c"}, "", ""},
		"raw UTF-8":           {"From: Jörg <j@b.c>\n", "", mail.Address{Name: "Jörg", Email: "j@b.c"}, "", ""},
		"raw koi8-r":          {"From: \xe9 <j@b.c>\nContent-Type: text/plain; charset=koi8-r\n", "", mail.Address{Name: "И", Email: "j@b.c"}, "", ""},
		"unknown words":       {"From: =?x-y?q?J=F6rg?= <j@b.c>\n", "", mail.Address{Name: "J\ufffdrg", Email: "j@b.c"}, "", ""},
		"encoded comma":       {"From: =?utf-8?q?Last=2C_First?= <j@b.c>\n", "", mail.Address{Name: "Last, First", Email: "j@b.c"}, "", ""},
		"comment":             {"From: j@b.c (A B)\n", "", mail.Address{Name: "A B", Email: "j@b.c"}, "", ""},
		"two senders":         {"From: A <a@b.c>, B <b@b.c>\n", "", mail.Address{Name: "A", Email: "a@b.c"}, "", ""},
		"not an address":      {"From: nobody at all\n", "", mail.Address{Name: "nobody at all"}, "", ""},
		"unquoted comma":      {"From: B, A <a@b.c>\n", "", mail.Address{Name: "B, A", Email: "a@b.c"}, "", ""},
		"thread":              {"From: a@b.c\nMessage-Id:\n <1@b.c>\nIn-Reply-To: <2@b.c>\nReferences: <4@b.c>\n\t<3@b.c> <2@b.c>\n", "", mail.Address{Email: "a@b.c"}, "1@b.c", "2@b.c 3@b.c 4@b.c"},
		"text around the id":  {"From: a@b.c\nIn-Reply-To: Your message of \"x\" <2@b.c>\n", "", mail.Address{Email: "a@b.c"}, "", "2@b.c"},
		"ids without <>":      {"From: a@b.c\nMESSAGE-ID: 1@b.c\nIn-Reply-To: 2@b.c\n", "", mail.Address{Email: "a@b.c"}, "1@b.c", "2@b.c"},
		"no mbox line inside": {"From: a@b.c\n>From x@y Mon Nov 23 10:00:00 2026\nSubject: x\n", "x", mail.Address{Email: "a@b.c"}, "", ""},
		"folded first line":   {" x\nFrom: a@b.c\n", "", mail.Address{Email: "a@b.c"}, "", ""},
		"terminal sequence":   {"From: =?utf-8?q?A=1B[2J?= <a@b.c>\n", "", mail.Address{Name: "A [2J", Email: "a@b.c"}, "", ""},
		"NUL":                 {"From: a@b.c\nSubject: a\x00b\n", "a b", mail.Address{Email: "a@b.c"}, "", ""},
	} {
		list, unread := Read(Source{"x", []byte(tc.mail + "\ntext\n")})
		if len(list) != 1 || len(unread) != 0 {
			t.Errorf("%s: %d mails, %v", name, len(list), unread)
			continue
		}
		m := list[0]
		if m.Subject != tc.subject || m.From != tc.from || m.ID != tc.id || strings.Join(m.Parents, " ") != tc.parents || m.Text != "text\n" {
			t.Errorf("%s: got %+v", name, m)
		}
	}
}

// TestOwn compares the person of a tag with senders.
func TestOwn(t *testing.T) {
	tag, _ := newTag("Acked-by", "Rita Viewer <rita@mail.example.org>")
	for sender, want := range map[mail.Address]bool{
		{Name: "X", Email: "RITA@mail.example.org"}:         true,
		{Name: "X", Email: "rita+k@mail.example.org"}:       true,
		{Name: "X", Email: "rita@example.org"}:              true,
		{Name: "X", Email: "rita@a.mail.example.org"}:       true,
		{Name: "X", Email: "rita@org"}:                      false,
		{Name: "X", Email: "rita@notmail.example.org"}:      false,
		{Name: "X", Email: "other@mail.example.org"}:        false,
		{Name: "rita viewer", Email: "x@example.net"}:       true,
		{Name: "Viewer, Rita", Email: "x@example.net"}:      true,
		{Name: "Other, Otto", Email: "x@example.net"}:       false,
		{Name: "", Email: "x@example.net"}:                  false,
		{Name: "Rita Viewer via list", Email: "l@list.x.y"}: false,
	} {
		if got := tag.From(sender); got != want {
			t.Errorf("%v: got %v", sender, got)
		}
	}
	bare, _ := newTag("Acked-by", "rita@example.org")
	if bare.From(mail.Address{Email: "x@example.net"}) {
		t.Error("two addresses without names are one person")
	}
}

// TestSplit splits the mboxes of several programs.
func TestSplit(t *testing.T) {
	one, two := head+"\nFrom here on.\n\n"+rev+"\n", "From: B <b@b.c>\nSubject: x\nMessage-ID: <2@b.c>\n\nAcked-by: B <b@b.c>\n"
	want := rev + "\nAcked-by: B <b@b.c>"
	for name, tc := range map[string]struct{ mbox, want string }{
		"git":               {"From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n" + one + "\nFrom 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n" + two, want},
		"public-inbox":      {"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + one + "\nFrom mboxrd@z Thu Jan  1 00:00:00 1970\n" + two, want},
		"Thunderbird":       {"From - Mon Nov 23 10:00:00 2026\nX-Mozilla-Status: 0001\n" + one + "\nFrom - Mon Nov 23 10:00:00 2026\n" + two, want},
		"pipermail":         {"From a at b.c  Mon Nov 23 10:00:00 2026\n" + one + "\nFrom a at b.c  Mon Nov 23 10:00:00 2026\n" + two, want},
		"a zone":            {"From a@b.c Mon Nov 23 10:00:00 2026 +0100\n" + one + "From a@b.c Mon Nov 23 10:00:00 2026 +0100\n" + two, want},
		"no date":           {"From a@b.c\n" + one + "\nFrom a@b.c\n" + two, want},
		"only a dash":       {"From -\nReturn-Path: <a@b.c>\n" + one + "\nFrom -\nReturn-Path: <a@b.c>\n" + two, want},
		"no last newline":   {"From a@b.c Mon Nov 23 10:00:00 2026\n" + one + "\nFrom a@b.c Mon Nov 23 10:00:00 2026\n" + strings.TrimSuffix(two, "\n"), want},
		"no first line":     {one + "\nFrom a@b.c Mon Nov 23 10:00:00 2026\n" + two, want},
		"BOM":               {"\ufeffFrom a@b.c Mon Nov 23 10:00:00 2026\n" + one + "\nFrom a@b.c Mon Nov 23 10:00:00 2026\n" + two, want},
		"empty lines":       {"\n\nFrom a@b.c Mon Nov 23 10:00:00 2026\n" + one + "\n\n\nFrom a@b.c Mon Nov 23 10:00:00 2026\n" + two + "\n\n", want},
		"mboxrd":            {"From a@b.c Mon Nov 23 10:00:00 2026\n" + head + "\n>From a@b.c Mon Nov 23 10:00:00 2026\n>>From x\n" + rev + "\n\nFrom a@b.c Mon Nov 23 10:00:00 2026\n" + two, want},
		"prose":             {"From a@b.c Mon Nov 23 10:00:00 2026\n" + head + "\nFrom my side:\n" + rev + "\n", rev},
		"a pasted line":     {"From a@b.c Mon Nov 23 10:00:00 2026\n" + head + "\n\nFrom a@b.c Mon Nov 23 10:00:00 2026\nis what I got.\n" + rev + "\n", rev},
		"one mail":          {one, rev},
		"old Mac":           {strings.ReplaceAll(one, "\n", "\r"), rev},
		"one is not a mail": {"From a@b.c Mon Nov 23 10:00:00 2026\nX: y\n\nz\n\nFrom a@b.c Mon Nov 23 10:00:00 2026\n" + two, "Acked-by: B <b@b.c>\n?not a mail: it has no From, Subject or Message-ID header"},
		"no mail":           {"Dear diary,\n", "?not a mail: it has no From, Subject or Message-ID header"},
		"nothing":           {"", "?no mail"},
		"only empty lines":  {"\n\n", "?no mail"},
		"damaged gzip":      {"\x1f\x8bxxxx", "?gzip: unexpected EOF"},
	} {
		if got := read(t, tc.mbox); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tc.want)
		}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("From mboxrd@z Thu Jan  1 00:00:00 1970\n" + one))
	w.Close()
	if got := read(t, packed.String()); got != rev {
		t.Errorf("gzip: got %s", got)
	}
}

// TestOpen reads a maildir, a directory of mails and a file.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"md/cur/2:2,S", "md/new/1", "md/tmp/3", "md/dovecot.index", "md/.Sent/cur/4", "mh/1", "mh/2", "mh/.mh_sequences", "empty/cur/.x"} {
		write(name)
	}
	for path, want := range map[string]string{
		"md": "md/cur/2:2,S md/new/1", "mh": "mh/1 mh/2", "mh/1": "mh/1", "empty": "",
	} {
		list, err := Open(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range list {
			got = append(got, string(s.Data))
		}
		if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s: (-want +got)\n%s", path, d)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

// FuzzRead checks that every mail of a source is read or reported. The text must be UTF-8
// without characters that break a commit message. A tag must be on one line, and must be
// found again in a plain mail.
func FuzzRead(f *testing.F) {
	f.Add([]byte(head + "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: text/html; charset=gbk\n\n<p " + rev + "\n--b--\n"))
	f.Add([]byte("From a@b Mon Nov 23 10:00:00 2026\n" + head + "Content-Type: text/plain; format=flowed; delsp=yes\n\nReviewed-by: A \n<a@b.c>\n[x]\n-- \n"))
	f.Add([]byte(head + "Content-Transfer-Encoding: base64\n\nUmV2aWV3ZWQtYnk6IFJpdGEgVmlld2VyIDxyaXRh\n___\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, unread := Read(Source{"x", data})
		if len(list)+len(unread) == 0 {
			t.Fatal("no mail and no reason")
		}
		for _, u := range unread {
			if strings.ContainsFunc(u.String(), unicode.IsControl) {
				t.Fatalf("unread %q", u)
			}
		}
		for _, m := range list {
			if shown := m.Subject + m.From.String(); strings.ContainsFunc(shown, unicode.IsControl) {
				t.Fatalf("subject or sender %q", shown)
			}
			tags, refused := m.Tags()
			for _, r := range refused {
				if r.Why == "" || strings.Contains(r.Text, "\n") {
					t.Fatalf("%+v", r)
				}
			}
			for _, tag := range tags {
				s := tag.String()
				if strings.ContainsAny(s, "\n\r\x00\ufffd") || tag.Key == "" || tag.Value == "" {
					t.Fatalf("tag %q", s)
				}
				again, _ := (&Message{Text: tag.Key + ": " + tag.Value + "\n"}).Tags()
				if len(again) != 1 || again[0].Value != tag.Value {
					t.Fatalf("tag %q comes back as %+v", s, again)
				}
			}
		}
	})
}

// TestCharsets compares the table with that of the web (WHATWG), which browsers and webmail
// use.
func TestCharsets(t *testing.T) {
	for name := range charsets {
		web, err := htmlindex.Get(name)
		if err != nil || web == encoding.Replacement {
			continue
		}
		for b := 0x80; b < 0x100; b++ {
			raw := string([]byte{byte(b), 'x'})
			got, _ := charsetOf(name).NewDecoder().String(raw)
			want, _ := web.NewDecoder().String(raw)
			if got != want && !strings.HasPrefix(name, "utf-16") && name != "us-ascii" {
				t.Errorf("%s: byte %#x is %q, the web has %q", name, b, got, want)
			}
		}
	}
	for other, name := range alias {
		if charsetOf(other) == nil || charsetOf(other) != charsets[name] {
			t.Errorf("%s is not %s", other, name)
		}
	}
	for name, want := range map[string]string{
		"ISO8859-1": "iso-8859-1", "iso_8859-15": "iso-8859-15", "iso8859_2": "iso-8859-2", "ISO_8859-1:1987": "iso-8859-1",
		"cp1252": "windows-1252", "x-cp1251": "windows-1251", "cp-850": "", "utf-8*en": "utf-8", " \"UTF-8\"": "utf-8",
		"utf-7": "", "iso-2022-kr": "", "": "", "iso": "", "iso-": "",
	} {
		if got := charsetOf(name); got != charsets[want] {
			t.Errorf("%q is not %q", name, want)
		}
	}
}
