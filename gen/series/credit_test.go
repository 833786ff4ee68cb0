// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/reply"
)

// aReply is a mail from Rita.
func aReply(subject, references, body string) string {
	return "From rita@example.org Mon Nov 23 10:00:00 2026\nFrom: Rita Viewer <rita@example.org>\n" +
		"Subject: " + subject + "\nMessage-Id: <reply." + fmt.Sprint(len(subject+references+body)) + "@example.org>\n" +
		references + "\n" + body + "\n"
}

const reviewed = "Reviewed-by: Rita Viewer <rita@example.org>"

// sentRoot creates a workbench with a v1 that was sent as mails with Message-Ids.
func sentRoot(t *testing.T) string {
	t.Helper()
	root := newRoot(t)
	dir := t.TempDir()
	for i, p := range mustLoad(t, root).Find("queue").Submit().Patches {
		sent := *p.Patch
		sent.Subject.Prefix, sent.Subject.N, sent.Subject.Total = "RFC net-next", i+1, 2
		sent.Header = mail.Header{{Name: "Message-Id", Value: fmt.Sprintf("<v1.%d@example.org>", i+1)}}
		mustWrite(t, filepath.Join(dir, fmt.Sprintf("%04d-x.patch", i+1)), mustFormat(t, &sent))
	}
	mustWrite(t, filepath.Join(dir, "0000-cover.patch"), "From: x <x@example.org>\nDate: Mon, 23 Nov 2026 09:00:00 +0000\n"+
		"Subject: [RFC net-next 0/2] net: a change\nMessage-Id: <v1.0@example.org>\n\nThe cover.\n")
	p, err := mustLoad(t, root).Find("queue").Archive(SentOptions{Version: 1, MessageID: "v1.0@example.org", Date: sentDate, From: dir, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestCredit(t *testing.T) {
	for name, tc := range map[string]struct {
		mbox   string
		anyone bool
		report string
		// want has the trailers of the patches afterwards, by key.
		want map[string]string
	}{
		"in reply to": {
			mbox:   aReply("whatever, Re: is gone", "In-Reply-To: <v1.2@example.org>\n", reviewed) + aReply("Re: [RFC net-next 2/2] renamed", "In-Reply-To: <v1.2@example.org>\n", "Fine.\n\n"+reviewed),
			report: "added       queue/link: " + reviewed + "\npresent     queue/link: " + reviewed + " (the patch has it)",
			want:   map[string]string{"link": reviewed},
		},
		"no Re:": {
			mbox: aReply("[RFC net-next v2 2/2] rtnetlink: attach it", "In-Reply-To: <v1.2@example.org>\n", reviewed),
			want: map[string]string{"link": reviewed}, report: "added       queue/link: " + reviewed,
		},
		"a patch with trailers": {
			mbox: aReply("[RFC net-next v2 2/2] rtnetlink: attach it", "In-Reply-To: <v1.2@example.org>\n", reviewed+"\n---\n f | 1 +\n 1 file changed, 1 insertion(+)\n\ndiff --git a/f b/f\n"),
		},
		"by the thread": {
			mbox: aReply("Re: [RFC net-next 2/2] x", "References: <v1.0@example.org> <v1.2@example.org> <other@example.org>\n", reviewed),
			want: map[string]string{"link": reviewed}, report: "added       queue/link: " + reviewed,
		},
		"by the subject": {
			mbox: aReply("Re: [RFC net-next 1/2] net: add\n the hook", "", reviewed),
			want: map[string]string{"hook": reviewed}, report: "added       queue/hook: " + reviewed,
		},
		"to the other project": {
			mbox: aReply("Re: [RFC iproute2-next] ip: use it", "", reviewed),
			want: map[string]string{"ip": reviewed}, report: "added       ip/ip: " + reviewed,
		},
		"to the cover": {
			mbox:   aReply("Re: [RFC net-next 0/2] net: a change", "In-Reply-To: <v1.0@example.org>\n", "Tested-by: Rita Viewer <rita@example.org> # on a laptop"),
			report: "added       queue/hook: Tested-by: Rita Viewer <rita@example.org> # on a laptop\nadded       queue/link: Tested-by: Rita Viewer <rita@example.org> # on a laptop",
			want: map[string]string{
				"hook": "Tested-by: Rita Viewer <rita@example.org> # on a laptop",
				"link": "Tested-by: Rita Viewer <rita@example.org> # on a laptop",
			},
		},
		"quoted": {mbox: aReply("Re: [RFC net-next 1/2] net: add the hook", "", "> "+reviewed+"\n\nDo you mean it?\n")},
		"below the signature": {
			mbox:   aReply("Re: [RFC net-next 1/2] net: add the hook", "", "Fine.\n-- \n"+reviewed),
			report: "refused     " + reviewed + " (it is below the signature; x.mbox: mail 1)",
		},
		"carried through a reply": {
			mbox: aReply("Re: x", "In-Reply-To: <answer@example.org>\nReferences: <v1.0@example.org>\n", reviewed) +
				"From a@b Mon Nov 23 10:00:00 2026\nFrom: A <a@example.org>\nMessage-Id: <answer@example.org>\nIn-Reply-To: <v1.2@example.org>\nSubject: Re: x\n\nDo you like it?\n",
			want: map[string]string{"link": reviewed}, report: "added       queue/link: " + reviewed,
		},
		"a copy from another list": {
			mbox: aReply("Re: x", "In-Reply-To: <v1.2@example.org>\n", reviewed) + aReply("Re: x", "In-Reply-To: <v1.2@example.org>\n", reviewed),
			want: map[string]string{"link": reviewed}, report: "added       queue/link: " + reviewed,
		},
		"a patch of others": {
			mbox: "From a@b Mon Nov 23 10:00:00 2026\nFrom: A <a@example.org>\nMessage-Id: <a@example.org>\nSubject: [PATCH net] fix it\n\n---\n\ndiff --git a/x b/x\n" +
				aReply("Re: [PATCH net] fix it", "In-Reply-To: <a@example.org>\n", reviewed),
		},
		"a comment in brackets": {
			mbox:   aReply("Re: x", "In-Reply-To: <v1.2@example.org>\n", reviewed+"\n[for the locking]\nAcked-by: Rita Viewer <rita@example.org>"),
			want:   map[string]string{"link": reviewed + "|[for the locking]|Acked-by: Rita Viewer <rita@example.org>"},
			report: "added       queue/link: " + reviewed + "\nadded       queue/link: Acked-by: Rita Viewer <rita@example.org>",
		},
		"one mail that cannot be read": {
			mbox: "From a@b Mon Nov 23 10:00:00 2026\nFrom: A <a@example.org>\nSubject: Re: x\nContent-Type: image/png\n\n\xff\xd8\n" +
				aReply("Re: x", "In-Reply-To: <v1.2@example.org>\n", reviewed),
			want: map[string]string{"link": reviewed}, report: "unreadable  x.mbox: mail 1 (\"Re: x\"): no text part: the content type is image/png\nadded       queue/link: " + reviewed,
		},
		"twice": {
			mbox: aReply("Re: [RFC net-next 1/2] net: add the hook", "", reviewed) + aReply("Re: [RFC net-next 1/2] net: add the hook", "", "REVIEWED-BY:  Rita  Viewer <RITA@example.org>"),
			want: map[string]string{"hook": reviewed},
			report: "added       queue/hook: " + reviewed +
				"\npresent     queue/hook: Reviewed-by: Rita Viewer <RITA@example.org> (the patch has it)",
		},
		"somebody else's": {
			mbox:   aReply("Re: [RFC net-next 1/2] net: add the hook", "", "Acked-by: Otto Other <otto@example.org>"),
			report: "refused     queue/hook: Acked-by: Otto Other <otto@example.org> (it is not Rita Viewer <rita@example.org>'s own; --anyone accepts it; x.mbox: mail 1)",
		},
		"anyone": {
			mbox: aReply("Re: [RFC net-next 1/2] net: add the hook", "", "Acked-by: Otto Other <otto@example.org>"), anyone: true,
			want: map[string]string{"hook": "Acked-by: Otto Other <otto@example.org>"}, report: "added       queue/hook: Acked-by: Otto Other <otto@example.org>",
		},
		"another series": {
			mbox:   aReply("Re: [PATCH net] fix something", "", reviewed),
			report: `refused     ` + reviewed + ` ("Re: [PATCH net] fix something" is about none of the patches; x.mbox: mail 1)`,
		},
		"no address": {
			mbox:   aReply("Re: [RFC net-next 1/2] net: add the hook", "", "Reviewed-by: me"),
			report: "refused     Reviewed-by: me (it has no valid mail address; x.mbox: mail 1)",
		},
		"utf-8, encoded": {
			mbox: "From: =?utf-8?q?J=C3=B6rg?= Ok <joerg@example.org>\nSubject: Re: [RFC net-next 1/2] net: add the hook\n" +
				"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nAcked-by: J=C3=B6rg Ok <joerg@exam=\nple.org>\n",
			want: map[string]string{"hook": "Acked-by: Jörg Ok <joerg@example.org>"}, report: "added       queue/hook: Acked-by: Jörg Ok <joerg@example.org>",
		},
		"signed": {
			mbox: aReply("Re: [RFC net-next 1/2] net: add the hook", "Content-Type: multipart/signed; boundary=b\n",
				"--b\nContent-Type: text/plain\n\n"+reviewed+"\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n"),
			want: map[string]string{"hook": reviewed}, report: "added       queue/hook: " + reviewed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := sentRoot(t)
			got, err := mustLoad(t, root).Credit(CreditOptions{Sources: []reply.Source{{Name: "x.mbox", Data: []byte(tc.mbox)}}, Anyone: tc.anyone})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, c := range got.Rows {
				lines = append(lines, c.String())
			}
			if d := cmp.Diff(tc.report, strings.Join(lines, "\n")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, s := range mustLoad(t, root).All() {
				for _, b := range s.Bases {
					for _, p := range b.Patches {
						var have []string
						for _, tr := range p.Trailers {
							have = append(have, tr.String())
						}
						want := tc.want[p.Key]
						if b.Name == "lts" {
							want = "" // replies are for the submitted base only
						}
						if strings.Join(have, "|") != want {
							t.Errorf("%s %s has %q, want %q", b.Name, p.Key, have, want)
						}
						if err := p.CheckCanonical(); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
}

// TestCreditOfChanged: the report says that a patch has changed since it was sent.
func TestCreditOfChanged(t *testing.T) {
	root := sentRoot(t)
	path := filepath.Join(root, seriesDir, "next/0001-hook.patch")
	mustWrite(t, path, strings.Replace(mustRead(t, path), "+x", "+y", 1))
	sources := []reply.Source{{Name: "x", Data: []byte(aReply("Re: x", "In-Reply-To: <v1.1@example.org>\n", reviewed))}}
	r, err := mustLoad(t, root).Credit(CreditOptions{Sources: sources, DryRun: true})
	if err != nil || len(r.Rows) != 1 || r.Rows[0].Why != "the patch has changed since v1: does it still hold?" || r.Added() != 1 || r.Failed() != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if strings.Contains(mustRead(t, path), reviewed) {
		t.Error("a dry run wrote")
	}
}

func TestCreditOfNoMail(t *testing.T) {
	root := sentRoot(t)
	for text, want := range map[string]string{
		"Dear diary,\n": "unreadable  notes.txt: mail 1: not a mail: it has no From, Subject or Message-ID header",
		"":              "unreadable  notes.txt: no mail",
	} {
		r, err := mustLoad(t, root).Credit(CreditOptions{Sources: []reply.Source{{Name: "notes.txt", Data: []byte(text)}}})
		if err != nil || len(r.Rows) != 1 || r.Rows[0].String() != want || r.Failed() != 1 {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
}
