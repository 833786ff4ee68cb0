// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/seed"
)

// repo is a git repository in a temporary directory. It ignores the user's configuration.
type repo struct {
	tb  testing.TB
	dir string
}

func newRepo(tb testing.TB) *repo {
	tb.Helper()
	r := &repo{tb: tb, dir: tb.TempDir()}
	r.git(nil, "init", "-q", "--initial-branch=main")
	r.write("start", "one\ntwo\nthree\n")
	r.commit("start", "xpsgen <xpsgen@workbench.invalid>")
	return r
}

func (r *repo) git(stdin []byte, args ...string) string {
	r.tb.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C",
		"GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.org")
	if stdin != nil {
		cmd.Stdin = strings.NewReader(string(stdin))
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.tb.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

func (r *repo) write(name, text string) {
	r.tb.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.tb.Fatal(err)
	}
}

func (r *repo) commit(message, author string) {
	r.tb.Helper()
	r.git(nil, "add", "-A")
	r.git([]byte(message), "commit", "-q", "-F", "-", "--author="+author, "--date=2026-11-22T12:00:00+0000")
}

// last returns the last commit in canonical form.
func (r *repo) last() string {
	r.tb.Helper()
	return r.git(nil, "format-patch", "--stdout", "--zero-commit", "--no-signature", "--full-index", "-N", "-1")
}

const plain = "xpsgen <xpsgen@workbench.invalid>"

// The output of git format-patch is canonical, and git am recreates the commit from it.
func TestGitRoundTrip(t *testing.T) {
	long := strings.Repeat("word ", 40)
	for name, tc := range map[string]struct {
		message, author string
		edit            func(r *repo)
	}{
		"plain":              {message: "net: xps: do it\n\nBecause.\n"},
		"no body":            {message: "net: xps: do it\n"},
		"long subject":       {message: "net: xps: " + long + "\n\nx\n"},
		"78 columns":         {message: strings.Repeat("x", 61) + "\n"},
		"79 columns":         {message: strings.Repeat("x", 59) + " yz\n"},
		"one endless word":   {message: strings.Repeat("x", 200) + " y\n"},
		"utf-8 subject":      {message: "net: xps: größer als 100 µs, " + long + "\n"},
		"utf-8 body":         {message: "net: xps: x\n\nEs dauert 3 µs.\n"},
		"utf-8 author":       {author: "Jörg Müller <joerg@example.org>", message: "net: x\n"},
		"long utf-8 author":  {author: strings.Repeat("Jörg ", 10) + "<joerg@example.org>", message: "net: x\n"},
		"author with a dot":  {author: "J. Random Hacker <j@example.org>", message: "net: x\n"},
		"author with quotes": {author: `J "R" Hacker <j@example.org>`, message: "net: x\n"},
		"long author":        {author: strings.Repeat("Abcdefg ", 7) + "<joerg@example.org>", message: "net: x\n"},
		"author, not phrase": {author: "J#ö$ (x) <j@example.org>", message: "net: x\n"},
		"encoded in plain":   {message: "net: =?UTF-8?q?x?= is not an encoding\n"},
		"trailers":           {message: "net: x\n\nWhy.\n\nFixes: 123456789abc (\"a: b\")\nLink: https://example.org/1\n"},
		"trailers alone":     {message: "net: x\n\nLink: https://example.org/1\n"},
		"long trailer":       {message: "net: x\n\nWhy.\n\nFixes: 123456789abc (\"a\n  b\")\n[j: fixed it]\nLink: https://example.org/1\n"},
		"no trailers":        {message: "net: x\n\nWhy.\n\nNote: this\nis text\n"},
		"from in the body":   {message: "net: x\n\nWhy.\nFrom here on all is well.\nFrom: nobody\n"},
		"diff in the body":   {message: "net: x\n\nWhy:\n\n  diff --git a/x b/x\n  --- a/x\n  +++ b/x\n  @@ -1 +1 @@\n----- cut\n"},
		"table in the body":  {message: "net: x\n\n a | b\n---+---\n 1 | 2\n"},
		"new file":           {message: "net: x\n", edit: func(r *repo) { r.write("dir/new", "x\ny\n") }},
		"deleted":            {message: "net: x\n", edit: func(r *repo) { r.git(nil, "rm", "-q", "start") }},
		"empty new file":     {message: "net: x\n", edit: func(r *repo) { r.write("empty", "") }},
		"renamed":            {message: "net: x\n", edit: func(r *repo) { r.git(nil, "mv", "start", "ende") }},
		"mode":               {message: "net: x\n", edit: func(r *repo) { mustChmod(r, "start") }},
		"no newline":         {message: "net: x\n", edit: func(r *repo) { r.write("start", "one\ntwo") }},
		"newline again":      {message: "net: x\n", edit: func(r *repo) { r.write("a", "x"); r.commit("y", plain); r.write("a", "x\n") }},
		"odd names":          {message: "net: x\n", edit: func(r *repo) { r.write("ü \"b/x", "1\n"); r.write("a b/b b", "1\n") }},
		"signature alike":    {message: "net: x\n", edit: func(r *repo) { r.write("a", "- \n"); r.commit("y", plain); r.write("a", "") }},
		"hunk alike":         {message: "net: x\n", edit: func(r *repo) { r.write("a", "@@ -1 +1 @@\ndiff --git a/x b/x\n-- \n") }},
		"latin1 file":        {message: "net: x\n", edit: func(r *repo) { r.write("a", "\xfc\n") }},
		"crlf file":          {message: "net: x\n", edit: func(r *repo) { r.write("a", "a\r\nb\r\n") }},
		"many hunks": {message: "net: x\n", edit: func(r *repo) {
			r.write("a", strings.Repeat("x\n", 100))
			r.commit("y", plain)
			r.write("a", "1\n"+strings.Repeat("x\n", 50)+"2\n"+strings.Repeat("x\n", 50))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			if tc.edit == nil {
				tc.edit = func(r *repo) { r.write("start", "one\n2\nthree\nfour\n") }
			}
			tc.edit(r)
			if tc.author == "" {
				tc.author = plain
			}
			r.commit(tc.message, tc.author)
			tree := r.git(nil, "rev-parse", "HEAD^{tree}")
			message := r.git(nil, "log", "-1", "--format=%B|%an|%ae|%ad")
			mail := r.last()
			p := mustCanonical(t, mail)
			if err := p.CheckStat(); err != nil {
				t.Error(err)
			}
			if got, want := p.Message(), strings.TrimRight(r.git(nil, "log", "-1", "--format=%B"), "\n"); got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			r.git(nil, "reset", "-q", "--hard", "HEAD^")
			r.git([]byte(mail), "am", "-q", "--keep-cr")
			if got := r.git(nil, "rev-parse", "HEAD^{tree}"); got != tree {
				t.Errorf("git am made another tree")
			}
			if got := r.git(nil, "log", "-1", "--format=%B|%an|%ae|%ad"); got != message {
				t.Errorf("git am made %q, want %q", got, message)
			}
		})
	}
}

func mustChmod(r *repo, name string) {
	r.tb.Helper()
	if err := os.Chmod(filepath.Join(r.dir, name), 0o755); err != nil {
		r.tb.Fatal(err)
	}
}

// mustCanonical parses a mail and checks that Format returns it unchanged.
func mustCanonical(tb testing.TB, mail string) *Patch {
	tb.Helper()
	p, err := Parse([]byte(mail))
	if err != nil {
		tb.Fatalf("%v\n%s", err, mail)
	}
	out, err := p.Format()
	if err != nil {
		tb.Fatalf("%v\n%s", err, mail)
	}
	if diff := cmp.Diff(mail, string(out)); diff != "" {
		tb.Fatalf("not canonical (-git +format):\n%s", diff)
	}
	return p
}

// Random patches must survive writing, parsing, and git.
func TestRandom(t *testing.T) {
	g := &generator{seed.Rand(t)}
	r := newRepo(t)
	for i := range 60 {
		p := g.patch(i)
		out, err := p.Format()
		if err != nil {
			t.Fatalf("%v\n%+v", err, p)
		}
		back, err := Parse(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if diff := cmp.Diff(p, back); diff != "" {
			t.Fatalf("(-written +read):\n%s\n%s", diff, out)
		}
		// git must commit the same message and write the same mail.
		r.git(out, "am", "-q")
		if got := strings.TrimRight(r.git(nil, "log", "-1", "--format=%B"), "\n"); got != p.Message() {
			t.Fatalf("git am made %q of %q", got, p.Message())
		}
		p.Notes, p.Tail, p.Header = "", "", nil
		p.Subject = Subject{Prefix: "PATCH", Title: p.Subject.Title}
		want, err := p.Format()
		if err != nil {
			t.Fatal(err)
		}
		// The diffstat and blob names come from git.
		strip := func(s string) string { return s[:strings.Index(s, "\n---\n")] }
		if diff := cmp.Diff(strip(string(want)), strip(r.last())); diff != "" {
			t.Fatalf("(-format +git):\n%s", diff)
		}
	}
}

// generator generates random patches.
type generator struct{ *rand.Rand }

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g *generator) words(n int) string {
	var w []string
	for range 1 + g.IntN(n) {
		w = append(w, g.pick("queue", "µs", "größer", "xps:", "skb->hash", "日本語", "a_b", "x=y", "=?", "(see", "below)",
			"https://example.org/averylongaddress/that/does/not/end", "\"quoted\"", "-", "1%", "*", "Ω"))
	}
	return strings.Join(w, " ")
}

func (g *generator) paragraph() string {
	var lines []string
	for range 1 + g.IntN(4) {
		lines = append(lines, g.pick("", "  ", "- ", "From ", ">From ", "+", "@@ ", "----", "> ")+g.words(8))
	}
	return strings.Join(lines, "\n")
}

// zone returns a random offset from UTC in minutes, except -1. parse_date_basic() in
// git's date.c uses -1 for "no zone given" and inserts the committer's zone. See
// [TestDateKeepsZone].
func (g *generator) zone() int {
	for {
		if minutes := g.IntN(27*60) - 13*60; minutes != -1 {
			return minutes
		}
	}
}

func (g *generator) patch(i int) *Patch {
	p := &Patch{Diff: fmt.Sprintf("diff --git a/f%d b/f%d\nnew file mode 100644\n--- /dev/null\n+++ b/f%d\n@@ -0,0 +1 @@\n+%s\n", i, i, i, g.words(5))}
	p.Author.Name = strings.TrimSpace(g.pick("J. R. ", "Jörg ", "Plain ", "Ünü (x) ", "O'x ", "日本 ", "A, B ") + g.pick("Hacker", "von Längst", strings.Repeat("Lang", 9), "(x)"))
	p.Author.Email = g.pick("a@example.org", strings.Repeat("long", 15)+"@example.org")
	p.Date = withOffset(time.Unix(g.Int64N(1<<31), 0).In(time.FixedZone("", 60*g.zone())))
	p.Subject = Subject{Prefix: g.pick("PATCH", "RFC net-next", "PATCH iproute2-next"), Title: "net: " + g.words(20)}
	if g.IntN(2) == 0 {
		p.Subject.Version = 1 + g.IntN(12)
	}
	if g.IntN(2) == 0 {
		p.Subject.Total = 1 + g.IntN(20)
		p.Subject.N = 1 + g.IntN(p.Subject.Total)
	}
	if g.IntN(4) > 0 {
		// The first line must not look like a header.
		paragraphs := []string{"So it is: " + g.words(5)}
		for range g.IntN(4) {
			paragraphs = append(paragraphs, g.paragraph())
		}
		p.Body = strings.Join(append(paragraphs, "That is all."), "\n\n")
	}
	for range g.IntN(3) {
		p.Trailers = append(p.Trailers, Trailer{g.pick("Link", "Suggested-by", "Fixes"), g.words(4)})
	}
	if g.IntN(3) == 0 {
		p.Notes = "v2: " + g.words(6) + "\n---\n" + g.words(3)
	}
	if g.IntN(3) == 0 {
		p.Tail = "base-commit: " + strings.Repeat("ab", 20) + "\n"
	}
	if g.IntN(2) == 0 {
		p.Header = append(p.Header, header("To", "netdev@vger.kernel.org, Jörg \"X\" Ä <a@example.org>"), header("Message-Id", "<1@x>"))
	}
	return p
}

// The package keeps a zone that git would change, because a mail may have it.
func TestDateKeepsZone(t *testing.T) {
	for _, zone := range []string{"+0000", "-0001", "+0001", "+1345", "-1200"} {
		const mail = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: Some Body <a@example.org>\n" +
			"Date: Sat, 3 Sep 1994 07:28:20 %s\nSubject: [PATCH] a\n\nText.\n---\n" +
			"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"
		p, err := Parse(fmt.Appendf(nil, mail, zone))
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Format()
		if want := "\nDate: Sat, 3 Sep 1994 07:28:20 " + zone + "\n"; err != nil || !strings.Contains(string(out), want) {
			t.Errorf("zone %s: %v\n%s", zone, err, out)
		}
	}
}

// AddTrailer must add to the block in which git looks for trailers, also after "(cherry
// picked from commit ...)".
func TestCherryPicked(t *testing.T) {
	const picked = "(cherry picked from commit 1234567890123456789012345678901234567890)"
	for name, end := range map[string]string{
		"after a sign-off":    "Signed-off-by: A B <a@b.c>\n" + picked,
		"between sign-offs":   "Signed-off-by: A B <a@b.c>\n" + picked + "\nSigned-off-by: C D <c@d.e>",
		"alone":               picked,
		"before a sign-off":   picked + "\nSigned-off-by: C D <c@d.e>",
		"with a comment":      "Signed-off-by: A B <a@b.c>\n" + picked + "\n[c: adapt to the\n old name]\nSigned-off-by: C D <c@d.e>",
		"no cherry-pick":      "Signed-off-by: A B <a@b.c>",
		"two of them":         "Signed-off-by: A B <a@b.c>\n" + picked + "\n" + picked,
		"prose, then nothing": "It was " + picked + " by hand.",
	} {
		t.Run(name, func(t *testing.T) {
			body, trailers := splitMessage("Body.\n\n" + end)
			p := &Patch{Subject: Subject{Title: "net: do"}, Body: body, Trailers: trailers}
			if want := "net: do\n\nBody.\n\n" + end; p.Message() != want {
				t.Fatalf("got %q, want %q", p.Message(), want)
			}
			p.AddTrailer(Trailer{"Reviewed-by", "E F <e@f.g>"})
			cmd := exec.Command("git", "interpret-trailers", "--parse")
			cmd.Stdin = strings.NewReader(p.Message() + "\n")
			cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want := strings.Count(end, "\nSigned-off-by:") + 1
			if strings.HasPrefix(end, "Signed-off-by:") {
				want++
			}
			if got := strings.Count(string(out), "-by: "); got != want || !strings.Contains(string(out), "Reviewed-by: E F <e@f.g>\n") {
				t.Errorf("git finds %d trailers, want %d:\n%s\nin\n%s", got, want, out, p.Message())
			}
		})
	}
}
