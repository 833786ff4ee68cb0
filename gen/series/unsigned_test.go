// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
)

// TestUnsigned: a posting is compared without the sign-offs that its sender added. A
// sign-off that the patch file also has stays.
func TestUnsigned(t *testing.T) {
	root := newRoot(t)
	person := mail.Address{Name: "Some Body", Email: "s.body@lists.test"}
	signature := patch.Trailer{Key: "Signed-off-by", Value: person.String()}
	own := aPatch(t, "rtnetlink: attach it", 2)
	own.Author, own.Trailers = person, []patch.Trailer{signature}
	mustWrite(t, filepath.Join(root, seriesDir, "next/0002-link.patch"), mustFormat(t, own))

	mails := t.TempDir()
	first := aPatch(t, "net: add the hook", 1)
	first.Author, first.Body = person, "Because of this."
	first.Trailers = []patch.Trailer{{Key: "Link", Value: "https://example.org/1"}, {Key: "Assisted-by", Value: "A-Tool:1"}, signature}
	first.Subject = patch.Subject{Prefix: "RFC PATCH net-next", N: 1, Total: 2, Title: first.Subject.Title}
	second := aPatch(t, "rtnetlink: attach it", 2)
	second.Author, second.Trailers = person, []patch.Trailer{signature}
	second.Subject = patch.Subject{Prefix: "RFC PATCH net-next", N: 2, Total: 2, Title: second.Subject.Title}
	mustWrite(t, filepath.Join(mails, "0001-hook.patch"), mustFormat(t, first))
	mustWrite(t, filepath.Join(mails, "0002-link.patch"), mustFormat(t, second))

	p, err := mustLoad(t, root).Find("queue").Archive(SentOptions{Version: 1, MessageID: "a.1@example.org", Date: sentDate, From: mails})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "plain")
	list, err := p.Unsigned(dir, mustLoad(t, root).Find("queue").Base("next"))
	if err != nil || len(list) != 2 || list[0].Key != "hook" || list[1].Key != "link" {
		t.Fatalf("%v, %v", list, err)
	}
	want := *first
	want.Author, want.Trailers = aPatch(t, "", 1).Author, first.Trailers[:1]
	if d := cmp.Diff(mustFormat(t, &want), mustRead(t, list[0].Path)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if list[1].Path != filepath.Join(p.Dir, "0002-link.patch") {
		t.Errorf("rewritten: %s", list[1].Path)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("written: %v, %v", left, err)
	}
	if err := p.Verify(); err != nil {
		t.Errorf("the archive was touched: %v", err)
	}
}
