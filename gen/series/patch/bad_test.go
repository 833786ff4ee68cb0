// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"bytes"
	"encoding/base64"
	"errors"
	"mime/quotedprintable"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/series/mail"
)

const head = `From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: xpsgen <xpsgen@workbench.invalid>
Date: Sun, 22 Nov 2026 12:00:00 +0000
Subject: [PATCH] net: xps: do it
`

const message = `
Because.

Link: https://example.org/1
---
`

const stat = ` f | 3 ++-
 1 file changed, 2 insertions(+), 1 deletion(-)

`

const diff = `diff --git a/f b/f
index 4cb29ea38f70d7c61b2a3a25b02e3bdf44905402..ea14db2cbfbc66490839aedb0930134deee503ad 100644
--- a/f
+++ b/f
@@ -1,3 +1,4 @@ here
 one
-two
+2
 three
+four
`

const whole = head + message + stat + diff

// good is the parsed form of whole.
func good() *Patch {
	return &Patch{
		Author:   mail.Address{Name: "xpsgen", Email: "xpsgen@workbench.invalid"},
		Date:     time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Subject:  Subject{Prefix: "PATCH", Title: "net: xps: do it"},
		Body:     "Because.",
		Trailers: []Trailer{{"Link", "https://example.org/1"}},
		Stat:     " f | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n",
		Diff:     diff,
	}
}

func encoded(tb testing.TB, encoding string) string {
	tb.Helper()
	_, body, _ := strings.Cut(whole, "\n\n")
	var b bytes.Buffer
	switch encoding {
	case "quoted-printable":
		w := quotedprintable.NewWriter(&b)
		if _, err := w.Write([]byte(body)); err != nil {
			tb.Fatal(err)
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
	case "base64":
		s := base64.StdEncoding.EncodeToString([]byte(body))
		for len(s) > 76 {
			b.WriteString(s[:76] + "\n")
			s = s[76:]
		}
		b.WriteString(s + "\n")
	}
	return head + "Content-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: " + encoding + "\n\n" + b.String()
}

// TestRead parses other forms of the same mail.
func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		mail string
		want func(p *Patch)
	}{
		"canonical":        {mail: whole},
		"no from line":     {mail: whole[strings.Index(whole, "\n")+1:]},
		"a real commit":    {mail: strings.Replace(whole, "000 Mon", "001 Mon", 1), want: func(p *Patch) { p.Commit = strings.Repeat("0", 39) + "1" }},
		"signature":        {mail: whole + "-- \n2.39.5\n\n"},
		"list's footer":    {mail: whole + "\n_______________\nlist mailing list\n"},
		"base commit":      {mail: whole + "\nbase-commit: 0123\n-- \n2.39.5\n", want: func(p *Patch) { p.Tail = "base-commit: 0123\n" }},
		"crlf":             {mail: strings.ReplaceAll(whole, "\n", "\r\n")},
		"quoted-printable": {mail: encoded(t, "quoted-printable")},
		"base64":           {mail: encoded(t, "base64")},
		"8bit":             {mail: head + "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n" + message + stat + diff},
		"latin1": {
			mail: head + "Content-Type: text/plain; charset=iso-8859-1\n" + strings.Replace(message, "Because", "W\xe4re", 1) + stat + diff,
			want: func(p *Patch) { p.Body = "Wäre." },
		},
		"folded subject": {mail: strings.Replace(whole, "xps: do", "xps:\n do", 1)},
		"utf-8 author": {
			mail: strings.Replace(whole, "From: xpsgen", "From: =?utf-8?B?SsO2cmc=?=", 1),
			want: func(p *Patch) { p.Author.Name = "Jörg" },
		},
		"quoted author": {
			mail: strings.Replace(whole, "From: xpsgen", `From: "Hacker, \"J.\""`, 1),
			want: func(p *Patch) { p.Author.Name = `Hacker, "J."` },
		},
		"author in the body": {
			mail: head + "\nFrom: Other One <o@example.org>\n" + message + stat + diff,
			want: func(p *Patch) { p.Author = mail.Address{Name: "Other One", Email: "o@example.org"} },
		},
		"more headers": {
			mail: head + "To: a@example.org,\n\tb@example.org\nMessage-Id: <x@y>\n" + message + stat + diff,
			want: func(p *Patch) {
				p.Header = mail.Header{{Name: "To", Value: "a@example.org, b@example.org"}, {Name: "Message-Id", Value: "<x@y>"}}
			},
		},
		"version and number": {
			mail: strings.Replace(whole, "[PATCH]", "[RFC PATCH v3 net-next 02/12]", 1),
			want: func(p *Patch) {
				p.Subject.Prefix, p.Subject.Version, p.Subject.N, p.Subject.Total = "RFC PATCH net-next", 3, 2, 12
			},
		},
		"list's brackets": {mail: strings.Replace(whole, "[PATCH]", "[net] [PATCH]", 1)},
		"notes above the stat": {
			mail: head + message + "v2: because\n---\nmore\n\n" + stat + diff,
			want: func(p *Patch) { p.Notes = "v2: because\n---\nmore" },
		},
		"notes by git": {
			mail: head + message + "\nNotes:\n    v2: because\n\n" + stat + diff,
			want: func(p *Patch) { p.Notes = "Notes:\n    v2: because" },
		},
		"no stat":   {mail: head + message + "\n" + diff, want: func(p *Patch) { p.Stat = "" }},
		"no dashes": {mail: head + "\nBecause.\n\nLink: https://example.org/1\n\n" + diff, want: func(p *Patch) { p.Stat = "" }},
		"from in the body": {
			mail: strings.Replace(whole, "Because.", "Because.\nFrom here on\n>From there\nFrom: x", 1),
			want: func(p *Patch) { p.Body = "Because.\nFrom here on\n>From there\nFrom: x" },
		},
		"trailing spaces lost": {
			mail: strings.Replace(whole, " one\n", "\n", 1),
			want: func(p *Patch) { p.Diff = strings.Replace(diff, " one\n", "\n", 1) },
		},
		"untidy message": {mail: strings.Replace(whole, "Because.\n", "\n\nBecause.  \n\n\n", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(tc.mail))
			if err != nil {
				t.Fatal(err)
			}
			want := good()
			if tc.want != nil {
				tc.want(want)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
			out, err := got.Format()
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(out)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(got, again); d != "" {
				t.Errorf("(-read +written and read):\n%s", d)
			}
		})
	}
}

// A file that is not a patch is rejected with its name and line.
func TestParseRejects(t *testing.T) {
	second := strings.Replace(whole, "do it", "do more", 1)
	for name, tc := range map[string]struct {
		mail string
		kind error
		want string
	}{
		"nothing":       {"", mail.ErrNotMail, "no header"},
		"prose":         {"Dear list,\n\nhello\n", mail.ErrNotMail, `line 1: not a mail: "Dear list,"`},
		"bare diff":     {diff, mail.ErrNotMail, "line 1"},
		"no subject":    {strings.Replace(whole, "Subject: [PATCH] net: xps: do it\n", "", 1), ErrSubject, "missing"},
		"empty subject": {strings.Replace(whole, " net: xps: do it", "", 1), ErrSubject, "missing"},
		"no author":     {strings.Replace(whole, "From: xpsgen <xpsgen@workbench.invalid>\n", "", 1), ErrAuthor, "not a mail address"},
		"no date":       {strings.Replace(whole, "Date: Sun, 22", "Date: Sun, 77", 1), ErrDate, "77 Nov"},
		"cover":         {strings.Replace(whole, "[PATCH]", "[PATCH 0/3]", 1), ErrCover, "give git am the patches"},
		"reply":         {strings.Replace(whole, "[PATCH]", "Re: [PATCH]", 1), ErrReply, "Re: [PATCH]"},
		"empty":         {head + message, ErrEmpty, "no diff"},
		"stat only":     {head + message + stat, ErrEmpty, "no diff"},
		"two mails":     {whole + "\n" + second, ErrManyMails, "Mon Sep 17"},
		"mail in body":  {strings.Replace(whole, "Because.", "Because.\n\nFrom x@y Mon Sep 17 00:00:00 2001\nmore", 1), ErrManyMails, "line 8"},
		"multipart": {
			head + "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\ntext\n--x--\n",
			mail.ErrMultipart, "as plain text",
		},
		"flowed":         {head + "Content-Type: text/plain; format=flowed\n" + message + stat + diff, ErrFlowed, "wrapped"},
		"charset":        {head + "Content-Type: text/plain; charset=koi8-r\n" + strings.Replace(message, "B", "\xc1", 1) + diff, mail.ErrCharset, "koi8-r"},
		"not utf-8":      {head + strings.Replace(message, "B", "\xc1", 1) + diff, mail.ErrCharset, "not UTF-8"},
		"bad base64":     {head + "Content-Transfer-Encoding: base64\n\n!!!!\n", mail.ErrEncoding, "damaged"},
		"bad encoding":   {head + "Content-Transfer-Encoding: x-uuencode\n\nx\n", mail.ErrEncoding, "x-uuencode"},
		"binary":         {head + message + "\ndiff --git a/x b/x\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/x differ\n", ErrBinary, "line 14: binary file in the diff: x"},
		"git binary":     {head + message + "\ndiff --git a/x b/x\nindex 0..1\nGIT binary patch\nliteral 3\n", ErrBinary, "x"},
		"truncated":      {strings.TrimSuffix(whole, "+four\n"), ErrDamaged, "line 17: damaged diff: f: hunk is truncated, 1 lines missing"},
		"wrapped":        {strings.Replace(whole, " three", " thr\nee", 1), ErrDamaged, `line 22: damaged diff: f: "ee" belongs to no hunk (was a line wrapped?)`},
		"too long":       {strings.Replace(whole, "+1,4", "+1,3", 1), ErrDamaged, "follows the last hunk"},
		"odd hunk":       {strings.Replace(whole, "@@ -1,3 +1,4 @@", "@@ 1 @@", 1), ErrDamaged, "is not a hunk header"},
		"svn":            {head + message + "\nIndex: f\n====\n--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n", ErrDamaged, "does not begin a git diff"},
		"nothing to do":  {head + message + "\ndiff --git a/f b/f\nindex 1..2 100644\n", ErrDamaged, "changes nothing"},
		"nul in message": {strings.Replace(whole, "Because", "B\x00", 1), ErrMessage, "NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse([]byte(tc.mail))
			if p != nil || !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, %v\nwant %v with %q", p, err, tc.kind, tc.want)
			}
			// An error about the mail as a whole, or after its last hunk, has no line.
			whole := []error{ErrSubject, ErrAuthor, ErrDate, ErrCover, ErrReply, ErrEmpty, ErrFlowed}
			none := slices.Contains(whole, tc.kind) || name == "two mails" || name == "too long"
			if e := (*Error)(nil); errors.As(err, &e) && none && e.Line != 0 {
				t.Errorf("%v names line %d", err, e.Line)
			}
		})
	}
}

// Format rejects what git am would read back differently.
func TestFormatRejects(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(p *Patch)
		kind error
	}{
		"dashes in the body":    {func(p *Patch) { p.Body = "a\n---\nb" }, ErrMessage},
		"diff in the body":      {func(p *Patch) { p.Body = "a\ndiff --git a/x b/x" }, ErrMessage},
		"old name in the body":  {func(p *Patch) { p.Body = "a\n--- a/x" }, ErrMessage},
		"index in the body":     {func(p *Patch) { p.Body = "Index: x" }, ErrMessage},
		"mail in the body":      {func(p *Patch) { p.Body = "a\nFrom x@y Mon Sep 17 00:00:00 2001" }, ErrMessage},
		"header in the body":    {func(p *Patch) { p.Body = "From: a <a@b>\nx" }, ErrMessage},
		"subject in the body":   {func(p *Patch) { p.Body = "[PATCH] x" }, ErrMessage},
		"spaces in the body":    {func(p *Patch) { p.Body = "a \nb" }, ErrMessage},
		"trailers in the body":  {func(p *Patch) { p.Body = "a\n\nLink: x"; p.Trailers = nil }, ErrMessage},
		"odd trailer":           {func(p *Patch) { p.Trailers = []Trailer{{"Two words", "x"}} }, ErrMessage},
		"carriage return":       {func(p *Patch) { p.Body = "a\rb" }, ErrMessage},
		"diff in the notes":     {func(p *Patch) { p.Notes = "diff --git a/x b/x" }, ErrMessage},
		"stat in the notes":     {func(p *Patch) { p.Notes = "x\n f | 1 +\n 1 file changed, 1 insertion(+)"; p.Stat = "" }, ErrMessage},
		"mail in the notes":     {func(p *Patch) { p.Notes = "From x@y Mon Sep 17 00:00:00 2001" }, ErrMessage},
		"no title":              {func(p *Patch) { p.Subject.Title = "" }, ErrSubject},
		"brackets in the title": {func(p *Patch) { p.Subject.Title = "[net] x" }, ErrSubject},
		"line in the title":     {func(p *Patch) { p.Subject.Title = "a\nb" }, ErrSubject},
		"spaces in the title":   {func(p *Patch) { p.Subject.Title = "a  b" }, ErrSubject},
		"reply":                 {func(p *Patch) { p.Subject.Title = "Re: x" }, ErrSubject},
		"version in the prefix": {func(p *Patch) { p.Subject.Prefix = "PATCH v2" }, ErrSubject},
		"prefix":                {func(p *Patch) { p.Subject.Prefix = "FIX" }, ErrSubject},
		"number alone":          {func(p *Patch) { p.Subject.N = 1 }, ErrSubject},
		"no author":             {func(p *Patch) { p.Author = mail.Address{} }, ErrAuthor},
		"short author":          {func(p *Patch) { p.Author.Name = "ab" }, ErrAuthor},
		"long author":           {func(p *Patch) { p.Author.Name = strings.Repeat("x", 61) }, ErrAuthor},
		"address for a name":    {func(p *Patch) { p.Author.Name = "a@b.c" }, ErrAuthor},
		"quotes and umlauts":    {func(p *Patch) { p.Author.Name = `J "Ö" X` }, ErrAuthor},
		"no date":               {func(p *Patch) { p.Date = time.Time{} }, ErrDate},
		"no diff":               {func(p *Patch) { p.Diff = "" }, ErrEmpty},
		"half a diff":           {func(p *Patch) { p.Diff = p.Diff[:len(p.Diff)-6] }, ErrDamaged},
		"more than a diff":      {func(p *Patch) { p.Diff += "x\n" }, ErrDamaged},
		"odd tail":              {func(p *Patch) { p.Tail = "hello\n" }, ErrMessage},
		"bytes":                 {func(p *Patch) { p.Body = "\xff" }, mail.ErrCharset},
		"header":                {func(p *Patch) { p.Header = mail.Header{{Name: "To", Value: "nobody"}} }, ErrMessage},
	} {
		t.Run(name, func(t *testing.T) {
			p := good()
			if _, err := p.Format(); err != nil {
				t.Fatal(err)
			}
			tc.edit(p)
			out, err := p.Format()
			if out != nil || !errors.Is(err, tc.kind) {
				t.Errorf("got %v, want %v\n%s", err, tc.kind, out)
			}
		})
	}
}

func TestCheckStat(t *testing.T) {
	p := good()
	p.Diff = strings.Replace(strings.Replace(p.Diff, "+four\n", "+four\n+five\n", 1), "+1,4", "+1,5", 1)
	if err := p.CheckStat(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "3 insertions") {
		t.Error(err)
	}
}

// TestFiles checks what a diff does to each file.
func TestFiles(t *testing.T) {
	p := good()
	p.Diff = `diff --git a/a b/a
old mode 100644
new mode 100755
diff --git a/b b/c
similarity index 90%
rename from b
rename to c
index 1..2 100644
--- a/b
+++ b/c
@@ -1 +1 @@
-x
+y
diff --git a/d b/d
deleted file mode 100644
index 1..0
--- a/d
+++ /dev/null
@@ -1,2 +0,0 @@
-x
-y
\ No newline at end of file
diff --git "a/\303\274" "b/\303\274"
new file mode 100644
index 0..1
--- /dev/null
+++ "b/\303\274"
@@ -0,0 +1 @@
+x
`
	got, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	want := []File{
		{Old: "a", New: "a", OldMode: "100644", NewMode: "100755", Line: 1},
		{Old: "b", New: "c", Renamed: true, Added: 1, Removed: 1, Hunks: 1, Line: 4},
		{Old: "d", OldMode: "100644", Removed: 2, Hunks: 1, Line: 14},
		{New: "ü", NewMode: "100644", Added: 1, Hunks: 1, Line: 23},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// An error must come without a patch. A patch that can be written must read back equal.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(encoded(f, "base64")))
	f.Add([]byte(encoded(f, "quoted-printable")))
	f.Add([]byte(head + "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\ntext\n--x--\n"))
	f.Add([]byte(head + message + "v2: x\n\n" + stat + diff + "\nbase-commit: 01\n-- \n2.39\n"))
	f.Add([]byte(strings.ReplaceAll(whole, "\n", "\r\n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if (p == nil) == (err == nil) {
			t.Fatalf("patch %v with error %v", p, err)
		}
		if err != nil {
			var (
				perr *Error
				merr *mail.Error
			)
			if !errors.As(err, &perr) && !errors.As(err, &merr) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		out, err := p.Format()
		if err != nil {
			if out != nil {
				t.Fatal("output with an error")
			}
			return
		}
		back, err := Parse(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if d := cmp.Diff(p, back); d != "" {
			t.Fatalf("(-read +written and read):\n%s\n%s", d, out)
		}
		again, err := back.Format()
		if err != nil || !bytes.Equal(out, again) {
			t.Fatalf("%v\n%s\n%s", err, out, again)
		}
	})
}
