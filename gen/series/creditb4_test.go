// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xpsgen/gen/series/reply"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	genSeed  = flag.Uint64("seed", 20261123, "seed of the generated replies")
	genCount = flag.Int("replies", 600, "how many replies to generate")
)

// TestCreditBesideB4 gives the same replies to credit and to b4 am, and compares the tags
// that the patches get. Each difference must be in b4Differences.
func TestCreditBesideB4(t *testing.T) {
	t.Logf("seed %d", *genSeed)
	if *genCount > 1000 {
		t.Fatal("-replies: at most 1000, as a tag's number has three digits")
	}
	replies := genReplies(*genSeed, *genCount)
	var mbox strings.Builder
	mbox.WriteString(genThread())
	for _, g := range replies {
		mbox.WriteString(g.mail)
	}
	theirs := b4Tags(t, mbox.String())
	ours, rows := creditTags(t, mbox.String())
	used := map[string]int{}
	equal, tagged := 0, 0
	for _, g := range replies {
		if ours[g.n] == theirs[g.n] {
			if equal++; ours[g.n] != "" {
				tagged++
			}
			continue
		}
		name := ""
		for _, d := range b4Differences {
			if d.applies(g, ours[g.n], theirs[g.n]) {
				name = d.name
				break
			}
		}
		if used[name]++; name == "" {
			t.Errorf("reply %d is not on the list: %+v\nb4:   %q\nours: %q\nrows: %s\n%s", g.n, *g, theirs[g.n], ours[g.n], rows[g.n], g.mail)
		}
		// Each tag that b4 accepts and credit does not must have a row.
		if ours[g.n] == "" && rows[g.n] == "" && !quiet(g) {
			t.Errorf("reply %d: b4 takes %q, credit %q without a row\n%s", g.n, theirs[g.n], ours[g.n], g.mail)
		}
	}
	for _, d := range b4Differences {
		if used[d.name] == 0 {
			t.Errorf("no reply differs by %q: take it off the list", d.name)
		}
	}
	if len(b4Differences) >= 10 {
		t.Errorf("%d kinds of differences, want fewer than 10", len(b4Differences))
	}
	t.Logf("%d replies, %d equal, %d of them with tags; differences: %v", len(replies), equal, tagged, used)
}

// quiet reports whether credit may say nothing about a reply: prose, or a tag of another
// person below "Original Message".
func quiet(g *genReply) bool {
	return g.tag == "Contact" || (g.tag == "Thanks-to" || g.tag == "Link") && strings.HasPrefix(g.layout, "below") ||
		g.layout == "below an original message" && g.sender == "comma in the sender's name"
}

// missing reports whether a has a line that b lacks.
func missing(a, b string) bool {
	for l := range strings.Lines(a) {
		if !strings.Contains(b, strings.TrimSuffix(l, "\n")) {
			return true
		}
	}
	return false
}

var genNumber = regexp.MustCompile(`(?:\brev|home|otto|abcdef000|lore\.kernel\.org/r/)(\d{3})\b`)

// byReply sorts trailers by the reply that they are from.
func byReply(lines []string) map[int]string {
	sets := map[int][]string{}
	for _, l := range lines {
		m := genNumber.FindStringSubmatch(strings.ToLower(l))
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1])
		if l = plainLine(l); !slices.Contains(sets[n], l) {
			sets[n] = append(sets[n], l)
		}
	}
	out := map[int]string{}
	for n, set := range sets {
		slices.Sort(set)
		out[n] = strings.Join(set, "\n")
	}
	return out
}

// plainLine removes irrelevant differences. git ignores the number of spaces, and upper and
// lower case in a key. b4 0.12 keeps quotes and the comment in parentheses, 0.14 drops
// them.
func plainLine(l string) string {
	place, rest, _ := strings.Cut(l, "\t")
	key, value, ok := strings.Cut(strings.Join(strings.Fields(rest), " "), ": ")
	if ok {
		key, value = strings.ToLower(key), strings.TrimSuffix(strings.ReplaceAll(value, `"`, ""), " (on arm64)")
	}
	return place + "\t" + key + ": " + value
}

// creditTags returns the tags that credit adds to the patches, by reply, and its rows about
// refused tags.
func creditTags(t *testing.T, mbox string) (tags, rows map[int]string) {
	root := sentRoot(t)
	r, err := mustLoad(t, root).Credit(CreditOptions{Sources: []reply.Source{{Name: "x.mbox", Data: []byte(mbox)}}})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	rows = map[int]string{}
	for _, c := range r.Rows {
		switch {
		case c.State == CreditAdded:
			lines = append(lines, c.Key+"\t"+c.Trailer.String()+" "+c.Note)
		case c.Failed():
			var n int
			if _, err := fmt.Sscanf(c.MessageID, "reply%d@", &n); err == nil {
				rows[n] += c.String() + "\n"
			}
		}
	}
	return byReply(lines), rows
}

// b4Tags returns the tags that b4 am adds to the patches, by reply. If b4 is not installed,
// it reads them from the golden file.
func b4Tags(t *testing.T, mbox string) map[int]string {
	golden := filepath.Join("testdata", "b4.golden")
	sum := fmt.Sprintf("mbox %x\n", sha256.Sum256([]byte(mbox)))
	if _, err := exec.LookPath("b4"); err != nil {
		if strings.Contains(os.Getenv("XPS_TEST_REQUIRE"), "b4") {
			t.Fatal("XPS_TEST_REQUIRE has b4, but it is not installed: apt-get install b4")
		}
		data, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(string(data), sum)
		if !ok {
			t.Fatalf("%s was written for other replies: install b4 and run the test with -update", golden)
		}
		return byReply(strings.Split(text, "\n"))
	}
	lines := runB4(t, mbox)
	if *update && flag.Lookup("seed").DefValue == fmt.Sprint(*genSeed) {
		mustWrite(t, golden, sum+strings.Join(lines, "\n")+"\n")
	}
	if data, err := os.ReadFile(golden); flag.Lookup("seed").DefValue == fmt.Sprint(*genSeed) && (err != nil || !strings.HasPrefix(string(data), sum)) {
		t.Errorf("%s was written for other replies, %v: run the test with -update", golden, err)
	}
	return byReply(lines)
}

// runB4 runs b4 am without a network. Each line is a patch's key, a tab and a trailer.
func runB4(t *testing.T, mbox string) (lines []string) {
	t.Helper()
	home := t.TempDir()
	mustWrite(t, filepath.Join(home, ".gitconfig"), "[user]\n\tname = M\n\temail = m@lists.test\n[b4]\n\tattestation-policy = off\n")
	in := filepath.Join(home, "in.mbox")
	mustWrite(t, in, mbox)
	cmd := exec.CommandContext(t.Context(), "b4", "--offline-mode", "am", "-t", "-o", "-", "-m", in)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_NOSYSTEM=1", "PYTHONUTF8=1")
	var out, log strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("b4: %v\n%s", err, log.String())
	}
	key := ""
	for l := range strings.Lines(out.String()) {
		l = strings.TrimSuffix(l, "\n")
		switch {
		case strings.HasPrefix(l, "Subject: ") && strings.HasSuffix(l, "net: add the hook"):
			key = "hook"
		case strings.HasPrefix(l, "Subject: ") && strings.HasSuffix(l, "rtnetlink: attach it"):
			key = "link"
		case l == "---":
			key = ""
		case key != "" && strings.HasPrefix(strings.TrimSpace(l), "[") && len(lines) > 0:
			lines[len(lines)-1] += " " + strings.TrimSpace(l)
		case key != "" && strings.Contains(l, ": "):
			lines = append(lines, key+"\t"+l)
		}
	}
	if len(lines) == 0 {
		t.Fatalf("b4 found no trailer:\n%s\n%s", out.String(), log.String())
	}
	return lines
}

// b4Difference is a kind of reply in which b4 and credit find different tags.
type b4Difference struct {
	name, reason string
	applies      func(g *genReply, ours, theirs string) bool
}

// b4Differences are the kinds of replies in which b4 (0.12 and 0.14) and credit find
// different tags. The first that applies names a difference.
var b4Differences = []b4Difference{
	{"objection", "b4 takes a Nacked-by. It objects to the patch: a person must answer, so credit shows a row.",
		func(g *genReply, ours, theirs string) bool {
			return g.tag == "Nacked-by" && !strings.Contains(ours, "nacked")
		}},
	{"other names", "b4 reads any word before an address as a tag. b4 0.14 also takes links. credit takes NAME-by and Fixes, and shows a row for links and for other names with a hyphen.",
		func(g *genReply, ours, theirs string) bool {
			return slices.Contains([]string{"Contact", "Thanks-to", "Link"}, g.tag) && ours == ""
		}},
	{"sender with a comma", "b4 takes anybody's tag if the sender's name has a comma: it compares the name with itself. credit compares it with the tag's.",
		func(g *genReply, ours, theirs string) bool {
			return strings.Contains(g.sender, "comma") && ours == ""
		}},
	{"patch in the mail", "b4 takes the tags of a patch that the reply proposes. They are not for the patch that is answered; credit shows a row.",
		func(g *genReply, ours, theirs string) bool {
			return g.layout == "in a patch" && ours == "" || g.layout == "above a patch" && g.tag == "Signed-off-by" && ours == ""
		}},
	{"html only", "b4 reads no HTML. credit reads it if a mail has no other text: the tag is the sender's either way.",
		func(g *genReply, ours, theirs string) bool { return g.body == "html only" && theirs == "" }},
	{"thread", "Without In-Reply-To, b4 takes the first reference, which is the cover letter; with an unknown one it gives up. credit takes the nearest mail of the thread that is known, then the subject.",
		func(g *genReply, ours, theirs string) bool {
			return slices.Contains([]string{"references", "unknown in-reply-to", "only the subject"}, g.thread)
		}},
	{"slips", "b4 joins a tag of two lines only if the second line is the address. It misses a tag without a space, with a no-break hyphen, or after another one on its line. It keeps a full stop. credit repairs these.",
		func(g *genReply, ours, theirs string) bool {
			return slices.Contains([]string{"folded within the name", "folded after the colon", "folded before <", "no space", "full stop", "two on a line"}, g.layout) ||
				strings.HasPrefix(g.body, "flowed") && missing(ours, theirs)
		}},
	{"mbox", "b4 ends a mail at every line that begins with \"From \", and does not see the signature of a mail with CRLF. credit wants a date and a header there, and takes both line ends.",
		func(g *genReply, ours, theirs string) bool {
			return g.layout == "after From" || g.ends == "CRLF" && g.layout == "below the signature"
		}},
	{"character set", "b4 writes U+FFFD for bytes that are invalid in the character set, in a tag and in the sender's name, which then differ. credit accepts UTF-8 that is declared as ASCII. Otherwise it shows a row, because it must not guess a name.",
		func(g *genReply, ours, theirs string) bool {
			named := g.sender == "same name" || g.sender == "last, first" || g.layout == "no-break space"
			return strings.Contains(theirs, "\ufffd") || named && theirs == "" && (g.header == "raw" || g.charset == "us-ascii with UTF-8")
		}},
}
