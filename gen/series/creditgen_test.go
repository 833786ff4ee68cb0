// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"encoding/base64"
	"fmt"
	"html"
	"math/rand/v2"
	"mime/quotedprintable"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// genReply is one generated reply. Its fields say how it was generated, to find the cause
// of a difference.
type genReply struct {
	n int
	// target is the mail it answers: cover, hook, link, or chain, which is a
	// reply to a reply to link.
	target, subject, thread string
	// sender says how the person in the tag relates to the sender. header is the encoding
	// of the From header.
	sender, header string
	// tag is the kind of tag, layout its form in the text.
	tag, layout string
	// body is the MIME form, charset the character set, ends the line ends.
	body, charset, ends string

	mail string
}

var (
	genTargets  = []string{"cover", "hook", "hook", "link", "link", "chain"}
	genSubjects = []string{"Re: ", "Re: ", "Re: ", "RE: ", "re: ", "AW: ", "Re: Re: ", "none", "Fwd: ", "回复: "}
	genThreads  = []string{"both", "both", "both", "in-reply-to", "text around the id", "references", "unknown in-reply-to", "only the subject"}
	genSenders  = []string{"own", "own", "own", "own", "case", "plus", "subdomain", "same name", "last, first", "another", "comma in the sender's name"}
	genTags     = []string{"Reviewed-by", "Reviewed-by", "Acked-by", "Tested-by", "Tested-by #", "Tested-by [", "reviewed-by", "Reviewed-By", "Reviewed-and-tested-by",
		"Reported-by", "Suggested-by", "Co-developed-by", "Signed-off-by", "Nacked-by", "Fixes", "Cc", "Contact", "Thanks-to", "Link", "two tags", "(comment)", "quoted name"}
	genLayouts = []string{"plain", "plain", "plain", "first line", "spaces", "tab", "after a quote", "before a quote", "quoted", "folded before <", "folded within the name",
		"folded after the colon", "below the signature", "below --", "in a sentence", "no space", "no address", "below an original message", "above a patch", "in a patch",
		"after From", "after >From", "full stop", "trailing space", "PGP inline", "two on a line", "no-break space"}
	genBodies = []string{"7bit or 8bit", "7bit or 8bit", "quoted-printable", "base64", "base64 with a footer", "flowed", "flowed, delsp", "html only", "alternative",
		"signed", "nested signed", "mixed", "html first", "attachment", "no content type", "truncated"}
	genCharsets = []string{"utf-8", "utf-8", "utf-8", "UTF-8", "iso-8859-1", "iso-8859-15", "windows-1252", "gb2312", "iso-2022-jp", "koi8-r", "euc-kr", "big5",
		"us-ascii with UTF-8", "none with Latin-1", "utf-8 with Latin-1", "x-unknown-9"}
	genEnds    = []string{"LF", "LF", "LF", "CRLF"}
	genHeaders = []string{"encoded", "base64", "raw", "plain"}
)

// names are names in the character set.
var genNames = map[string]string{
	"gb2312": "王 小明", "iso-2022-jp": "山田 太郎", "koi8-r": "Иван Иванов", "euc-kr": "김 철수", "big5": "陳 大文",
	"iso-8859-15": "Œdipe Žižek", "windows-1252": "Jörg – Ürgen",
}

// genReplies generates replies to the thread of genThread.
func genReplies(seed uint64, count int) []*genReply {
	r := rand.New(rand.NewPCG(seed, 15))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	var list []*genReply
	for n := range count {
		g := &genReply{n: n, target: pick(genTargets), subject: pick(genSubjects), thread: pick(genThreads), sender: pick(genSenders), header: pick(genHeaders),
			tag: pick(genTags), layout: pick(genLayouts), body: pick(genBodies), charset: pick(genCharsets), ends: pick(genEnds)}
		// Half of the replies differ from plain ones in one or two fields only. Otherwise
		// one failure would hide another.
		if r.IntN(2) == 0 {
			keep := r.IntN(9)
			for i, p := range []*string{&g.target, &g.subject, &g.thread, &g.sender, &g.tag, &g.layout, &g.body, &g.charset, &g.ends} {
				if i != keep {
					*p = []string{"hook", "Re: ", "both", "own", "Reviewed-by", "plain", "7bit or 8bit", "utf-8", "LF"}[i]
				}
			}
		}
		// Without "Re:", b4 would treat it as the cover letter or as the patch.
		if g.subject == "none" && (g.target == "cover" || strings.HasSuffix(g.layout, "a patch")) {
			g.subject = "Re: "
		}
		g.write(r)
		list = append(list, g)
	}
	return list
}

func (g *genReply) email() string { return fmt.Sprintf("rev%03d@lists.example.org", g.n) }

// name returns the person in the tag. It is unique, so that a tag identifies its reply.
func (g *genReply) name() string {
	base := "Rev Iewer"
	if n, ok := genNames[g.charset]; ok {
		base = n
	} else if g.charset != "x-unknown-9" && g.n%2 == 0 {
		base = "Jörg Müller"
	}
	return fmt.Sprintf("%s %03d", base, g.n)
}

// from returns the name and the address of the sender.
func (g *genReply) from() (name, email string) {
	name, email = g.name(), g.email()
	switch g.sender {
	case "case":
		email = strings.ToUpper(email)
	case "plus":
		name, email = "R. I.", strings.Replace(email, "@", "+kernel@", 1)
	case "subdomain":
		name, email = "R. I.", strings.Replace(email, "@", "@mail.", 1)
	case "same name":
		email = fmt.Sprintf("home%03d@example.net", g.n)
	case "last, first":
		i := strings.LastIndexByte(name, ' ')
		name, email = name[i+1:]+", "+name[:i], fmt.Sprintf("home%03d@example.net", g.n)
	case "another":
		name, email = "Otto Other", fmt.Sprintf("otto%03d@example.net", g.n)
	case "comma in the sender's name":
		name, email = "Other, Otto", fmt.Sprintf("otto%03d@example.net", g.n)
	}
	return name, email
}

// tags returns the lines of the tag.
func (g *genReply) tags() []string {
	who := g.name() + " <" + g.email() + ">"
	switch g.tag {
	case "Tested-by #":
		return []string{"Tested-by: " + who + " # on arm64"}
	case "Tested-by [":
		return []string{"Tested-by: " + who, "[only the locking]"}
	case "(comment)":
		return []string{"Tested-by: " + who + " (on arm64)"}
	case "quoted name":
		return []string{`Acked-by: "` + g.name() + `" <` + g.email() + ">"}
	case "two tags":
		return []string{"Reviewed-by: " + who, "Tested-by: " + who}
	case "Fixes":
		return []string{fmt.Sprintf(`Fixes: abcdef%06d ("net: do it")`, g.n)}
	case "Link":
		return []string{fmt.Sprintf("Link: https://lore.kernel.org/r/%03d@example.org", g.n)}
	}
	return []string{g.tag + ": " + who}
}

// text returns the text that the sender wrote.
func (g *genReply) text() string {
	tags := g.tags()
	first, more := tags[0], tags[1:]
	join := func(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
	all := strings.Join(tags, "\n")
	hasAddress := strings.Contains(first, "<")
	quote := "> Because.\n> \n> Signed-off-by: A B <a@example.org>"
	switch g.layout {
	case "first line":
		return join(all, "", "Thanks!")
	case "spaces":
		return join("Fine, add:", "", "    "+strings.Join(tags, "\n    "))
	case "tab":
		return join("Fine, add:", "", "\t"+strings.Join(tags, "\n\t"))
	case "after a quote":
		return join("On Monday X wrote:", quote, "", all)
	case "before a quote":
		return join("", all, "", "On Monday X wrote:", quote)
	case "quoted":
		return join("> "+strings.Join(tags, "\n> "), "", "Really?")
	case "folded before <":
		if hasAddress {
			return join("Nice.", "", strings.Replace(first, " <", "\n<", 1), strings.Join(more, "\n"))
		}
	case "folded within the name":
		if hasAddress {
			i := strings.LastIndexByte(first[:strings.IndexByte(first, '<')-1], ' ')
			return join("Nice.", "", first[:i]+"\n"+first[i+1:])
		}
	case "folded after the colon":
		return join("Nice.", "", strings.Replace(first, ": ", ":\n", 1))
	case "below the signature":
		return join("Nice.", "-- ", "R. I.", all)
	case "below --":
		return join("Nice.", "--", "R. I.", all)
	case "in a sentence":
		return join("Nice, please add " + first + " to it.")
	case "no space":
		return join("Nice.", "", strings.Replace(first, ": ", ":", 1))
	case "no address":
		if hasAddress {
			return join("Nice.", "", first[:strings.IndexByte(first, '<')-1], "", "Bye")
		}
	case "below an original message":
		return join("Nice.", "", "-----Original Message-----", "From: X <x@example.org>", "", all)
	case "above a patch":
		return join("Nice, with this:", all, "", "diff --git a/f b/f", "--- a/f", "+++ b/f", "@@ -1 +1 @@", "-a", "+b")
	case "in a patch":
		return join("How about:", "-- >8 --", "net: do it", "", all, "---", "diff --git a/f b/f", "--- a/f", "+++ b/f", "@@ -1 +1 @@", "-a", "+b")
	case "after From":
		return join("From my side:", all)
	case "after >From":
		return join(">From my side:", "", all)
	case "full stop":
		return join("Nice.", "", first+".")
	case "trailing space":
		return join("Nice. ", "", first+" ", "Bye")
	case "PGP inline":
		return join("-----BEGIN PGP SIGNED MESSAGE-----", "Hash: SHA512", "", all, "-----BEGIN PGP SIGNATURE-----", "", "abc", "-----END PGP SIGNATURE-----")
	case "two on a line":
		if hasAddress {
			return join("Nice.", "", "Acked-by: "+g.name()+" <"+g.email()+">, "+first)
		}
	case "no-break space":
		return join("Nice.", "", strings.Replace(first, ": ", ":\u00a0", 1))
	}
	return join("Nice.", "", all, "", "Bye")
}

// codec returns the character set in which the text is written, and the one that the header
// declares.
func (g *genReply) codec() (codec, declared string) {
	switch g.charset {
	case "us-ascii with UTF-8":
		return "utf-8", "us-ascii"
	case "none with Latin-1":
		return "iso-8859-1", ""
	case "utf-8 with Latin-1":
		return "iso-8859-1", "utf-8"
	case "x-unknown-9":
		return "utf-8", "x-unknown-9"
	}
	return g.charset, g.charset
}

// genEncode writes text in a character set. Missing characters become question marks.
func genEncode(charset, text string) string {
	e, err := htmlindex.Get(charset)
	if err != nil {
		panic(err)
	}
	var b strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		s, err := e.NewEncoder().String(line)
		if err != nil {
			s = ""
			for _, c := range line {
				one, err := e.NewEncoder().String(string(c))
				if err != nil {
					one = "?"
				}
				s += one
			}
		}
		b.WriteString(s)
	}
	return b.String()
}

// fromHeader returns the From header.
func (g *genReply) fromHeader() string {
	name, email := g.from()
	codec, _ := g.codec()
	raw := genEncode(codec, name)
	ascii := regexp.MustCompile(`^[ -~]*$`).MatchString(name)
	quoted := name
	if strings.Contains(name, ",") {
		quoted = `"` + name + `"`
	}
	switch {
	case g.header == "base64" || !ascii && codec == "iso-2022-jp":
		return "=?" + codec + "?B?" + base64.StdEncoding.EncodeToString([]byte(raw)) + "?= <" + email + ">"
	case g.header == "raw" && !ascii:
		return genEncode(codec, quoted) + " <" + email + ">"
	case ascii:
		return quoted + " <" + email + ">"
	}
	var b strings.Builder
	for _, c := range []byte(raw) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return "=?" + codec + "?q?" + b.String() + "?= <" + email + ">"
}

// content returns the body and the headers that describe it.
func (g *genReply) content(r *rand.Rand) (headers, body string) {
	codec, declared := g.codec()
	text := genEncode(codec, g.text())
	param := ""
	if declared != "" {
		param = "; charset=" + declared
		if r.IntN(3) == 0 {
			param = `; charset="` + declared + `"`
		}
	}
	kind := "Content-Type: text/plain" + param
	plain := kind + "\n\n" + text
	page := "Content-Type: text/html" + param + "\n\n<html><head><style>p {}</style></head><body><p>" +
		genEncode(codec, strings.ReplaceAll(html.EscapeString(g.text()), "\n", "<br>\n")) + "</p></body></html>\n"
	parts := func(kind string, list ...string) string {
		return "Content-Type: multipart/" + kind + "; boundary=\"=_" + kind + "\"\n\nThis is MIME.\n--=_" + kind + "\n" +
			strings.Join(list, "\n--=_"+kind+"\n") + "\n--=_" + kind + "--\n"
	}
	signature := "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n"
	footer := "Content-Type: text/plain\n\n_____\nlinux mailing list\n"
	cut := func(whole string) (string, string) {
		h, b, _ := strings.Cut(whole, "\n\n")
		return h + "\n", b
	}
	switch g.body {
	case "quoted-printable":
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		w.Write([]byte(text))
		w.Close()
		return kind + "\nContent-Transfer-Encoding: quoted-printable\n", strings.ReplaceAll(b.String(), "\r\n", "\n")
	case "base64", "base64 with a footer":
		s := base64.StdEncoding.EncodeToString([]byte(text))
		var b strings.Builder
		for len(s) > 76 {
			b.WriteString(s[:76] + "\n")
			s = s[76:]
		}
		b.WriteString(s + "\n")
		if g.body != "base64" {
			b.WriteString("_______________________________________________\nlinux mailing list\nlinux@lists.example.org\n")
		}
		return kind + "\nContent-Transfer-Encoding: base64\n", b.String()
	case "flowed", "flowed, delsp":
		del := ""
		// A soft break replaces the break in the tag's line.
		flowed := strings.ReplaceAll(text, " <rev", " \n<rev")
		if g.body != "flowed" {
			del = "; delsp=yes"
			flowed = strings.ReplaceAll(text, " <rev", "  \n<rev")
		}
		var b strings.Builder
		for l := range strings.Lines(flowed) {
			if strings.HasPrefix(l, " ") || strings.HasPrefix(l, "From ") {
				l = " " + l
			}
			b.WriteString(l)
		}
		return kind + "; format=flowed" + del + "\n", b.String()
	case "html only":
		return cut(page)
	case "alternative":
		return cut(parts("alternative", plain, page))
	case "html first":
		return cut(parts("alternative", page, plain))
	case "signed":
		return cut(parts("signed", plain, signature))
	case "nested signed":
		return cut(parts("signed", parts("mixed", plain, footer), signature))
	case "mixed":
		return cut(parts("mixed", plain, footer))
	case "attachment":
		return cut(parts("mixed", plain, "Content-Type: text/plain; name=log\nContent-Disposition: attachment; filename=log\n\nlog\n"))
	case "truncated":
		return cut(strings.TrimSuffix(parts("mixed", plain), "--=_mixed--\n"))
	case "no content type":
		return "", text
	}
	return kind + "\nContent-Transfer-Encoding: 8bit\n", text
}

// write writes the mail.
func (g *genReply) write(r *rand.Rand) {
	// A mail without a content type must be UTF-8. Otherwise its character set is unknown.
	if g.body == "no content type" && g.charset != "none with Latin-1" {
		g.charset = "utf-8"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: %s\nTo: netdev@vger.kernel.org\nDate: Mon, 23 Nov 2026 10:00:00 +0000\nMessage-ID: <reply%03d@example.org>\n", g.fromHeader(), g.n)
	parent, title := "v1.0@example.org", "[RFC PATCH net-next 0/2] net: a change"
	refs := []string{"v1.0@example.org"}
	switch g.target {
	case "hook":
		parent, title = "v1.1@example.org", "[RFC PATCH net-next 1/2] net: add the hook"
	case "link":
		parent, title = "v1.2@example.org", "[RFC PATCH net-next 2/2] rtnetlink: attach it"
	case "chain":
		parent, title = "question@example.org", "[RFC PATCH net-next 2/2] rtnetlink: attach it"
		refs = append(refs, "v1.2@example.org")
	}
	if g.target != "cover" {
		refs = append(refs, parent)
	}
	prefix := g.subject
	if prefix == "none" {
		prefix = ""
	}
	subject := prefix + title
	if regexp.MustCompile(`[^ -~]`).MatchString(subject) {
		subject = "=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(subject)) + "?="
	}
	b.WriteString("Subject: " + subject + "\n")
	references := "References: <" + strings.Join(refs, ">\n <") + ">\n"
	switch g.thread {
	case "both":
		b.WriteString("In-Reply-To: <" + parent + ">\n" + references)
	case "in-reply-to":
		b.WriteString("In-Reply-To: <" + parent + ">\n")
	case "text around the id":
		b.WriteString("In-Reply-To: <" + parent + "> (Some Body's message of \"Mon, 23 Nov 2026\")\n")
	case "references":
		b.WriteString(references)
	case "unknown in-reply-to":
		b.WriteString("In-Reply-To: <lost@example.org>\n" + references)
	}
	headers, body := g.content(r)
	b.WriteString("MIME-Version: 1.0\n" + headers + "\n" + body)
	if !strings.HasSuffix(body, "\n") {
		b.WriteString("\n")
	}
	b.WriteString("\n")
	if g.mail = b.String(); g.ends == "CRLF" {
		g.mail = strings.ReplaceAll(g.mail, "\n", "\r\n")
	}
}

// genThread returns the sent thread, with a question about the second patch.
func genThread() string {
	head := "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: x <x@example.org>\nTo: netdev@vger.kernel.org\nDate: Mon, 23 Nov 2026 09:00:00 +0000\n"
	patch := func(n int, title string) string {
		return head + fmt.Sprintf("Subject: [RFC PATCH net-next %d/2] %s\nMessage-Id: <v1.%d@example.org>\nIn-Reply-To: <v1.0@example.org>\nReferences: <v1.0@example.org>\n\n"+
			"Because.\n---\n f%d | 1 +\n 1 file changed, 1 insertion(+)\n\ndiff --git a/f%d b/f%d\nnew file mode 100644\n--- /dev/null\n+++ b/f%d\n@@ -0,0 +1 @@\n+x\n\n", n, title, n, n, n, n, n)
	}
	return head + "Subject: [RFC PATCH net-next 0/2] net: a change\nMessage-Id: <v1.0@example.org>\n\nThe cover.\n\n f1 | 1 +\n 2 files changed, 2 insertions(+)\n\n" +
		patch(1, "net: add the hook") + patch(2, "rtnetlink: attach it") +
		head + "Subject: Re: [RFC PATCH net-next 2/2] rtnetlink: attach it\nMessage-Id: <question@example.org>\nIn-Reply-To: <v1.2@example.org>\n" +
		"References: <v1.0@example.org> <v1.2@example.org>\n\n> Because.\n\nWhy?\n\n"
}
