// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/series"
	"xpsgen/gen/series/check"
	"xpsgen/gen/series/gate"
	"xpsgen/gen/series/mail"
	"xpsgen/gen/series/patch"
	"xpsgen/vmtest/seed"
	"xpsgen/vmtest/tree/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var date = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("", 3600))

// newPatch is a patch that adds a file of n lines.
func newPatch(n int, title, body string, author mail.Address) *series.Patch {
	var diff strings.Builder
	fmt.Fprintf(&diff, "diff --git a/f%d b/f%d\nnew file mode 100644\nindex 0000000000000000000000000000000000000000..%040x\n--- /dev/null\n+++ b/f%d\n@@ -0,0 +1,%d @@\n", n, n, n, n, n)
	for i := range n {
		fmt.Fprintf(&diff, "+line %d\n", i)
	}
	p := &patch.Patch{Author: author, Date: date, Subject: patch.Subject{Prefix: "PATCH", Title: title}, Body: body, Diff: diff.String(),
		Stat:     fmt.Sprintf(" f%d | %d +\n 1 file changed, %d insertions(+)\n create mode 100644 f%d\n", n, n, n, n),
		Trailers: []patch.Trailer{{Key: "Suggested-by", Value: "Ä Person <a.person@lists.test>"}}}
	return &series.Patch{Patch: p, Key: "k" + strconv.Itoa(n), Path: fmt.Sprintf("%04d.patch", n), Raw: []byte(title + body + diff.String())}
}

var nobody = mail.Address{Name: "xpsgen", Email: "xpsgen@workbench.invalid"}

func newHalf(project, base, prefix string, patches ...*series.Patch) *Half {
	return &Half{
		Series: &series.Series{Manifest: &manifest.Series{}, Dir: project + "-patches", Key: project, Title: project + ": do what was asked",
			Target:  &manifest.Target{Name: base, List: "netdev@vger.kernel.org", Archive: "https://lore.kernel.org/netdev/"},
			Project: project, Version: 1, Prefix: prefix, Cover: "Why.\n\n{{bench:cost}}\n\nAnd how."},
		Base:    &series.Base{Name: base, Patches: patches},
		Thread:  &check.Thread{Project: project, Base: base, Origin: "deb linux-source-7.3 7.3.4-1"},
		Stat:    " f1 | 1 +\n",
		Results: map[string]string{"cost": "1 ns\n2 ns\n"},
		Copies:  [][]check.Recipient{{{Address: "\"Last, First\" <l.f@lists.test>"}, {Address: "bpf@vger.kernel.org", List: true}}},
	}
}

func pair() (kernel, iproute2 *Half) {
	kernel = newHalf("linux", "net-next", "RFC net-next", newPatch(1, "net: one", "Body.", nobody), newPatch(2, "net: two", "From here on.\n\n> quoted", nobody))
	iproute2 = newHalf("iproute2", "iproute2-next", "RFC iproute2-next", newPatch(1, "ip: one", "Body.", nobody), newPatch(3, "ip: three", "Body.", nobody))
	kernel.Beside, iproute2.Beside = []*Half{iproute2}, []*Half{kernel}
	iproute2.Needs = []*series.Series{kernel.Series}
	return kernel, iproute2
}

func TestGolden(t *testing.T) {
	kernel, _ := pair()
	kernel.Series.Version = 2
	kernel.Series.Sent = []*series.Posting{{Version: 1, MessageID: "one@lists.test"}}
	kernel.Series.Changelog = series.Changelog{{Version: 2, Text: "- Say why."}, {Version: 1, Text: "- First."}}
	kernel.RangeDiff = "1:  123 = 1:  123 net: one\n"
	messages, err := kernel.Messages()
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, m := range messages {
		fmt.Fprintf(&all, "== %s\n%s", m.File, m.Data)
	}
	golden := filepath.Join("testdata", "thread.golden")
	if *update {
		if err := os.WriteFile(golden, all.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBeside: if one thread depends on another, each cover names the other by its
// Message-Id.
func TestBeside(t *testing.T) {
	kernel, iproute2 := pair()
	for _, h := range []*Half{kernel, iproute2} {
		m, err := h.Messages()
		if err != nil {
			t.Fatal(err)
		}
		other, err := h.Beside[0].Messages()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(m[0].Data, []byte("https://lore.kernel.org/netdev/"+other[0].ID+"/")) {
			t.Errorf("%s does not name %s:\n%s", h.Name(), other[0].ID, m[0].Data)
		}
		if bytes.Contains(m[0].Data, []byte("In-Reply-To")) {
			t.Errorf("%s: the cover is a reply", h.Name())
		}
		for _, p := range m[1:] {
			if !bytes.Contains(p.Data, []byte("\nIn-Reply-To: <"+m[0].ID+">\n")) {
				t.Errorf("%s is not under the cover", p.File)
			}
		}
	}
}

// TestSinglePatch: of a single patch without cover letter, other threads name the mail that
// exists. What a cover letter would say is below its "---", after its own notes.
func TestSinglePatch(t *testing.T) {
	kernel, iproute2 := pair()
	iproute2.Series.Cover, iproute2.Base.Patches = "", iproute2.Base.Patches[:1]
	iproute2.Base.Patches[0].Notes = "Not tested on hardware."
	iproute2.Series.Version, iproute2.RangeDiff = 2, "1:  12 = 1:  13 a patch\n"
	cover, err := kernel.Messages()
	if err != nil {
		t.Fatal(err)
	}
	single, err := iproute2.Messages()
	if err != nil || len(single) != 1 {
		t.Fatalf("%d mails, %v", len(single), err)
	}
	if !bytes.Contains(cover[0].Data, []byte("https://lore.kernel.org/netdev/"+single[0].ID+"/")) {
		t.Errorf("the cover does not name %s:\n%s", single[0].ID, cover[0].Data)
	}
	_, below, _ := strings.Cut(string(single[0].Data), "\n---\n")
	notes, _, _ := strings.Cut(below, "\ndiff --git")
	at := 0
	for _, want := range []string{"Not tested on hardware.", kernel.Series.Title, cover[0].ID, "Range-diff against v1:\n1:  12", "Based on deb linux-source", " f1 |"} {
		i := strings.Index(notes[at:], want)
		if i < 0 {
			t.Fatalf("%q is not in the notes, or not after the text before it:\n%s", want, notes)
		}
		at += i
	}
	p, err := patch.Parse(single[0].Data)
	if err != nil || strings.Contains(p.Message(), "Based on") {
		t.Errorf("git would commit the notes: %q, %v", p.Message(), err)
	}
}

// TestIDs: a Message-Id changes with the content, the sender and the version.
func TestIDs(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(h *Half){
		"unchanged":      func(*Half) {},
		"version":        func(h *Half) { h.Series.Version = 2 },
		"signer":         func(h *Half) { h.Signer = &mail.Address{Name: "A B", Email: "a.b@lists.test"} },
		"a patch's text": func(h *Half) { h.Base.Patches[1].Raw = append(h.Base.Patches[1].Raw, '!') },
		"cover":          func(h *Half) { h.Series.Cover += "!" },
		"prefix":         func(h *Half) { h.Series.Prefix = "net-next" },
	} {
		h, _ := pair()
		change(h)
		id := h.MessageID(0)
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have the same id %s", name, other, id)
		}
		seen[id] = name
		if id == h.MessageID(1) {
			t.Errorf("%s: two mails have one id", name)
		}
	}
}

// corpus generates series that are hard to mail.
func corpus(r *rand.Rand) *Half {
	words := []string{"net:", "xps:", "zähle", "Größe,", "—", "a", "B", "\"quoted\"", "<angle>", "日本", strings.Repeat("long", 12), "x=y", "50%", "[brackets]"}
	text := func(n int) string {
		var w []string
		for range n {
			w = append(w, words[r.IntN(len(words))])
		}
		return strings.Join(w, " ")
	}
	names := []mail.Address{nobody, {Name: "Jörg Müller-Lüdenscheidt", Email: "jml@lists.test"}, {Name: "Last, First", Email: "lf@lists.test"}, {Name: "日本 太郎", Email: "t@lists.test"}}
	var patches []*series.Patch
	for i := range 1 + r.IntN(6) {
		body := "Because " + text(1+r.IntN(20)) + "."
		if r.IntN(2) == 0 {
			body += "\n\nFrom here on, and\n  indented -- with dashes\n> " + text(3)
		}
		patches = append(patches, newPatch(i+1, "net: "+text(1+r.IntN(12))+" end", body, names[r.IntN(len(names))]))
	}
	h := newHalf("linux", "net-next", "net-next", patches...)
	h.Series.Version = 1 + r.IntN(3)
	return h
}

// TestRoundTrip: git am, b4 and mail readers get the original text of an export.
func TestRoundTrip(t *testing.T) {
	r := seed.Rand(t)
	for range 300 {
		h := corpus(r)
		messages, err := h.Messages()
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.Messages()
		if err != nil || !cmp.Equal(messages, again) {
			t.Fatalf("exported twice: %v %s", err, cmp.Diff(messages, again))
		}
		var box bytes.Buffer
		for _, m := range messages {
			box.Write(append(m.Data, '\n'))
		}
		mails := splitMbox(box.Bytes())
		if h.hasCover() {
			mails = mails[1:]
		}
		if len(mails) != len(h.Base.Patches) {
			t.Fatalf("%d mails of %d patches", len(mails), len(h.Base.Patches))
		}
		for i, m := range mails {
			got, err := patch.Parse(m)
			if err != nil {
				t.Fatalf("%v\n%s", err, m)
			}
			want := *h.Base.Patches[i].Patch
			if got.Subject.N != i+1 && h.hasCover() || got.Subject.Title != want.Subject.Title {
				t.Fatalf("subject %+v, want %+v\n%s", got.Subject, want.Subject, m)
			}
			got.Subject, got.Header, got.Commit = want.Subject, nil, ""
			if diff := cmp.Diff(&want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Fatalf("(-want +got)\n%s\n%s", diff, m)
			}
		}
	}
}

func TestSignOff(t *testing.T) {
	h, _ := pair()
	h.Base.Patches[1].Author = mail.Address{Name: "Other Person", Email: "o@lists.test"}
	h.Signer = &mail.Address{Name: "Some Body", Email: "s.body@lists.test"}
	h.Beside[0].Signer = h.Signer
	h.Series.Attribution.AssistedBy = []string{"A-Tool:1"}
	messages, err := h.Messages()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Some Body <s.body@lists.test>", "Some Body <s.body@lists.test>", "Other Person <o@lists.test>"} {
		data := string(messages[i].Data)
		if !strings.Contains(data, "\nFrom: "+want+"\n") {
			t.Errorf("%s is not from %s:\n%s", messages[i].File, want, data)
		}
		if i > 0 && !strings.Contains(data, "\nAssisted-by: A-Tool:1\nSigned-off-by: Some Body <s.body@lists.test>\n---\n") {
			t.Errorf("%s: trailers:\n%s", messages[i].File, data)
		}
		if i < 2 && strings.Contains(data, "workbench.invalid") {
			t.Errorf("%s still has the placeholder:\n%s", messages[i].File, data)
		}
	}
	if strings.Contains(h.Base.Patches[0].Message(), "Signed-off-by") {
		t.Error("the series itself was signed")
	}
}

func TestStatus(t *testing.T) {
	good := []check.Row{{Result: check.Result{Code: check.Pass}}, {Result: check.Result{Code: check.Warning}}}
	for _, c := range []struct {
		name    string
		change  func(h *Half)
		rows    []check.Row
		shut    []gate.Shut
		want    State
		missing string
	}{
		{"only the sign-off", nil, good, nil, AwaitingSignOff, "sign-off"},
		{"signed", func(h *Half) { h.Signer = &nobody }, good, nil, Ready, ""},
		{"shut gate", nil, good, []gate.Shut{{Why: "wait"}}, Checked, "wait"},
		{"not checked", nil, nil, nil, Draft, "no check ran"},
		{"failed", nil, []check.Row{{Result: check.Result{Code: check.Fail}}}, nil, Draft, "1 failed checks"},
		{"not measured", func(h *Half) { h.Results = nil }, good, nil, Draft, "1 results for the cover letter, such as cost"},
		{"no cover", func(h *Half) { h.Series.Cover = "" }, good, nil, Draft, "cover letter"},
		{"PATCH on a package", func(h *Half) { h.Series.Prefix = "net-next" }, good, nil, Checked, "base-commit"},
		{"PATCH on a commit", func(h *Half) { h.Series.Prefix = "net-next"; h.Thread.Commit = "1234" }, good, nil, AwaitingSignOff, "sign-off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := pair()
			if c.change != nil {
				c.change(h)
			}
			s := h.Status(c.rows, c.shut)
			if s.State != c.want || !strings.Contains(strings.Join(s.Missing, "\n"), c.missing) || c.want == Ready && len(s.Missing) > 0 {
				t.Errorf("%+v", s)
			}
			if warned := strings.Contains(strings.Join(s.Warnings, "\n"), "base-commit: not specified, as deb linux-source-7.3 7.3.4-1 is not a commit"); warned != (h.Thread.Commit == "") {
				t.Errorf("commit %q, warnings %q", h.Thread.Commit, s.Warnings)
			}
		})
	}
}

// TestUnmeasured: a draft marks each missing result, and invents none.
func TestUnmeasured(t *testing.T) {
	h, _ := pair()
	h.Results = nil
	m, err := h.Messages()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(m[0].Data, []byte("*** NOT MEASURED: cost ***")) || bytes.Contains(m[0].Data, []byte("{{")) {
		t.Errorf("%s", m[0].Data)
	}
}

// TestFilled: a name may have slashes and signs. A figure is aligned in its column.
func TestFilled(t *testing.T) {
	h, _ := pair()
	h.Series.Cover = "{{bench:pick/xps-const+cpus-map,8}}|{{bench:pick/xps-const+cpus-map}}|{{bench:none,8}}"
	h.Results = map[string]string{"pick/xps-const+cpus-map": "-535"}
	if got, want := h.coverText(), "    -535|-535|*** NOT MEASURED: none ***"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := h.Unfilled(); len(got) != 1 || got[0] != "none" {
		t.Errorf("unfilled: %v", got)
	}
}

func TestLoadResults(t *testing.T) {
	dir := t.TempDir()
	if _, err := LoadResults(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	file := filepath.Join(dir, "r.json")
	for text, ok := range map[string]bool{`{"a":"b"}`: true, `{"a":1}`: false, `[]`: false, ``: false} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadResults(file); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWrite(t *testing.T) {
	kernel, iproute2 := pair()
	dir := t.TempDir()
	for range 2 {
		if err := Write(dir, []*Half{kernel, iproute2}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	if err != nil || len(found) != 10 {
		t.Errorf("%v, %v", found, err)
	}
	other := filepath.Join(dir, "other", "linux-net-next")
	if err := os.MkdirAll(filepath.Join(other, "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Dir(other), []*Half{kernel}); err == nil || !strings.Contains(err.Error(), "exists and was not written by series export") {
		t.Errorf("overwrites a directory of the user: %v", err)
	}
}

// TestAm: git am recreates the commits from both mboxes.
func TestAm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 5 {
		h := corpus(r)
		dir := t.TempDir()
		if err := Write(dir, []*Half{h}); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{ThreadName, "--empty=drop"}, {PatchesName}} {
			repo := t.TempDir()
			git := func(args ...string) string {
				cmd := exec.Command("git", args...)
				cmd.Dir = repo
				cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
					"GIT_COMMITTER_NAME=m", "GIT_COMMITTER_EMAIL=m@lists.test")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("corpus %d: git %s: %v\n%s", i, strings.Join(args, " "), err, out)
				}
				return string(out)
			}
			git("init", "-q")
			git("-c", "user.name=m", "-c", "user.email=m@lists.test", "commit", "-q", "--allow-empty", "-m", "base")
			git(append([]string{"am", "-q", filepath.Join(dir, h.Name(), MboxesDir, args[0])}, args[1:]...)...)
			var want []string
			for _, p := range h.Base.Patches {
				want = append(want, p.Author.String(), p.Message())
			}
			got := strings.Split(strings.TrimSuffix(git("log", "--reverse", "--format=%an <%ae>%x00%B%x00", "HEAD~"+strconv.Itoa(len(h.Base.Patches))+".."), "\x00\n"), "\x00")
			for i := range got {
				got[i] = strings.TrimSpace(got[i])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", args[0], diff)
			}
		}
	}
}

// TestB4: b4 finds the whole thread, the cover letter and the version. Apart from
// attestation it reports nothing.
func TestB4(t *testing.T) {
	if _, err := exec.LookPath("b4"); err != nil {
		if strings.Contains(os.Getenv("XPS_TEST_REQUIRE"), "b4") {
			t.Fatal("XPS_TEST_REQUIRE has b4, but it is not installed: apt-get install b4")
		}
		t.Skip("b4 is not installed: apt-get install b4")
	}
	kernel, iproute2 := pair()
	kernel.Series.Version = 2
	kernel.Series.Cover = "From here on.\n\nFrom there on, too."
	kernel.Series.Title = strings.Repeat("a long title that would be folded ", 4) + "end"
	kernel.Base.Patches[0].Subject.Title = strings.Repeat("a long subject that would be folded ", 4) + "end"
	dir := t.TempDir()
	if err := Write(dir, []*Half{kernel, iproute2}); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[user]\n\tname = M\n\temail = m@lists.test\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, h := range []*Half{kernel, iproute2} {
		out := t.TempDir()
		cmd := exec.Command("b4", "--offline-mode", "am", "-o", out, "-m", filepath.Join(dir, h.Name(), MboxesDir, ThreadName))
		cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("b4: %v\n%s", err, text)
		}
		for _, want := range []string{"Analyzing 3 messages", "Total patches: 2", "Cover: "} {
			if !bytes.Contains(text, []byte(want)) {
				t.Errorf("b4 does not say %q:\n%s", want, text)
			}
		}
		if h.Series.Version > 1 && !bytes.Contains(text, []byte("v2")) {
			t.Errorf("b4 does not see the version:\n%s", text)
		}
		for _, bad := range []string{"ERROR", "WARNING", "missing", "Traceback"} {
			if bytes.Contains(text, []byte(bad)) {
				t.Errorf("b4 reports:\n%s", text)
			}
		}
	}
}

// TestMailsAlone gives the directory of mails to programs that take every file in a
// directory for a mail. They must see all mails and nothing else.
func TestMailsAlone(t *testing.T) {
	h, _ := pair()
	h.Signer = &mail.Address{Name: "Some Body", Email: "s.body@lists.test"}
	h.Judged = &Status{State: Draft, Missing: []string{"a \"thing\""}}
	dir := t.TempDir()
	if err := Write(dir, []*Half{h}); err != nil {
		t.Fatal(err)
	}
	thread := filepath.Join(dir, h.Name())
	state, err := os.ReadFile(filepath.Join(thread, series.StateName))
	if err != nil || !strings.Contains(string(state), "state = \"draft\"\nmissing = [\"a \\\"thing\\\"\"]\n") {
		t.Errorf("state: %s, %v", state, err)
	}
	messages, err := h.Messages()
	if err != nil {
		t.Fatal(err)
	}
	mails := filepath.Join(thread, MailsDir)

	// The first patterns of NIPA's ingest_mdir.py distinguish a cover letter from a patch.
	t.Run("ingest_mdir", func(t *testing.T) {
		entries, err := os.ReadDir(mails)
		if err != nil || len(entries) != len(messages) {
			t.Fatalf("%d files, want %d mails, %v", len(entries), len(messages), err)
		}
		for i, e := range entries {
			data, err := os.ReadFile(filepath.Join(mails, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			cover := regexp.MustCompile(`\[.* 0+/\d.*\]`).Match(data) && !regexp.MustCompile(`\n@@ -\d`).Match(data)
			if e.Name() != messages[i].File || cover != messages[i].Cover {
				t.Errorf("file %d is %s, cover %v; want %s, %v", i, e.Name(), cover, messages[i].File, messages[i].Cover)
			}
		}
	})
	t.Run("git send-email", func(t *testing.T) {
		home := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "git", "send-email", "--dry-run", "--no-thread", "--suppress-cc=author", "--suppress-cc=body", "--confirm=never",
			"--smtp-server=/bin/false", mails)
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "HOME="+home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C",
			"GIT_COMMITTER_NAME=m", "GIT_COMMITTER_EMAIL=m@lists.test", "GIT_AUTHOR_NAME=m", "GIT_AUTHOR_EMAIL=m@lists.test")
		out, err := cmd.CombinedOutput()
		if err != nil && bytes.Contains(out, []byte("'send-email' is not a git command")) {
			if strings.Contains(os.Getenv("XPS_TEST_REQUIRE"), "send-email") {
				t.Fatal("XPS_TEST_REQUIRE has send-email, but it is not installed: apt-get install git-email")
			}
			t.Skip("git send-email is not installed: apt-get install git-email")
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var ids []string
		for _, m := range regexp.MustCompile(`(?mi)^Message-Id: <(.*)>$`).FindAllSubmatch(out, -1) {
			ids = append(ids, string(m[1]))
		}
		var want []string
		for _, m := range messages {
			want = append(want, m.ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("(-want +got)\n%s\n%s", diff, out)
		}
	})
}

// splitMbox splits an mbox into mails with their From lines, at the same lines as git.
func splitMbox(data []byte) [][]byte {
	var mails [][]byte
	start := 0
	for at := 0; at < len(data); {
		end := at
		for end < len(data) && data[end] != '\n' {
			end++
		}
		if at > start && mail.IsFromLine(strings.TrimSuffix(string(data[at:end]), "\r")) {
			mails = append(mails, data[start:at])
			start = at
		}
		at = end + 1
	}
	if start < len(data) {
		mails = append(mails, data[start:])
	}
	return mails
}
