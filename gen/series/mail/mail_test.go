// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]Address{
		"a@b.c":                            {"", "a@b.c"},
		"<a@b.c>":                          {"", "a@b.c"},
		"A B <a@b.c>":                      {"A B", "a@b.c"},
		`"A, B" <a@b.c>`:                   {"A, B", "a@b.c"},
		`"A \"x\" B" <a@b.c>`:              {`A "x" B`, "a@b.c"},
		"a@b.c (A B)":                      {"A B", "a@b.c"},
		"A  B <a@b.c> # on a laptop":       {"A B", "a@b.c"},
		"Jörg <a@b.c>":                     {"Jörg", "a@b.c"},
		"A B":                              {},
		"A B <a@b.c":                       {},
		"A B <a b@c>":                      {},
		"@b":                               {},
		"a@":                               {},
		"":                                 {},
		"a@b.c, d@e.f":                     {},
		"A <x> B <a@b.c>":                  {"A <x> B", "a@b.c"},
		"undisclosed-recipients:;":         {},
		"\"unended <a@b.c>":                {"\"unended", "a@b.c"},
		"stable@vger.kernel.org # v6.1":    {},
		"<stable@vger.kernel.org> # v6.1+": {"", "stable@vger.kernel.org"},
	} {
		got, err := ParseAddress(in)
		if got != want || (err == nil) != (want.Email != "") {
			t.Errorf("%q: got %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestParseAddresses(t *testing.T) {
	got, err := ParseAddresses(`a@b.c, "X, Y" <d@e.f>,, Z <g@h.i> ,`)
	want := []Address{{"", "a@b.c"}, {"X, Y", "d@e.f"}, {"Z", "g@h.i"}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if _, err := ParseAddresses("a@b.c, nobody"); err == nil {
		t.Error("nobody accepted")
	}
}

// TestEncodeAddresses: a list is folded, one a line, and read back the same.
func TestEncodeAddresses(t *testing.T) {
	list := []Address{{"", "a@b.c"}, {"X, \"Y\"", "d@e.f"}, {"Jörg Ü", "g@h.i"}, {strings.Repeat("Long ", 20) + "x", "j@k.l"}}
	out := EncodeAddresses("Cc", list)
	if !strings.HasPrefix(out, "Cc: a@b.c,\n    \"X, \\\"Y\\\"\" <d@e.f>,\n    =?UTF-8?q?J=C3=B6rg=20=C3=9C?= <g@h.i>,\n    Long ") {
		t.Errorf("got %q", out)
	}
	for _, l := range strings.Split(out, "\n") {
		if len(l) > lineWidth {
			t.Errorf("%d columns: %q", len(l), l)
		}
	}
	m, err := Parse([]byte(out + "\nx\n"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseAddresses(m.Header.Get("cc"))
	if d := cmp.Diff(list, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestSplitMbox(t *testing.T) {
	one := "From a@b Mon Nov 23 10:00:00 2026\nSubject: 1\n\nFrom here on\n>From a@b Mon Nov 23 10:00:00 2026\n\n"
	two := "From b@c Mon Nov 23 10:00:00 2026 +0000\nSubject: 2\n\nx\n"
	for name, tc := range map[string][]string{
		"two": {one, two}, "one": {one}, "bare": {"Subject: x\n\ny\n"}, "bare and one": {"Subject: x\n\ny\n", one}, "none": nil,
	} {
		var got []string
		for _, m := range SplitMbox([]byte(strings.Join(tc, ""))) {
			got = append(got, string(m))
		}
		if d := cmp.Diff(tc, got); d != "" {
			t.Errorf("%s: (-want +got):\n%s", name, d)
		}
	}
}

func TestParseParts(t *testing.T) {
	head := "Subject: x\nContent-Type: multipart/alternative; boundary=b\n\n"
	m, err := Parse([]byte(head + "--b\nContent-Type: text/html\n\n<p>\n--b\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64\n\naMO8\n--b--\n"))
	if err != nil || m.Body != "hü" || !m.Multipart || !m.Encoded {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{head + "--b\nContent-Type: text/html\n\n<p>\n--b--\n", strings.Replace(head, "boundary=b", "x=b", 1) + "x\n"} {
		if m, err := Parse([]byte(bad)); m != nil || !errors.Is(err, ErrMultipart) {
			t.Errorf("%+v, %v", m, err)
		}
	}
}

// FuzzMail holds that an error means no mail, that every mail of an mbox can
// be taken on its own, and that an address that is read can be written.
func FuzzMail(f *testing.F) {
	f.Add([]byte("From a@b Mon Nov 23 10:00:00 2026\nFrom: \"A, B\" <a@b.c>\nTo: x@y\nSubject: =?utf-8?q?=C3=BC?=\n\ntext\n"))
	f.Add([]byte("From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Transfer-Encoding: base64\n\naGk=\n--x--\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		for _, one := range SplitMbox(data) {
			total += len(one)
			m, err := Parse(one)
			if (m == nil) == (err == nil) {
				t.Fatalf("mail %v with error %v", m, err)
			}
			if err != nil {
				continue
			}
			a, err := ParseAddress(m.Header.Get("From"))
			if err != nil {
				continue
			}
			out := EncodeAddress("From", a)
			back, err := Parse([]byte(out + "\n"))
			if err != nil {
				t.Fatalf("%v: %q", err, out)
			}
			if strings.ContainsAny(a.Name, "\"\\<>") {
				continue // patch.Format refuses those
			}
			if got, err := ParseAddress(back.Header.Get("From")); err != nil || got != a {
				t.Fatalf("%q: got %+v, want %+v, %v", out, got, a, err)
			}
		}
		if total != len(data) {
			t.Fatalf("%d of %d bytes", total, len(data))
		}
	})
}
