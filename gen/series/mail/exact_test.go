// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddressText(t *testing.T) {
	for want, a := range map[string]Address{"a@b.c": {"", "a@b.c"}, "A B <a@b.c>": {"A B", "a@b.c"}} {
		if got := a.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestParseAddressLimits(t *testing.T) {
	for in, want := range map[string]Address{
		"  a@b.c \t":            {"", "a@b.c"},
		"<  a@b.c >":            {"", "a@b.c"},
		"b@c":                   {"", "b@c"},
		`"" <a@b.c>`:            {"", "a@b.c"},
		`" <a@b.c>`:             {`"`, "a@b.c"},
		`"a\\b" <a@b.c>`:        {`a\b`, "a@b.c"},
		`"ab\" <a@b.c>`:         {`ab\`, "a@b.c"},
		`"a   b" <a@b.c>`:       {"a b", "a@b.c"},
		`a@b.c ("A, B")`:        {"A, B", "a@b.c"},
		"a@b.c (A":              {},
		"a@b.c(A)":              {},
		"A <a@b;c>":             {},
		"A <a@b:c>":             {},
		"A <a\t@b>":             {},
		"A <a@b@c>":             {"A", "a@b@c"},
		"A <>":                  {},
		"A <a@b.c> [maintainer": {"A", "a@b.c"},
	} {
		got, err := ParseAddress(in)
		if got != want || (err == nil) != (want.Email != "") {
			t.Errorf("%q: got %+v, %v; want %+v", in, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "is not a mail address") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestSplitAddresses(t *testing.T) {
	for in, want := range map[string][]string{
		"":                        {},
		" , ":                     {},
		"a@b,c@d":                 {"a@b", "c@d"},
		`"a,b" <c@d>,e@f`:         {`"a,b" <c@d>`, "e@f"},
		`"a\",b" <c@d>,e@f`:       {`"a\",b" <c@d>`, "e@f"},
		`a\",b" <c@d>,e@f`:        {`a\",b" <c@d>`, "e@f"},
		"A <a,b@c>,d@e":           {"A <a,b@c>", "d@e"},
		"A <a@b>,B <c@d>,":        {"A <a@b>", "B <c@d>"},
		`"<" <a@b>,c@d`:           {`"<" <a@b>`, "c@d"},
		`"unended, a@b`:           {`"unended, a@b`},
		`"ends in a backslash, \`: {`"ends in a backslash, \`},
	} {
		if diff := cmp.Diff(want, splitAddresses(in)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", in, diff)
		}
	}
}

func TestPlaceholder(t *testing.T) {
	for address, want := range map[string]bool{
		"a": true, "a@b": true, "a@localhost": true, "a@x.invalid": true, "A@X.INVALID": true, "a@example.com": true, "a@b.example": true,
		"a@b.c": false, "a@example.com.org": false, "a@invalid.org": false, "a@sub.example.com": false,
	} {
		if Placeholder(address) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
}

func TestEncodeExactly(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, tt := range map[string]struct{ got, want string }{
		"plain":               {EncodeText("Subject", "[PATCH] ", "a b"), "Subject: [PATCH] a b\n"},
		"78 columns":          {EncodeText("S", "", "a "+x(73)), "S: a " + x(73) + "\n"},
		"79 columns":          {EncodeText("S", "", "a "+x(74)), "S: a\n " + x(74) + "\n"},
		"after a line break":  {EncodeText("S", "", x(75)+" "+x(76)+" a b"), "S: " + x(75) + "\n " + x(76) + "\n a b\n"},
		"to the last column":  {EncodeText("S", "", x(75)+" "+x(75)+" a b"), "S: " + x(75) + "\n " + x(75) + " a\n b\n"},
		"fills a line":        {EncodeText("S", "", x(75)+" "+x(73)+" abc d"), "S: " + x(75) + "\n " + x(73) + " abc\n d\n"},
		"encoded":             {EncodeText("Subject", "[PATCH] ", "a ü = ? _ (b)"), "Subject: [PATCH] =?UTF-8?q?a=20=C3=BC=20=3D=20=3F=20=5F=20(b)?=\n"},
		"like an encoding":    {EncodeText("Subject", "", "=?x"), "Subject: =?UTF-8?q?=3D=3Fx?=\n"},
		"encoded, 76 columns": {EncodeText("S", "", "ü"+x(55)), "S: =?UTF-8?q?=C3=BC" + x(55) + "?=\n"},
		"encoded, 77 columns": {EncodeText("S", "", "ü"+x(56)), "S: =?UTF-8?q?=C3=BC" + x(55) + "?=\n =?UTF-8?q?x?=\n"},
		"encoded, three":      {EncodeText("S", "", "ü"+x(55)+x(63)+x(2)), "S: =?UTF-8?q?=C3=BC" + x(55) + "?=\n =?UTF-8?q?" + x(63) + "?=\n =?UTF-8?q?xx?=\n"},
		"encoded, split rune": {EncodeText("S", "", x(58)+"ü"), "S: =?UTF-8?q?" + x(58) + "?=\n =?UTF-8?q?=C3=BC?=\n"},
		"controls":            {EncodeText("S", "", "ü\x7f~!"), "S: =?UTF-8?q?=C3=BC=7F~!?=\n"},
		"address":             {EncodeAddress("To", Address{"", "a@b.c"}), "To: a@b.c\n"},
		"name":                {EncodeAddress("To", Address{"A B", "a@b.c"}), "To: A B <a@b.c>\n"},
		"quoted name":         {EncodeAddress("To", Address{`A. "B" \`, "a@b.c"}), `To: "A. \"B\" \\" <a@b.c>` + "\n"},
		"encoded name":        {EncodeAddress("To", Address{"ü azAZ09!*+-/ .,~", "a@b.c"}), "To: =?UTF-8?q?=C3=BC=20azAZ09!*+-/=20=2E=2C=7E?= <a@b.c>\n"},
		"name, 78 columns":    {EncodeAddress("To", Address{x(66), "a@b.c"}), "To: " + x(66) + " <a@b.c>\n"},
		"name, 79 columns":    {EncodeAddress("To", Address{x(67), "a@b.c"}), "To: " + x(67) + "\n <a@b.c>\n"},
		"two lines of a name": {EncodeAddress("To", Address{x(60) + " " + x(30), "a@b.c"}), "To: " + x(60) + "\n " + x(30) + " <a@b.c>\n"},
		"second line is full": {EncodeAddress("To", Address{x(60) + " " + x(70), "a@b.c"}), "To: " + x(60) + "\n " + x(70) + "\n <a@b.c>\n"},
		"encoded, 76":         {EncodeAddress("To", Address{"ü" + x(46), "a@b.c"}), "To: =?UTF-8?q?=C3=BC" + x(46) + "?= <a@b.c>\n"},
		"encoded, 77 with it": {EncodeAddress("To", Address{"ü" + x(47), "a@b.c"}), "To: =?UTF-8?q?=C3=BC" + x(47) + "?=\n <a@b.c>\n"},
		"addresses":           {EncodeAddresses("Cc", []Address{{"", "a@b.c"}, {x(66), "a@b.c"}, {x(67), "a@b.c"}}), "Cc: a@b.c,\n    " + x(66) + " <a@b.c>,\n    " + x(67) + "\n <a@b.c>\n"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, tt.got, tt.want)
		}
	}
}

func TestParseMails(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want Mail
	}{
		"plain":         {"Subject: x\n\nbody\nmore\n", Mail{Header: Header{{"Subject", "x"}}, Body: "body\nmore\n", BodyLine: 3}},
		"mbox":          {"From a@b Mon\nSubject: x\n\nbody\n", Mail{From_: "a@b Mon", Header: Header{{"Subject", "x"}}, Body: "body\n", BodyLine: 4}},
		"CRLF":          {"Subject: x\r\n\r\nbody\r\n", Mail{Header: Header{{"Subject", "x"}}, Body: "body\n", BodyLine: 3, CRLF: true}},
		"LF, then CRLF": {"Subject: x\n\nbody\r\n", Mail{Header: Header{{"Subject", "x"}}, Body: "body\r\n", BodyLine: 3}},
		"folded":        {"Subject: x\n\t y \nTo: \t a@b\n\nbody", Mail{Header: Header{{"Subject", "x y"}, {"To", "a@b"}}, Body: "body", BodyLine: 5}},
		"no body":       {"Subject: x\n", Mail{Header: Header{{"Subject", "x"}}, BodyLine: 2}},
		"encoded words": {"Subject: =?utf-8?q?=C3=BC=0Ax=00?= =?iso-8859-1?q?=FC?=\n\n", Mail{Header: Header{{"Subject", "ü x ü"}}, BodyLine: 3}},
		"charset and flowed": {"Content-Type: text/plain; charset=UTF-8; format=Flowed\n\nx", Mail{
			Header: Header{{"Content-Type", "text/plain; charset=UTF-8; format=Flowed"}}, Body: "x", Charset: "utf-8", Flowed: true, BodyLine: 3}},
		"odd type": {"Content-Type: ;\n\nx", Mail{Header: Header{{"Content-Type", ";"}}, Body: "x", BodyLine: 3}},
		"quoted-printable": {"Content-Transfer-Encoding: Quoted-Printable\n\na=3Db=\nc\n", Mail{
			Header: Header{{"Content-Transfer-Encoding", "Quoted-Printable"}}, Body: "a=bc\n", Encoded: true, BodyLine: 3}},
		"base64": {"Content-Transfer-Encoding: base64\n\nYQ0K\n Yg0K\t\n", Mail{
			Header: Header{{"Content-Transfer-Encoding", "base64"}}, Body: "a\nb\n", Encoded: true, CRLF: true, BodyLine: 3}},
		"base64 of mixed line ends": {"Content-Transfer-Encoding: base64\n\nYQ0KYgo=\n", Mail{
			Header: Header{{"Content-Transfer-Encoding", "base64"}}, Body: "a\r\nb\n", Encoded: true, BodyLine: 3}},
		"base64 without a line end": {"Content-Transfer-Encoding: base64\n\nYQ==\n", Mail{
			Header: Header{{"Content-Transfer-Encoding", "base64"}}, Body: "a", Encoded: true, BodyLine: 3}},
		"8bit": {"Content-Transfer-Encoding: 8bit\n\nü\n", Mail{Header: Header{{"Content-Transfer-Encoding", "8bit"}}, Body: "ü\n", BodyLine: 3}},
	} {
		got, err := Parse([]byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, *got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		text, want string
		kind       error
	}{
		"nothing":           {"", "line 1: not a mail: no header", ErrNotMail},
		"only a body":       {"\nx\n", "line 2: not a mail: no header", ErrNotMail},
		"only From":         {"From a\n", "line 2: not a mail: no header", ErrNotMail},
		"continued":         {" x\n", "line 1: not a mail: it begins with a continued line", ErrNotMail},
		"no colon":          {"Subject: x\nnonsense\n", `line 2: not a mail: "nonsense" is not a header`, ErrNotMail},
		"space in a name":   {"Sub ject: x\n", "line 1: not a mail: \"Sub ject: x\" is not a header", ErrNotMail},
		"no name":           {": x\n", "line 1: not a mail: \": x\" is not a header", ErrNotMail},
		"umlaut in a name":  {"\u00fcx: x\n", "line 1: not a mail: \"\u00fcx: x\" is not a header", ErrNotMail},
		"header not UTF-8":  {"Subject: \xff\n\n", "character set: header Subject is not UTF-8", ErrCharset},
		"multipart":         {"Content-Type: multipart/mixed; boundary=b\n\nx", "line 3: multipart mail: send the patch as plain text", ErrMultipart},
		"unknown encoding":  {"Content-Transfer-Encoding: x-uuencode\n\nx", `line 3: transfer encoding: unknown encoding "x-uuencode"`, ErrEncoding},
		"damaged base64":    {"Content-Transfer-Encoding: base64\n\nY!\n", "line 3: transfer encoding: base64: it is damaged", ErrEncoding},
		"damaged quoted":    {"Content-Transfer-Encoding: quoted-printable\n\na\x01b\n", "line 3: transfer encoding: quoted-printable: ", ErrEncoding},
		"folded nonsense 4": {"From a\nA: b\n c\nnonsense\n\n", `line 4: not a mail: "nonsense" is not a header`, ErrNotMail},
	} {
		m, err := Parse([]byte(tt.text))
		if m != nil || !errors.Is(err, tt.kind) || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %+v, %v; want %s", name, m, err, tt.want)
		}
	}
	if got := (&Error{Line: 7, Err: ErrCharset}).Error(); got != "line 7: character set" {
		t.Errorf("without a text: %q", got)
	}
}

func TestUTF8(t *testing.T) {
	for name, tt := range map[string]struct{ charset, text, want string }{
		"none": {"", "ü", "ü"}, "utf-8": {"utf-8", "ü", "ü"}, "utf8": {"utf8", "ü", "ü"}, "ascii": {"us-ascii", "ü", "ü"}, "ascii 2": {"ascii", "u", "u"},
		"latin1": {"latin1", "\xfc", "ü"}, "iso": {"iso-8859-1", "a\xfc\x7f", "aü\x7f"}, "koi8": {"koi8-r", "abc\x7f", "abc\x7f"},
		"wrong utf-8": {"utf-8", "\xfc", ""}, "wrong none": {"", "\xfc", ""}, "wrong koi8": {"koi8-r", "a\x80", ""},
	} {
		got, err := (&Mail{Charset: tt.charset}).UTF8(tt.text)
		if got != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, ErrCharset) {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, tt.want)
		}
	}
	h := Header{{"A", "1"}, {"b", "2"}, {"B", "3"}}
	if h.Get("a") != "1" || h.Get("B") != "2" || h.Get("c") != "" {
		t.Errorf("headers: %q, %q, %q", h.Get("a"), h.Get("B"), h.Get("c"))
	}
}
