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

// TestEncodeAddresses: a list has one address per line, and parses to the same list.
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

// TestIsFromLine: git begins a new mail at the same lines of an mbox.
func TestIsFromLine(t *testing.T) {
	for line, want := range map[string]bool{
		"From a@b Mon Nov 23 10:00:00 2026":       true,
		"From b@c Mon Nov 23 10:00:00 2026 +0000": true,
		"From mboxrd@z Thu Jan  1 00:00:00 1970":  true,
		"From here on":                            false,
		">From a@b Mon Nov 23 10:00:00 2026":      false,
		"From: a@b":                               false,
	} {
		if IsFromLine(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}

func TestParseMultipart(t *testing.T) {
	m, err := Parse([]byte("Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"))
	if m != nil || !errors.Is(err, ErrMultipart) {
		t.Errorf("%+v, %v", m, err)
	}
}

// FuzzMail: an error comes without a mail, and every address that can be read can be
// written.
func FuzzMail(f *testing.F) {
	f.Add([]byte("From a@b Mon Nov 23 10:00:00 2026\nFrom: \"A, B\" <a@b.c>\nTo: x@y\nSubject: =?utf-8?q?=C3=BC?=\n\ntext\n"))
	f.Add([]byte("From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Transfer-Encoding: base64\n\naGk=\n--x--\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if (m == nil) == (err == nil) {
			t.Fatalf("mail %v with error %v", m, err)
		}
		if err != nil {
			return
		}
		a, err := ParseAddress(m.Header.Get("From"))
		if err != nil {
			return
		}
		out := EncodeAddress("From", a)
		back, err := Parse([]byte(out + "\n"))
		if err != nil {
			t.Fatalf("%v: %q", err, out)
		}
		if strings.ContainsAny(a.Name, "\"\\<>") {
			return // patch.Format refuses those
		}
		if got, err := ParseAddress(back.Header.Get("From")); err != nil || got != a {
			t.Fatalf("%q: got %+v, want %+v, %v", out, got, a, err)
		}
	})
}
