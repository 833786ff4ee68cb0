// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
)

func mustWrite(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func mustLoad(tb testing.TB, root string) *Change {
	tb.Helper()
	c, err := Load(root)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// aPatch is a small patch that adds a line to file n.
func aPatch(tb testing.TB, title string, n int) *patch.Patch {
	tb.Helper()
	return &patch.Patch{
		Author:  mail.Address{Name: "xpsgen", Email: "xpsgen@workbench.invalid"},
		Date:    time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Subject: patch.Subject{Prefix: "PATCH", Title: title},
		Body:    "Because.",
		Diff:    fmt.Sprintf("diff --git a/f%d b/f%d\nnew file mode 100644\n--- /dev/null\n+++ b/f%d\n@@ -0,0 +1 @@\n+x\n", n, n, n),
	}
}

func mustFormat(tb testing.TB, p *patch.Patch) string {
	tb.Helper()
	out, err := p.Format()
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// The directories of newRoot's projects and of its kernel series.
const (
	kernelDir = "kernel-patches"
	ipDir     = "iproute2-patches"
	seriesDir = kernelDir + "/queue"
)

// newRoot creates a workbench: the series queue, with two patches for the kernel on the
// submitted base and one on the carry base, and the series ip for iproute2.
func newRoot(tb testing.TB) string {
	tb.Helper()
	root := tb.TempDir()
	base := "\n[[base]]\nname = %q\nrole = %q\n[[base.source]]\nkind = \"git\"\nurl = \"https://example.org/x\"\nref = \"v1\"\n"
	head := "[project]\nname = %q\n"
	entry := "\n[[series]]\nkey = %q\ntitle = %q\nversion = 1\nprefix = \"RFC net-next\"\n"
	on := "\n[[series.base]]\nname = %q\n"
	list := "[[series.base.patch]]\nkey = %q\nfile = %q\n"
	hook, link := fmt.Sprintf(list, "hook", "0001-hook.patch"), fmt.Sprintf(list, "link", "0002-link.patch")
	mustWrite(tb, filepath.Join(root, kernelDir, "series.toml"), fmt.Sprintf(head, "linux")+
		fmt.Sprintf(base, "next", "submit")+fmt.Sprintf(base, "lts", "carry")+fmt.Sprintf(entry, "queue", "net: a change")+
		fmt.Sprintf(on, "next")+hook+link+fmt.Sprintf(on, "lts")+hook)
	mustWrite(tb, filepath.Join(root, ipDir, "series.toml"), fmt.Sprintf(head, "iproute2")+
		fmt.Sprintf(base, "ip-next", "submit")+fmt.Sprintf(entry, "ip", "ip: a change")+
		fmt.Sprintf(on, "ip-next")+fmt.Sprintf(list, "ip", "0001-ip.patch"))
	mustWrite(tb, filepath.Join(root, seriesDir, "next/0001-hook.patch"), mustFormat(tb, aPatch(tb, "net: add the hook", 1)))
	mustWrite(tb, filepath.Join(root, seriesDir, "next/0002-link.patch"), mustFormat(tb, aPatch(tb, "rtnetlink: attach it", 2)))
	mustWrite(tb, filepath.Join(root, seriesDir, "lts/0001-hook.patch"), mustFormat(tb, aPatch(tb, "net: add the hook", 1)))
	mustWrite(tb, filepath.Join(root, ipDir, "ip/ip-next/0001-ip.patch"), mustFormat(tb, aPatch(tb, "ip: use it", 3)))
	mustWrite(tb, filepath.Join(root, seriesDir, CoverName), "<!-- SPDX-License-Identifier: GPL-2.0-only -->\n\nThe cover.\n")
	return root
}

var sentDate = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func TestArchive(t *testing.T) {
	root := newRoot(t)
	p, err := mustLoad(t, root).Find("queue").Archive(SentOptions{Version: 1, MessageID: "<a.1@example.org>", Date: sentDate})
	if err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, root)
	if c.Find("queue").Version != 2 || c.Find("ip").Version != 1 {
		t.Errorf("versions %d and %d", c.Find("queue").Version, c.Find("ip").Version)
	}
	if d := cmp.Diff([]*Posting{p}, c.Find("queue").Sent); d != "" {
		t.Errorf("(-archived +loaded):\n%s", d)
	}
	want := &Posting{Version: 1, MessageID: "a.1@example.org", Date: sentDate, Base: "next", Prefix: "RFC net-next",
		Patches: []PostedPatch{{"hook", "0001-hook.patch"}, {"link", "0002-link.patch"}}, Dir: filepath.Join(root, seriesDir, "sent/v1")}
	if d := cmp.Diff(want, p); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(Changelog{{Version: 2}}, c.Find("queue").Changelog); d != "" {
		t.Errorf("changelog (-want +got):\n%s", d)
	}
	if list, err := p.Load(); err != nil || len(list) != 2 || list[1].Key != "link" {
		t.Errorf("%v, %v", list, err)
	}
	// A version is archived once. The same call again does nothing.
	if _, err := c.Find("queue").Archive(SentOptions{Version: 1, MessageID: "b@example.org", Date: sentDate}); !errors.Is(err, ErrSent) {
		t.Errorf("another: %v", err)
	}
	// Archive v2, whose changelog has text.
	log := filepath.Join(root, seriesDir, ChangelogName)
	mustWrite(t, log, mustRead(t, log)+"\n- all is better\n")
	c = mustLoad(t, root)
	if _, err := c.Find("queue").Archive(SentOptions{Version: 2, MessageID: "a.2@example.org", Date: sentDate}); err != nil {
		t.Fatal(err)
	}
	c = mustLoad(t, root)
	if d := cmp.Diff(Changelog{{Version: 3}, {Version: 2, Text: "- all is better"}}, c.Find("queue").Changelog); d != "" {
		t.Errorf("changelog (-want +got):\n%s", d)
	}
}

// TestArchiveResumes: a second call finishes an archive that was interrupted before it
// wrote the manifest.
func TestArchiveResumes(t *testing.T) {
	root := newRoot(t)
	manifest := filepath.Join(root, kernelDir, "series.toml")
	before := mustRead(t, manifest)
	opt := SentOptions{Version: 1, MessageID: "a@example.org", Date: sentDate}
	if _, err := mustLoad(t, root).Find("queue").Archive(opt); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, manifest, before)
	if _, err := mustLoad(t, root).Find("queue").Archive(opt); err != nil {
		t.Fatal(err)
	}
	if c := mustLoad(t, root); c.Find("queue").Version != 2 || len(c.Find("queue").Changelog) != 1 {
		t.Errorf("version %d, changelog %v", c.Find("queue").Version, c.Find("queue").Changelog)
	}
}

func TestVerify(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(dir string) error
		want string
	}{
		"changed": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "0001-hook.patch"), []byte("x"), 0o644)
		}, "0001-hook.patch: changed after it was sent"},
		"added":     {func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o644) }, "x: changed after it was sent: it was added"},
		"removed":   {func(dir string) error { return os.Remove(filepath.Join(dir, "cover.md")) }, "it is missing"},
		"the sums":  {func(dir string) error { return appendTo(filepath.Join(dir, sumsName), "junk\n") }, "SHA256SUMS: changed"},
		"unchanged": {func(string) error { return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := newRoot(t)
			p, err := mustLoad(t, root).Find("queue").Archive(SentOptions{Version: 1, MessageID: "a@example.org", Date: sentDate})
			if err != nil {
				t.Fatal(err)
			}
			// The files are read-only; make one writable to change it.
			_ = os.Chmod(filepath.Join(p.Dir, "0001-hook.patch"), 0o644)
			_ = os.Chmod(filepath.Join(p.Dir, sumsName), 0o644)
			if err := tc.do(p.Dir); err != nil {
				t.Fatal(err)
			}
			err = p.Verify()
			if tc.want == "" && err != nil || tc.want != "" && (!errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func appendTo(path, text string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, text...), 0o644)
}

// TestArchiveRefuses: Archive writes nothing for mails that cannot have been sent.
func TestArchiveRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		opt  SentOptions
		mail func(p *patch.Patch)
		want string
	}{
		"no id":        {opt: SentOptions{Version: 1, Date: sentDate}, want: `"" is not a Message-Id`},
		"no id at all": {opt: SentOptions{Version: 1, Date: sentDate, MessageID: "<a b@c>"}, want: "is not a Message-Id"},
		"no date":      {opt: SentOptions{Version: 1, MessageID: "a@b"}, want: "no date"},
		"version":      {opt: SentOptions{Version: 2, MessageID: "a@b", Date: sentDate}, want: "the series is at v1"},
		"fewer":        {mail: func(p *patch.Patch) {}, want: "has 1 patches, next has 2"},
		"another id":   {mail: func(p *patch.Patch) { p.Header = mail.Header{{Name: "Message-Id", Value: "<c@d>"}} }, want: "have the Message-Id <c@d>"},
		"another diff": {mail: func(p *patch.Patch) { p.Diff = strings.Replace(p.Diff, "+x", "+y", 1) }, want: "it differs from patch 1, hook"},
		"of v2":        {mail: func(p *patch.Patch) { p.Subject.Version = 2 }, want: "it is a patch of v2"},
	} {
		t.Run(name, func(t *testing.T) {
			root := newRoot(t)
			if tc.mail != nil {
				p := aPatch(t, "net: add the hook", 1)
				tc.mail(p)
				dir := t.TempDir()
				mustWrite(t, filepath.Join(dir, "0001-x.patch"), mustFormat(t, p))
				tc.opt = SentOptions{Version: 1, MessageID: "a@b", Date: sentDate, From: dir}
			}
			_, err := mustLoad(t, root).Find("queue").Archive(tc.opt)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if _, err := os.Stat(filepath.Join(root, seriesDir, SentDir)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was written: %v", err)
			}
		})
	}
}

func TestChangelog(t *testing.T) {
	log, err := parseChangelog("# Changelog\n\n## v1\n\n- one\n- two\n\n## v3\n## v2\nx")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Changelog{{3, ""}, {2, "x"}, {1, "- one\n- two"}}, log); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, bad := range []string{"text\n", "## v1\n## v1\n"} {
		if _, err := parseChangelog(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
